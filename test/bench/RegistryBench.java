import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The embedded registry with 10,000 entries, and with one: how long it takes to read and to write. */
final class RegistryBench {
    private static final int READS = 30;
    private static final int UNCHANGED = 500;
    private static final int WRITES = 100;
    private static final int WRITERS = 32;

    private final Map<String, List<Double>> measured = new LinkedHashMap<>();
    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private Process registry;
    private String list;

    private RegistryBench() {}

    /** Prints medians over so many runs, each on a registry of its own. */
    static void main(int runs) throws Exception {
        System.out.printf("%nthe embedded registry: medians of %d runs%n", runs);
        System.out.println(Machine.head("", "1 entry", "10,000"));
        RegistryBench small = new RegistryBench();
        RegistryBench large = new RegistryBench();
        for (int i = 0; i < runs; i++) {
            small.run(1);
            large.run(10_000);
        }
        small.measured.forEach((what, values) -> System.out.println(Machine.row(what, Machine.median(values),
            Machine.median(large.measured.get(what)))));
    }

    private void run(int entries) throws Exception {
        int port = Machine.freePort();
        Path folder = Machine.folder("registry");
        Files.writeString(folder.resolve("backends.json"),
            Machine.registry(entries, Math.max(1, entries / 10), "/p", "http://127.0.0.1:9"));
        list = "http://127.0.0.1:" + port + "/collections/backends";
        registry = Machine.start(folder, Machine.KEYS, List.of(Machine.JAVA, "-Xmx256m", "-XX:+UseSerialGC",
            "-cp", Machine.CLASSES, "GatewayServer", "--registry-only", "--registry-port=" + port));
        note("ms until it serves", Machine.await(port, "/health", registry));
        read();
        unchanged();
        oneAfterAnother();
        together();
        note("RSS MB", Machine.rss(registry.pid()));
        Machine.end(registry);
    }

    private void note(String what, double value) {
        measured.computeIfAbsent(what, w -> new ArrayList<>()).add(value);
    }

    private void read() throws Exception {
        List<Double> times = new ArrayList<>();
        for (int i = 0; i < READS; i++) times.add(timed(request(list).build(), 200));
        note("ms the first GET of the list", times.getFirst());
        note("ms GET of the list", Machine.median(times));
        note("ms GET of the list, p99", Machine.quantile(times, 0.99));
    }

    private void unchanged() throws Exception {
        String version = client.send(request(list).build(), BodyHandlers.discarding()).headers()
            .firstValue("ETag").orElseThrow();
        HttpRequest request = request(list).header("If-None-Match", version).build();
        for (int i = 0; i < 5 * UNCHANGED; i++) timed(request, 304);      // for the compiler to see
        List<Double> times = new ArrayList<>();
        double before = Machine.cpu(registry.pid());
        for (int i = 0; i < UNCHANGED; i++) times.add(timed(request, 304));
        note("us CPU of a 304", (Machine.cpu(registry.pid()) - before) / UNCHANGED);
        note("ms 304", Machine.median(times));
    }

    private void oneAfterAnother() throws Exception {
        List<Double> times = new ArrayList<>();
        for (int i = 0; i < WRITES; i++) times.add(timed(write("new-" + i), 200));
        note("ms a write", Machine.median(times));
        note("ms a write, p99", Machine.quantile(times, 0.99));
    }

    private void together() throws Exception {
        List<Double> times = Collections.synchronizedList(new ArrayList<>());
        long began = System.nanoTime();
        try (ExecutorService threads = Executors.newFixedThreadPool(WRITERS)) {
            List<Future<?>> writers = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                int writer = i;
                writers.add(threads.submit(() -> {
                    for (int n = 0; n < WRITES / 4; n++) times.add(timed(write("w" + writer + "-" + n), 200));
                    return null;
                }));
            }
            for (Future<?> writer : writers) writer.get();
        }
        note("ms a write of 32 at a time", Machine.median(times));
        note("ms a write of 32 at a time, p99", Machine.quantile(times, 0.99));
        note("writes/s of 32 at a time", times.size() / ((System.nanoTime() - began) / 1e9));
    }

    private HttpRequest write(String name) {
        return request(list + "/" + name).PUT(BodyPublishers.ofString("""
            {"data":{"name":"%s","url":"http://127.0.0.1:9","token":"t","prefix":"/%s"},"metadata":{}}"""
            .formatted(name, name))).build();
    }

    private static HttpRequest.Builder request(String url) {
        return HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Bearer " + Machine.API_KEY);
    }

    /** Milliseconds from the request to the whole answer. */
    private double timed(HttpRequest request, int expected) throws IOException, InterruptedException {
        long began = System.nanoTime();
        HttpResponse<byte[]> answer = client.send(request, BodyHandlers.ofByteArray());
        double time = (System.nanoTime() - began) / 1e6;
        if (answer.statusCode() != expected) throw new IOException(request + " gets " + answer.statusCode());
        return time;
    }
}
