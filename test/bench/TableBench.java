import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A gateway's table of 10,000 backends in 1,000 prefixes: to load, to refresh, to hold, and to probe. */
final class TableBench {
    private static final int BACKENDS = 10_000;
    private static final int PREFIXES = 1_000;
    private static final int INTERVAL = 10_000;            // ms between two probes, the default
    private static final int SLOT = 100;                   // ms

    private final Map<String, List<Double>> measured = new LinkedHashMap<>();
    private final HttpClient client = HttpClient.newHttpClient();
    private final HttpServer registry = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 100);
    private final HttpServer backend = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 1_000);
    private final AtomicInteger version = new AtomicInteger();
    private final AtomicInteger atOnce = new AtomicInteger();
    private final AtomicInteger mostAtOnce = new AtomicInteger();
    private final AtomicInteger asked = new AtomicInteger();
    private volatile boolean hasVersions = true;
    private volatile byte[] list;
    private volatile long slotsFrom = Long.MAX_VALUE;
    private volatile AtomicIntegerArray slots = new AtomicIntegerArray(INTERVAL / SLOT);

    private TableBench() throws IOException {
        registry.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        registry.createContext("/", this::list);
        registry.start();
        backend.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        backend.createContext("/", this::answer);
        backend.start();
    }

    /** Prints medians over so many runs, each with a gateway of its own. */
    static void main(int runs) throws Exception {
        TableBench bench = new TableBench();
        System.out.printf("%n%,d backends in %,d prefixes: medians of %d runs, %s%n", BACKENDS, PREFIXES,
            runs, Machine.SMALL);
        for (int i = 0; i < runs; i++) {
            bench.load(1, "1 backend");
            bench.refreshes(bench.load(BACKENDS, "10,000 backends"));
        }
        bench.print();
        for (int i = 0; i < runs; i++) bench.probes();
        System.out.printf("%nprobes over an interval of %d ms, each answered after 20 ms%n", INTERVAL);
        bench.print();
        bench.registry.stop(0);
        bench.backend.stop(0);
    }

    private void note(String what, double value) {
        measured.computeIfAbsent(what, w -> new ArrayList<>()).add(value);
    }

    private void print() {
        measured.forEach((what, values) -> System.out.println(Machine.row(what, Machine.median(values))));
        measured.clear();
    }

    // ---- The registry and the backend that the gateway sees

    /** The list, with an ETag where versions are on; ?wait holds, for nothing changes by itself. */
    private void list(HttpExchange exchange) throws IOException {
        String tag = "\"" + version.get() + "\"";
        String query = exchange.getRequestURI().getQuery();
        if (query != null && hasVersions) {
            try {
                Thread.sleep(20_000);
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        } else {
            asked.incrementAndGet();
        }
        if (hasVersions) exchange.getResponseHeaders().set("ETag", tag);
        boolean known = hasVersions && tag.equals(exchange.getRequestHeaders().getFirst("If-None-Match"));
        exchange.sendResponseHeaders(known ? 304 : 200, known ? -1 : list.length);
        if (!known) exchange.getResponseBody().write(list);
        exchange.close();
    }

    private void answer(HttpExchange exchange) throws IOException {
        long slot = (System.nanoTime() - slotsFrom) / 1_000_000 / SLOT;
        if (slotsFrom != Long.MAX_VALUE && slot < slots.length()) {
            slots.incrementAndGet((int) slot);
            mostAtOnce.accumulateAndGet(atOnce.incrementAndGet(), Math::max);
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            atOnce.decrementAndGet();
        }
        exchange.sendResponseHeaders(200, -1);
        exchange.close();
    }

    // ---- What is measured

    private record Gateway(Process process, int port) {}

    private Gateway start(int backends, String... options) throws IOException {
        int port = Machine.freePort();
        list = Machine.registry(backends, backends == 1 ? 1 : PREFIXES, "/p",
            "http://127.0.0.1:" + backend.getAddress().getPort()).getBytes(StandardCharsets.UTF_8);
        version.incrementAndGet();
        List<String> command = new ArrayList<>(List.of(Machine.JAVA));
        command.addAll(List.of(Machine.SMALL.split(" ")));
        command.addAll(List.of("-cp", Machine.CLASSES, "GatewayServer", "--proxy-port=" + port,
            "--registry-url=http://127.0.0.1:" + registry.getAddress().getPort()));
        command.addAll(List.of(options));
        return new Gateway(Machine.start(Machine.folder("table"), Machine.KEYS, command), port);
    }

    /** From the start of the process to a backend's first answer: start-up, and the table's first load. */
    private Gateway load(int backends, String title) throws Exception {
        hasVersions = true;
        Gateway gateway = start(backends, "--health-interval-ms=86400000", "--cache-ttl-ms=86400000");
        long began = System.nanoTime();
        Machine.await(gateway.port(), backends == 1 ? "/p/x" : "/p/0999/x", gateway.process());
        note("s to the first answer, " + title, (System.nanoTime() - began) / 1e9);
        note("s CPU to the first answer, " + title, Machine.cpu(gateway.process().pid()) / 1e6);
        if (backends == 1) Machine.end(gateway.process());
        return gateway;
    }

    private void refreshes(Gateway gateway) throws Exception {
        Thread.sleep(12_000);                              // each backend is probed once at the start
        memory(gateway, "loaded");
        refresh("unchanged, with ETag", gateway, 300, false);
        refresh("one entry changed", gateway, 20, true);
        hasVersions = false;
        refresh("unchanged, no ETag", gateway, 20, false);
        memory(gateway, "refreshed");
        Machine.end(gateway.process());
    }

    /** Three times so many refreshes for the compiler to see, and then so many that count. */
    private void refresh(String title, Gateway gateway, int count, boolean change) throws Exception {
        for (int i = 0; i < 3 * count; i++) reload(gateway, change);
        long pid = gateway.process().pid();
        double cpu = Machine.cpu(pid);
        List<Double> times = new ArrayList<>();
        int before = asked.get();
        for (int i = 0; i < count; i++) times.add(reload(gateway, change));
        if (asked.get() - before != count) throw new IllegalStateException("a reload did not ask");
        note("ms refresh, " + title, Machine.median(times));
        note("ms CPU refresh, " + title, (Machine.cpu(pid) - cpu) / 1000 / count);
    }

    private double reload(Gateway gateway, boolean change) throws Exception {
        if (change) changeOne();
        URI uri = URI.create("http://localhost:" + gateway.port() + "/gateway/reload");
        long began = System.nanoTime();
        var answer = client.send(HttpRequest.newBuilder(uri).POST(BodyPublishers.noBody()).build(),
            BodyHandlers.ofString());
        if (answer.statusCode() != 200) throw new IOException(answer.body());
        return (System.nanoTime() - began) / 1e6;
    }

    /** Gives one backend another weight. */
    private void changeOne() {
        String text = new String(list, StandardCharsets.UTF_8);
        int end = text.indexOf("}", text.indexOf("backend-05000"));
        int weight = version.incrementAndGet() % 100 + 1;
        int known = text.lastIndexOf(",\"weight\":", end);
        int from = known > 0 && text.substring(known, end).matches(",\"weight\":\\d+") ? known : end;
        list = (text.substring(0, from) + ",\"weight\":" + weight + text.substring(end))
            .getBytes(StandardCharsets.UTF_8);
    }

    private static final Pattern USED = Pattern.compile("(\\d+)K?, used (\\d+)K");

    private void memory(Gateway gateway, String title) throws Exception {
        long pid = gateway.process().pid();
        note("MB RSS, " + title, Machine.rss(pid));
        String jcmd = Machine.JAVA.replaceFirst("java$", "jcmd");
        Machine.run(List.of(jcmd, "" + pid, "GC.run"));
        String info = Machine.run(List.of(jcmd, "" + pid, "GC.heap_info"));
        Matcher used = USED.matcher(info.split("etaspace")[0]);
        double kilobytes = 0;
        while (used.find()) kilobytes += Long.parseLong(used.group(2));
        note("MB heap after a collection, " + title, kilobytes / 1024);
    }

    /** How evenly probes start over one interval, and how many run at once at most. */
    private void probes() throws Exception {
        hasVersions = true;
        Gateway gateway = start(BACKENDS, "--health-interval-ms=" + INTERVAL);
        Machine.await(gateway.port(), "/gateway/health", gateway.process());
        Thread.sleep(2 * INTERVAL + 2_000);                // the first one is spread otherwise
        slots = new AtomicIntegerArray(INTERVAL / SLOT);
        mostAtOnce.set(0);
        double before = Machine.cpu(gateway.process().pid());
        slotsFrom = System.nanoTime();
        Thread.sleep(INTERVAL + 100);
        slotsFrom = Long.MAX_VALUE;
        double cpu = Machine.cpu(gateway.process().pid()) - before;
        List<Double> counts = new ArrayList<>();
        double all = 0;
        for (int i = 0; i < slots.length(); i++) {
            counts.add((double) slots.get(i));
            all += slots.get(i);
        }
        note("probes in all", all);
        note("started per 100 ms, fewest", Machine.quantile(counts, 0));
        note("started per 100 ms, median", Machine.median(counts));
        note("started per 100 ms, most", Machine.quantile(counts, 1));
        note("at once, most", mostAtOnce.get());
        note("us CPU a probe", cpu / all);
        Machine.end(gateway.process());
    }
}
