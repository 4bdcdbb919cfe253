import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.Stream;

/** Processes, and what Linux knows of them; all that was started here ends with this program. */
final class Machine {
    static final String API_KEY = "bench-api-key";
    static final Map<String, String> KEYS =
        Map.of("API_KEY", API_KEY, "ENCRYPTION_KEY", "bench-encryption-key");
    static final String JAVA = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    static final String JAVAC = Path.of(System.getProperty("java.home"), "bin", "javac").toString();
    static final String CLASSES = System.getProperty("java.class.path");
    static final String SMALL = System.getProperty("small", "");         // the flags that README recommends
    static final Path SCRATCH;

    private static final List<Process> STARTED = new ArrayList<>();
    private static final double TICK = 10_000;             // us; Linux counts a process's CPU in 1/100 s

    static {
        try {
            SCRATCH = Files.createTempDirectory("bench");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Runtime.getRuntime().addShutdownHook(new Thread(Machine::endAll));
    }

    private Machine() {}

    /** A new folder, gone at the end. */
    static Path folder(String name) throws IOException {
        return Files.createTempDirectory(SCRATCH, name);
    }

    /** Starts a program in a folder, where the file "out" takes all that it prints. */
    static Process start(Path folder, Map<String, String> environment, List<String> command)
            throws IOException {
        File out = folder.resolve("out").toFile();
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile())
            .redirectInput(new File("/dev/null")).redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(out));
        builder.environment().keySet().retainAll(List.of("PATH", "HOME", "TMPDIR", "LANG"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        synchronized (STARTED) {
            STARTED.add(process);
        }
        return process;
    }

    /** A command that ends by itself; what it prints. Throws IOException where it fails. */
    static String run(List<String> command) throws IOException, InterruptedException {
        Path folder = folder("run");
        int code = start(folder, Map.of(), command).waitFor();
        String out = Files.readString(folder.resolve("out"));
        if (code != 0) throw new IOException(String.join(" ", command) + " failed:\n" + out);
        return out;
    }

    static void end(Process process) throws InterruptedException {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor();
        synchronized (STARTED) {
            STARTED.remove(process);
        }
    }

    private static void endAll() {
        synchronized (STARTED) {
            for (Process process : STARTED) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
        }
        try (Stream<Path> files = Files.walk(SCRATCH)) {
            files.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
        } catch (IOException | UncheckedIOException e) {
            System.err.println(SCRATCH + " is left behind: " + e.getMessage());
        }
    }

    static boolean has(String program) {
        return Stream.of(System.getenv("PATH").split(":"))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** Microseconds of CPU that a process and its children took so far, user and system. */
    static double cpu(long pid) throws IOException {
        String[] fields = afterName(pid);
        double cpu = (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * TICK;
        for (long child : children(pid)) cpu += cpu(child);
        return cpu;
    }

    /** Microseconds of CPU that all ended children of this program took. */
    static double cpuOfEnded() throws IOException {
        String[] fields = afterName(ProcessHandle.current().pid());
        return (Long.parseLong(fields[13]) + Long.parseLong(fields[14])) * TICK;
    }

    private static String[] afterName(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
        return stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    }

    private static List<Long> children(long pid) throws IOException {
        String text = Files.readString(Path.of("/proc/" + pid + "/task/" + pid + "/children")).strip();
        return text.isEmpty() ? List.of() : Arrays.stream(text.split(" ")).map(Long::valueOf).toList();
    }

    /** Megabytes of memory that a process and its children hold now. */
    static double rss(long pid) throws IOException {
        double rss = 0;
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
            if (line.startsWith("VmRSS:")) rss = Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024.0;
        }
        for (long child : children(pid)) rss += rss(child);
        return rss;
    }

    static double threads(long pid) throws IOException {
        double threads = 0;
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
            if (line.startsWith("Threads:")) threads = Long.parseLong(line.replaceAll("[^0-9]", ""));
        }
        for (long child : children(pid)) threads += threads(child);
        return threads;
    }

    /** Asks until the answer is 200; how long that took, in ms. */
    static double await(int port, String path, Process process) throws IOException, InterruptedException {
        return await(port, path, process, status -> status == 200);
    }

    /** Asks until there is an answer, of whatever status. */
    static void awaitAny(int port, Process process) throws IOException, InterruptedException {
        await(port, "/", process, status -> status != 0);
    }

    private static double await(int port, String path, Process process, IntPredicate good)
            throws IOException, InterruptedException {
        long began = System.nanoTime();
        while (!good.test(status(port, path))) {
            boolean late = System.nanoTime() - began > 120_000_000_000L;
            if (late || !process.isAlive()) {
                throw new IOException(process.info().commandLine().orElse("a program that ended")
                    + " does not serve " + path);
            }
            Thread.sleep(2);
        }
        return (System.nanoTime() - began) / 1e6;
    }

    /** 0 where nobody answers. */
    static int status(int port, String path) {
        try {
            URI uri = URI.create("http://127.0.0.1:" + port + path);
            HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection();
            connection.setReadTimeout(30_000);
            int status = connection.getResponseCode();
            connection.disconnect();
            return status;
        } catch (IOException e) {
            return 0;
        }
    }

    /** A registry's list: so many backends in so many prefixes below {@code under}, with sealed tokens. */
    static String registry(int backends, int prefixes, String under, String url) {
        return registry(backends, prefixes, under, url, true);
    }

    /** The same, with tokens {@code sealed} or in plain text. */
    static String registry(int backends, int prefixes, String under, String url, boolean sealed) {
        var cipher = new GatewayServer.TokenCipher(List.of(KEYS.get("ENCRYPTION_KEY")));
        byte[] salt = GatewayServer.TokenCipher.sharedSalt(API_KEY);
        List<Object> items = new ArrayList<>();
        for (int i = 0; i < backends; i++) {
            String name = "backend-%05d".formatted(i);
            String prefix = prefixes == 1 ? under : "%s/%04d".formatted(under, i % prefixes);
            String binding = GatewayServer.TokenCipher.binding(name, url, prefix);
            Map<String, Object> data = new LinkedHashMap<>();
            data.put("name", name);
            data.put("url", url);
            String token = "bench-token-" + i;
            data.put("token", sealed ? cipher.seal(token, salt, binding) : token);
            data.put("prefix", prefix);
            Map<String, String> metadata = Map.of("registeredAt", "2026-01-01T00:00:00Z");
            items.add(Map.of("key", name, "data", data, "metadata", metadata));
        }
        return GatewayServer.Json.write(items);
    }

    // ---- Numbers

    static double median(List<Double> values) {
        return quantile(values, 0.5);
    }

    static double quantile(List<Double> values, double q) {
        List<Double> sorted = values.stream().sorted().toList();
        if (sorted.isEmpty()) return Double.NaN;
        double place = q * (sorted.size() - 1);
        int below = (int) place;
        int above = Math.min(below + 1, sorted.size() - 1);
        return sorted.get(below) + (place - below) * (sorted.get(above) - sorted.get(below));
    }

    /** A line of a table: a name, and numbers with three digits that matter. */
    static String row(String name, double... numbers) {
        StringBuilder row = new StringBuilder("  %-34s".formatted(name));
        for (double number : numbers) row.append("%11s".formatted(text(number)));
        return row.toString();
    }

    static String head(String name, String... columns) {
        StringBuilder head = new StringBuilder("  %-34s".formatted(name));
        for (String column : columns) head.append("%11s".formatted(column));
        return head.toString();
    }

    private static String text(double number) {
        if (Double.isNaN(number)) return "-";
        String format = number >= 100 ? "%.0f" : number >= 10 ? "%.1f" : number >= 0.1 ? "%.2f" : "%.3f";
        return format.formatted(number);
    }
}
