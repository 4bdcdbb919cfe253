import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;

/**
 * The gateway against the bare pipe and its peers, all on this machine with nginx behind them. Contestants
 * take turns, round by round, so that whatever else the machine does falls on all of them; what counts are
 * the medians of the ratios within a round.
 * {@code Bench [seconds=10] [rounds=5] [warmup=20] [only=small,post] [flags=…]}
 */
public final class Bench {
    private static final int MEGABYTE = 1 << 20;
    private static final int WARM = 100_000;               // requests
    private static final String[] COLUMNS = {"req/s", "us CPU/req", "p50 ms", "p99 ms", "RSS MB"};

    /** Puts load on a port for so many seconds. */
    interface Load {
        Result on(int port, double seconds) throws Exception;
    }

    /** What a load did: requests answered, how long it took, two latencies in ms (NaN where not measured). */
    record Result(long requests, double seconds, double p50, double p99) {}

    /** One round of one contestant, in the order of COLUMNS. */
    record Round(double rate, double cpu, double p50, double p99, double rss) {
        double[] numbers() {
            return new double[] {rate, cpu, p50, p99, rss};
        }
    }

    /** A proxy that runs. */
    record Contestant(String name, Process process, int port, boolean isJava) {}

    interface Scenario {
        void run() throws Exception;
    }

    private final double seconds;
    private final int rounds;
    private final double warmup;
    private final String flags;                            // of the gateway's JVM; empty: none
    private final Map<String, Scenario> scenarios = new LinkedHashMap<>();
    private final List<Contestant> field = new ArrayList<>();
    private int backend;                                   // nginx's port; 0 until it runs

    public static void main(String[] args) throws Exception {
        Map<String, String> options = Arrays.stream(args).map(a -> a.split("=", 2))
            .collect(Collectors.toMap(a -> a[0], a -> a[1]));
        Bench bench = new Bench(options);
        String only = options.getOrDefault("only", "*");
        List<String> wanted = only.equals("*") ? List.copyOf(bench.scenarios.keySet())
            : List.of(only.split("[, ]+"));
        for (String name : wanted) {
            if (!bench.scenarios.containsKey(name)) {
                System.err.println("There is no " + name + ". There are: " + bench.scenarios.keySet());
                System.exit(2);
            }
        }
        for (String name : wanted) bench.scenarios.get(name).run();
        System.exit(0);                                    // the loads' threads have no other end
    }

    private Bench(Map<String, String> options) {
        seconds = Double.parseDouble(options.getOrDefault("seconds", "10"));
        rounds = Integer.parseInt(options.getOrDefault("rounds", "5"));
        warmup = Double.parseDouble(options.getOrDefault("warmup", "20"));
        flags = options.getOrDefault("flags", "");
        compares("small", "small GET, 64 connections", wrk(64, "/api/small", ""));
        compares("one", "small GET, 1 connection", wrk(1, "/api/small", ""));
        compares("many", "small GET, 512 connections", wrk(512, "/api/small", ""));
        compares("post", "POST 1 KB, 64 connections", wrk(64, "/api/small", POST));
        compares("download", "download 1 MB, 16 connections", wrk(16, "/api/mega", ""));
        compares("upload", "upload 64 MB, one after another", this::upload);
        scenarios.put("open", this::openLoop);
        scenarios.put("routes", this::routes);
        scenarios.put("streams", this::streams);
        scenarios.put("start", this::start);
        scenarios.put("memory", this::memory);
        scenarios.put("allocation", this::allocation);
        scenarios.put("registry", () -> RegistryBench.main(rounds));
        scenarios.put("table", () -> TableBench.main(rounds));
    }

    private void compares(String name, String title, Load load) {
        scenarios.put(name, () -> compare(title, all(), load));
    }

    private static final String POST = """
        wrk.method = "POST"
        wrk.body = string.rep("x", 1024)
        wrk.headers["Content-Type"] = "application/octet-stream"
        """;

    // ---- Contestants

    private int backend() throws IOException, InterruptedException {
        if (backend != 0) return backend;
        Path folder = Machine.folder("backend");
        Files.createDirectories(folder.resolve("put"));
        Files.write(folder.resolve("mega"), new byte[MEGABYTE]);
        backend = nginx(folder, """
            location ~ /small$ { return 200 "%s"; }
            location ~ /mega$ { alias %s/mega; }
            location ~ /put$ {
              root %s/put; dav_methods PUT; create_full_put_path on; client_max_body_size 0;
            }
            location / { return 404; }
            """.formatted("x".repeat(100), folder, folder), "");
        return backend;
    }

    /** Starts nginx with these locations; its port. */
    private static int nginx(Path folder, String locations, String upstream)
            throws IOException, InterruptedException {
        int port = Machine.freePort();
        Files.writeString(folder.resolve("conf"), """
            daemon off;
            pid %1$s/pid;
            error_log %1$s/errors;
            user root;
            worker_processes auto;
            worker_rlimit_nofile 20000;
            events { worker_connections 9000; }
            http {
              access_log off;
              keepalive_requests 1000000000;
              client_body_temp_path %1$s/body;
              proxy_temp_path %1$s/proxy;
              fastcgi_temp_path %1$s/fastcgi;
              uwsgi_temp_path %1$s/uwsgi;
              scgi_temp_path %1$s/scgi;
              %2$s
              server { listen %3$d backlog=4096; %4$s }
            }
            """.formatted(folder, upstream, port, locations));
        Process process = Machine.start(folder, Map.of(), List.of("nginx", "-c", folder + "/conf"));
        Machine.awaitAny(port, process);
        NGINX.put(port, process);
        return port;
    }

    private static final Map<Integer, Process> NGINX = new LinkedHashMap<>();

    /** Everybody, started when first wanted. */
    private List<Contestant> all() throws Exception {
        if (!field.isEmpty()) return field;
        field.addAll(everybody(backend()));
        for (Contestant contestant : field) warmUp(contestant);
        return field;
    }

    /** For so many seconds, and until its compiler has seen enough, however busy the machine is. */
    private void warmUp(Contestant contestant) throws Exception {
        Load load = wrk(64, "/api/small", "");
        long requests = 0;
        for (int i = 0; i < 10 && contestant.isJava() && requests < WARM; i++) {
            requests += load.on(contestant.port(), warmup).requests();
        }
    }

    private List<Contestant> everybody(int backend) throws IOException, InterruptedException {
        List<Contestant> all = new ArrayList<>();
        all.add(gateway("gateway", backend, flags, 1, 1, "/api"));
        all.add(bare(backend, ""));
        if (Machine.has("caddy")) all.add(caddy(backend));
        else System.out.println("No caddy on this machine: it is left out.");
        all.add(nginxProxy(backend));
        return all;
    }

    private static Contestant gateway(String name, int backend, String flags, int backends, int prefixes,
                                      String under, String... options)
            throws IOException, InterruptedException {
        int port = Machine.freePort();
        Path folder = Machine.folder("gateway");
        String url = "http://127.0.0.1:" + backend;
        Files.writeString(folder.resolve("backends.json"), Machine.registry(backends, prefixes, under, url));
        List<String> command = java(flags, "GatewayServer", "--proxy-port=" + port, "--registry-port=0");
        command.addAll(List.of(options));
        Process process = Machine.start(folder, Machine.KEYS, command);
        Machine.await(port, "/gateway/health", process);
        return new Contestant(name, process, port, true);
    }

    private static Contestant bare(int backend, String flags) throws IOException, InterruptedException {
        int port = Machine.freePort();
        Process process = Machine.start(Machine.folder("bare"), Map.of(),
            java(flags, "BarePipe", "" + port, "" + backend));
        Machine.awaitAny(port, process);
        return new Contestant("bare pipe", process, port, true);
    }

    private static List<String> java(String flags, String... words) {
        List<String> command = new ArrayList<>(List.of(Machine.JAVA, "-cp", Machine.CLASSES));
        if (!flags.isBlank()) command.addAll(List.of(flags.strip().split(" +")));
        command.addAll(List.of(words));
        return command;
    }

    /** Its default keeps 32 idle connections to a backend, too few for 64 clients. */
    private static Contestant caddy(int backend) throws IOException, InterruptedException {
        int port = Machine.freePort();
        Path folder = Machine.folder("caddy");
        Files.writeString(folder.resolve("Caddyfile"), """
            {
              admin off
              auto_https off
            }
            http://:%d {
              handle_path /api/* {
                reverse_proxy 127.0.0.1:%d {
                  header_up Authorization "Bearer bench-token"
                  transport http {
                    keepalive_idle_conns_per_host 1024
                  }
                }
              }
            }
            """.formatted(port, backend));
        Process process = Machine.start(folder, Map.of("HOME", folder.toString()),
            List.of("caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"));
        Machine.awaitAny(port, process);
        return new Contestant("caddy", process, port, false);
    }

    private static Contestant nginxProxy(int backend) throws IOException, InterruptedException {
        int port = nginx(Machine.folder("nginx"), """
            location /api/ {
              proxy_pass http://backend/;
              proxy_http_version 1.1;
              proxy_set_header Connection "";
              proxy_set_header Authorization "Bearer bench-token";
              proxy_set_header X-Forwarded-For $remote_addr;
              proxy_buffering off;
              proxy_request_buffering off;
              client_max_body_size 0;
            }
            """, "upstream backend { server 127.0.0.1:%d; keepalive 1024; keepalive_requests 1000000000; }"
            .formatted(backend));
        return new Contestant("nginx", NGINX.get(port), port, false);
    }

    private static void end(Contestant contestant) throws InterruptedException {
        Machine.end(contestant.process());
    }

    // ---- Loads

    private static final Pattern REQUESTS = Pattern.compile("(\\d+) requests in ");
    private static final Pattern RATE = Pattern.compile("Requests/sec: +([0-9.]+)");

    /** wrk with so many connections; the script is Lua. Answers but 2xx and broken sockets are errors. */
    private static Load wrk(int connections, String path, String script) {
        return (port, seconds) -> {
            Path lua = Machine.SCRATCH.resolve("wrk.lua");
            Files.writeString(lua, script);
            String out = Machine.run(List.of("wrk", "-t" + Math.min(2, connections), "-c" + connections,
                "-d" + Math.max(1, Math.round(seconds)), "--timeout", "20", "--latency", "-s", lua.toString(),
                "http://127.0.0.1:" + port + path));
            if (out.contains("Non-2xx") || out.contains("Socket errors")) throw new IOException(out);
            long requests = Long.parseLong(find(REQUESTS, out));
            return new Result(requests, requests / Double.parseDouble(find(RATE, out)),
                latency(out, "50%"), latency(out, "99%"));
        };
    }

    private static double latency(String out, String quantile) {
        Matcher matcher = Pattern.compile(quantile + " +([0-9.]+)(us|ms|s)").matcher(out);
        if (!matcher.find()) return Double.NaN;
        double unit = switch (matcher.group(2)) {
            case "us" -> 0.001;
            case "ms" -> 1;
            default -> 1000;
        };
        return Double.parseDouble(matcher.group(1)) * unit;
    }

    private static String find(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        if (!matcher.find()) throw new IllegalStateException(pattern + " is not in:\n" + text);
        return matcher.group(1);
    }

    private Result upload(int port, double seconds) throws IOException, InterruptedException {
        Path file = Machine.SCRATCH.resolve("upload");
        if (!Files.exists(file)) Files.write(file, new byte[64 * MEGABYTE]);
        List<Double> times = new ArrayList<>();
        long began = System.nanoTime();
        while (System.nanoTime() - began < seconds * 1e9 || times.size() < 2) {
            String time = Machine.run(List.of("curl", "-sSf", "-T", file.toString(), "-o", "/dev/null", "-H",
                "Expect:", "-w", "%{time_total}", "http://127.0.0.1:" + port + "/api/put"));
            times.add(Double.parseDouble(time.strip()) * 1000);
        }
        return new Result(times.size(), (System.nanoTime() - began) / 1e9,
            Machine.median(times), Machine.quantile(times, 0.99));
    }

    private static Load openLoop(double rate) {
        return (port, seconds) -> {
            List<Double> times = OpenLoop.run(port, "/api/small", rate, seconds);
            return new Result(times.size(), seconds, Machine.median(times), Machine.quantile(times, 0.99));
        };
    }

    // ---- Rounds

    /** Warms up, runs the rounds, prints the medians and the ratios. */
    private void compare(String title, List<Contestant> contestants, Load load) throws Exception {
        System.out.printf("%n%s: %d rounds of %.0f s%n", title, rounds, seconds);
        for (Contestant contestant : contestants) {
            load.on(contestant.port(), contestant.isJava() ? warmup : Math.min(warmup, 2));
        }
        Map<String, List<Round>> measured = new LinkedHashMap<>();
        for (int i = 0; i < rounds; i++) {
            for (Contestant contestant : contestants) {
                measured.computeIfAbsent(contestant.name(), n -> new ArrayList<>())
                    .add(round(contestant, load));
            }
        }
        print(measured);
    }

    private Round round(Contestant contestant, Load load) throws Exception {
        long pid = contestant.process().pid();
        double before = Machine.cpu(pid);
        Result result = load.on(contestant.port(), seconds);
        double cpu = Machine.cpu(pid) - before;
        return new Round(result.requests() / result.seconds(), cpu / result.requests(), result.p50(),
            result.p99(), Machine.rss(pid));
    }

    private static void print(Map<String, List<Round>> measured) {
        System.out.println(Machine.head("medians", COLUMNS));
        measured.forEach((name, rounds) ->
            System.out.println(Machine.row(name, medians(rounds.stream().map(Round::numbers).toList()))));
        String first = measured.keySet().iterator().next();
        measured.forEach((name, rounds) -> {
            if (name.equals(first)) return;
            List<double[]> ratios = new ArrayList<>();
            for (int i = 0; i < rounds.size(); i++) {
                ratios.add(ratio(measured.get(first).get(i).numbers(), rounds.get(i).numbers()));
            }
            System.out.println(Machine.row(first + " / " + name, medians(ratios)));
        });
    }

    private static double[] ratio(double[] a, double[] b) {
        double[] ratio = new double[a.length];
        for (int i = 0; i < a.length; i++) ratio[i] = a[i] / b[i];
        return ratio;
    }

    private static double[] medians(List<double[]> rows) {
        double[] result = new double[rows.getFirst().length];
        for (int i = 0; i < result.length; i++) {
            int column = i;
            result[i] = Machine.median(rows.stream().map(row -> row[column]).toList());
        }
        return result;
    }

    // ---- Scenarios that are more than one load

    /** Half of what Caddy can do, or of the gateway where there is no Caddy. */
    private void openLoop() throws Exception {
        List<Contestant> all = all();
        Contestant pace = all.stream().filter(c -> c.name().equals("caddy")).findFirst()
            .orElse(all.getFirst());
        List<Double> rates = new ArrayList<>();
        Load flood = wrk(64, "/api/small", "");
        flood.on(pace.port(), 2);
        for (int i = 0; i < 3; i++) rates.add(round(pace, flood).rate());
        double rate = Machine.median(rates) / 2;
        String title = "open loop, %.0f requests/s (half of what %s can do)".formatted(rate, pace.name());
        compare(title, all, openLoop(rate));
    }

    /**
     * The same requests with one backend in the table and with ten thousand. Probes are put off: they cost
     * per backend, not per request.
     */
    private void routes() throws Exception {
        String walk = """
            local n = 0
            request = function()
              n = (n + 1) % 1000
              return wrk.format("GET", string.format("/p/%04d/small", n))
            end
            """;
        String rarely = "--health-interval-ms=86400000";
        List<Contestant> two = List.of(
            gateway("10,000 backends", backend(), flags, 10_000, 1_000, "/p", rarely),
            gateway("1 backend", backend(), flags, 1, 1, "/p", rarely));
        Thread.sleep(12_000);                              // each backend is probed once at the start
        for (Contestant contestant : two) wrk(64, "/", walk).on(contestant.port(), 2 * warmup);
        compare("small GET, 1,000 prefixes in turn, 64 connections", two, wrk(64, "/", walk));
        for (Contestant contestant : two) end(contestant);
    }

    /** Two thousand streams that get an event a second each. */
    private void streams() throws Exception {
        int count = 2_000;
        System.out.printf("%n%,d SSE streams held open, an event a second each: %.0f s%n", count, seconds);
        System.out.println(Machine.head("", "ms CPU/s", "p50 ms", "p99 ms", "RSS MB", "threads"));
        try (Streams streams = new Streams()) {
            // nginx first: it does not mind that the compiler has seen nothing yet of the streams' two ends
            for (Contestant contestant : everybody(streams.port()).reversed()) {
                List<Double> delays = streams.open(contestant.port(), count, warmup);
                long pid = contestant.process().pid();
                double before = Machine.cpu(pid);
                Thread.sleep((long) (seconds * 1000));
                double cpu = (Machine.cpu(pid) - before) / 1000 / seconds;
                List<Double> seen = new ArrayList<>(delays);      // more keep coming
                System.out.println(Machine.row(contestant.name(), cpu, Machine.median(seen),
                    Machine.quantile(seen, 0.99), Machine.rss(pid), Machine.threads(pid)));
                streams.closeClients();
                end(contestant);
            }
        }
    }

    /** From the start of the process to the first 200, in turn. */
    private void start() throws Exception {
        Path jar = Machine.SCRATCH.resolve("gateway.jar");
        ToolProvider.findFirst("jar").orElseThrow().run(System.out, System.err, "cf", jar.toString(), "-C",
            Machine.CLASSES, ".");
        Path archive = Machine.SCRATCH.resolve("archive");
        String path = Path.of("").toAbsolutePath().toString();
        // As the installer does it.
        boolean keepsProfiles = Runtime.version().feature() >= 25;
        List<String> installed = new ArrayList<>(List.of(Machine.SMALL.split(" ")));
        installed.addAll(List.of("-cp", jar.toString(), "GatewayServer"));
        train((keepsProfiles ? "-XX:AOTCacheOutput=" : "-XX:ArchiveClassesAtExit=") + archive, installed);
        installed.addFirst((keepsProfiles ? "-XX:AOTCache=" : "-XX:SharedArchiveFile=") + archive);
        Map<String, List<String>> ways = new LinkedHashMap<>();
        ways.put("gateway, source", List.of(path + "/GatewayServer.java"));
        ways.put("gateway, classes", List.of("-cp", Machine.CLASSES, "GatewayServer"));
        ways.put("gateway, class-data archive", installed);
        ways.put("ten lines, source", List.of(path + "/test/bench/TenLines.java"));
        ways.put("ten lines, classes", List.of("-cp", Machine.CLASSES, "TenLines"));
        Map<String, List<double[]>> measured = new LinkedHashMap<>();
        for (int i = 0; i < rounds; i++) {
            for (Map.Entry<String, List<String>> way : ways.entrySet()) {
                measured.computeIfAbsent(way.getKey(), n -> new ArrayList<>())
                    .add(startOnce(way.getValue(), false));
            }
            measured.computeIfAbsent("the archive, a sealed token", n -> new ArrayList<>())
                .add(startOnce(installed, true));
            measured.computeIfAbsent("javac GatewayServer.java", n -> new ArrayList<>())
                .add(compile(path + "/GatewayServer.java"));
            measured.computeIfAbsent("javac TenLines.java", n -> new ArrayList<>())
                .add(compile(path + "/test/bench/TenLines.java"));
        }
        System.out.printf("%nstart-up: medians of %d%n", rounds);
        System.out.println(Machine.head("", "s own page", "s CPU", "s backend", "s CPU"));
        measured.forEach((name, times) -> System.out.println(Machine.row(name, medians(times))));
    }

    /**
     * Seconds and CPU seconds until its own page, and until a backend's answer, is 200. The own page does not
     * wait for the key of a sealed token, but another thread derives that meanwhile: 600,000 rounds.
     */
    private double[] startOnce(List<String> words, boolean sealed) throws Exception {
        boolean gateway = words.getLast().contains("GatewayServer");
        int port = Machine.freePort();
        Path folder = Machine.folder("start");
        Files.writeString(folder.resolve("backends.json"),
            Machine.registry(1, 1, "/api", "http://127.0.0.1:" + backend(), sealed));
        List<String> command = new ArrayList<>(List.of(Machine.JAVA));
        command.addAll(words);
        command.addAll(gateway ? List.of("--proxy-port=" + port, "--registry-port=0") : List.of("" + port));
        long began = System.nanoTime();
        Process process = Machine.start(folder, Machine.KEYS, command);
        Machine.await(port, "/gateway/health", process);
        double own = (System.nanoTime() - began) / 1e9;
        double ownCpu = Machine.cpu(process.pid()) / 1e6;
        Machine.await(port, "/api/small", process);
        double[] times = {own, ownCpu, (System.nanoTime() - began) / 1e9, Machine.cpu(process.pid()) / 1e6};
        Machine.end(process);
        return times;
    }

    private static double[] compile(String file) throws Exception {
        long began = System.nanoTime();
        double before = Machine.cpuOfEnded();
        Machine.run(List.of(Machine.JAVAC, "-proc:none", "-d", Machine.folder("classes").toString(), file));
        return new double[] {(System.nanoTime() - began) / 1e9, (Machine.cpuOfEnded() - before) / 1e6,
            Double.NaN, Double.NaN};
    }

    private void train(String archive, List<String> words) throws Exception {
        List<String> command = new ArrayList<>(List.of(Machine.JAVA, archive));
        int port = Machine.freePort();
        Path folder = Machine.folder("train");
        Files.writeString(folder.resolve("backends.json"),
            Machine.registry(1, 1, "/api", "http://127.0.0.1:" + backend()));
        command.addAll(words);
        command.addAll(List.of("--proxy-port=" + port, "--registry-port=0"));
        Process process = Machine.start(folder, Machine.KEYS, command);
        Machine.await(port, "/api/small", process);
        process.destroy();                                 // the archive is written at an orderly end
        process.waitFor();
    }

    /** Idle after ten seconds, and under load; for each set of the JVM's flags. */
    private void memory() throws Exception {
        List<String> sets = flags.isEmpty()
            ? List.of("", "-Xmx256m -XX:+UseSerialGC", Machine.SMALL)
            : List.of(flags.split(" *\\| *"));
        System.out.printf("%nmemory in MB, idle and under load, and what small GETs cost%n");
        System.out.println(Machine.head("the gateway with these flags", "idle", "64 conn.", "512 conn.",
            "us CPU/req", "req/s"));
        for (String set : sets) {
            Contestant gateway = gateway("gateway", backend(), set, 1, 1, "/api");
            footprint(set.isEmpty() ? "(none)" : set, gateway);
        }
        for (Contestant contestant : everybody(backend())) {
            if (!contestant.name().equals("gateway")) footprint(contestant.name(), contestant);
            else end(contestant);
        }
    }

    private void footprint(String title, Contestant contestant) throws Exception {
        Thread.sleep(10_000);
        double idle = Machine.rss(contestant.process().pid());
        warmUp(contestant);
        Round some = round(contestant, wrk(64, "/api/small", ""));
        Round many = round(contestant, wrk(512, "/api/small", ""));
        System.out.println(Machine.row(title, idle, some.rss(), many.rss(), some.cpu(), some.rate()));
        end(contestant);
    }

    private static final Pattern EDEN = Pattern.compile(" Eden: (\\d+)K\\(");

    /** Bytes allocated per request: what each collection found in the space where all objects begin. */
    private void allocation() throws Exception {
        System.out.printf("%nallocation, small GET, 64 connections%n");
        System.out.println(Machine.head("", "B/request", "requests"));
        double[] bytes = new double[2];
        for (int i = 0; i < 2; i++) {
            Path log = Machine.SCRATCH.resolve("gc" + i);
            // A small young space, so that what is not yet collected at the end does not matter.
            String traced = "-XX:+UseSerialGC -Xmx256m -Xmn8m -Xlog:gc+heap:file=" + log + "::filecount=0";
            Contestant contestant = i == 0 ? gateway("gateway", backend(), traced, 1, 1, "/api")
                : bare(backend(), traced);
            warmUp(contestant);
            double before = allocated(log);
            Result result = wrk(64, "/api/small", "").on(contestant.port(), seconds);
            bytes[i] = (allocated(log) - before) / result.requests();
            System.out.println(Machine.row(contestant.name(), bytes[i], result.requests()));
            end(contestant);
        }
        System.out.println(Machine.row("gateway / bare pipe", bytes[0] / bytes[1]));
    }

    private static double allocated(Path log) throws IOException {
        long kilobytes = 0;
        for (String line : Files.readAllLines(log)) {
            Matcher matcher = EDEN.matcher(line);
            if (matcher.find()) kilobytes += Long.parseLong(matcher.group(1));
        }
        return kilobytes * 1024.0;
    }
}
