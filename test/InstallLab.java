import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/**
 * What the tests of the installer stand on: Install as a process with a fake root, small programs to install,
 * values that no quoting survives by luck, and pictures of a tree of files.
 */
final class InstallLab {
    /** Quotes, blanks, and all that a shell, cron, systemd, XML or a printf would take for its own. */
    static final String TOKEN = "to'k\"en$HOME%h%%\\n&<b>`id`;#*~!{}()|";
    static final String API_KEY = "k'\"$1%d\\&<>?key";
    static final String ENCRYPTION_KEY =
        "  llave de cifrado: ñandú, \"comillas\" y 'otras' \\ $HOME %i <é> &amp;  ";
    static final List<String> SECRETS = List.of(TOKEN, API_KEY, ENCRYPTION_KEY);

    private static final String JAVA = Path.of(System.getProperty("java.home"), "bin", "java").toString();

    /** A folder for the process to run in, with the settings in {@code settings.env} and the programs. */
    final Path home;
    final Path root;

    InstallLab(Path folder) throws IOException {
        this(folder, "ro ot 'q' \"d\" $HOME %h & <x>");
    }

    InstallLab(Path folder, String rootName) throws IOException {
        home = Files.createDirectories(folder.resolve("home"));
        root = Files.createDirectories(folder.resolve(rootName));
        writePrograms("");
        writeSettings("http://localhost:9", "http://localhost:9");       // where nobody answers
    }

    void writeSettings(String registry, String backend) throws IOException {
        Files.writeString(home.resolve("settings.env"), """
            BACKEND_NAME=api
            BACKEND_URL=%s
            BACKEND_PREFIX=/api
            BACKENDS_REGISTRY_URL=%s
            BACKEND_TOKEN="%s"
            API_KEY="%s"
            ENCRYPTION_KEY="%s"
            """.formatted(backend, registry, quoted(TOKEN), quoted(API_KEY), quoted(ENCRYPTION_KEY)));
    }

    private static String quoted(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"");
    }

    /** Stand-ins for both programs that only end. They are quick to compile. */
    void writePrograms(String comment) throws IOException {
        for (String name : List.of("RegisterBackend", "GatewayServer")) {
            Files.writeString(home.resolve(name + ".java"), "// " + comment + "\npublic class " + name
                + " { public static void main(String[] args) { } }\n");
        }
    }

    /** Stand-ins that print what reached them, read by the very Env of the real ones, and that deregister. */
    void writeTalkingPrograms() throws IOException {
        Matcher env = Pattern.compile("(?ms)^ *// >>> shared: Env\n.*?^ *// <<< shared: Env\n")
            .matcher(Files.readString(Path.of("Install.java")));
        if (!env.find()) throw new IllegalStateException("Install.java has no shared section Env");
        for (String name : List.of("RegisterBackend", "GatewayServer")) {
            Files.writeString(home.resolve(name + ".java"),
                STAND_IN.replace("@NAME@", name).replace("@ENV@", env.group()));
        }
    }

    private static final String STAND_IN = """
        import java.io.*; import java.net.*; import java.nio.charset.*;
        import java.nio.file.*; import java.util.*; import java.util.regex.*;

        public class @NAME@ {
            static final List<Env.Setting> SETTINGS = List.of(
                of("daemon", "", null), of("deregister", "", null), of("use-public-ip", "", null),
                of("help", "", null), of("env-file", "", ""), of("name", "BACKEND_NAME", ""),
                of("url", "BACKEND_URL", ""), of("token", "BACKEND_TOKEN", ""), of("key", "API_KEY", ""),
                of("prefix", "BACKEND_PREFIX", ""), of("registry", "BACKENDS_REGISTRY_URL", ""),
                of("encryption", "ENCRYPTION_KEY", ""), of("port", "BACKEND_PORT", ""),
                of("proxy-port", "PROXY_PORT", ""), of("admin", "ADMIN_TOKEN", ""),
                of("file", "REGISTRY_FILE", ""));

            static Env.Setting of(String option, String variables, String fallback) {
                return Env.Setting.of(option, variables, fallback, "");
            }

            public static void main(String[] args) throws Exception {
                Env env = new Env(SETTINGS, args, System.getenv());
                env.check();
                if (env.isOn("help")) return;
                if (env.isOn("deregister")) System.exit(deregister(env));
                System.out.println("args=" + String.join(" ", args));
                for (Env.Setting setting : SETTINGS) {
                    if (setting.isFlag()) continue;
                    String text = env.text(setting.option());
                    System.out.println(setting.title() + "="
                        + Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8)));
                }
                System.out.println("ready");
                Thread.sleep(60_000);
            }

            static int deregister(Env env) throws Exception {
                URI entry = URI.create(env.text("registry") + "/collections/backends/" + env.text("name"));
                HttpURLConnection request = (HttpURLConnection) entry.toURL().openConnection();
                request.setRequestMethod("DELETE");
                request.setRequestProperty("Authorization", "Bearer " + env.text("key"));
                return request.getResponseCode() == 200 ? 0 : 1;
            }

        @ENV@}
        """;

    /** A registry that knows one key and counts what is deleted, and a backend at the same address. */
    static final class FakeRegistry implements AutoCloseable {
        final List<String> deleted = new CopyOnWriteArrayList<>();
        private final HttpServer server;

        FakeRegistry() throws IOException {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/", exchange -> {
                String path = exchange.getRequestURI().getPath();
                String key = exchange.getRequestHeaders().getFirst("Authorization");
                boolean knows = ("Bearer " + API_KEY).equals(key);
                int status = path.equals("/health") || knows ? 200 : 401;
                if (status == 200 && exchange.getRequestMethod().equals("DELETE")) deleted.add(path);
                byte[] body = path.equals("/collections/backends") ? "[]".getBytes() : """
                    {"key":"api","data":{},"metadata":{"registeredAt":"2026-01-02T03:04:05Z",
                    "lastUpdate":"2026-02-03T04:05:06Z"}}""".getBytes();
                exchange.sendResponseHeaders(status, body.length);
                exchange.getResponseBody().write(body);
                exchange.close();
            });
            server.start();
        }

        String url() {
            return "http://localhost:" + server.getAddress().getPort();
        }

        @Override
        public void close() {
            server.stop(0);
        }
    }

    /** How a run of the installer ended, and all that it said. */
    record Result(int exit, String output) {
        boolean says(String words) {
            return output.contains(words);
        }
    }

    /** Runs it without input, with the settings of this lab and the options given. */
    Result run(String... options) throws IOException, InterruptedException {
        return answer("", withSettings(options));
    }

    String[] withSettings(String... options) {
        List<String> all = new ArrayList<>(List.of(options));
        all.add("--env-file=settings.env");
        return all.toArray(String[]::new);
    }

    /** Runs it with lines of input, which stand for the answers. */
    Result answer(String input, String... options) throws IOException, InterruptedException {
        Process process = start(options);
        try (var stdin = process.getOutputStream()) {
            stdin.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // It ended without reading all of it, which is for the test to judge.
        }
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), output);
    }

    /** Starts it under the fake root. */
    Process start(String... options) throws IOException {
        return process(command(options)).directory(home.toFile()).start();
    }

    List<String> command(String... options) {
        List<String> words = new ArrayList<>(INSTALL);
        words.addAll(List.of(options));
        words.add("--root=" + root);
        return words;
    }

    /** A process in a plain environment, whose errors come with its output. */
    static ProcessBuilder process(List<String> words) {
        ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
        String path = builder.environment().get("PATH");
        builder.environment().clear();
        builder.environment().putAll(Map.of("PATH", path, "LC_ALL", "C.UTF-8", "HOME", "/root"));
        return builder;
    }

    /** What a command said; it must end well. */
    static String output(String... words) throws IOException, InterruptedException {
        Process process = process(List.of(words)).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) throw new AssertionError(String.join(" ", words) + ": " + text);
        return text;
    }

    static boolean has(String tool) {
        return Stream.of(System.getenv("PATH").split(":")).anyMatch(folder ->
            Files.isExecutable(Path.of(folder, tool)));
    }

    private static final List<String> INSTALL = install();

    /** The words that run Install: from a jar with an archive of its classes and javac's. */
    private static List<String> install() {
        try {
            Path folder = Files.createTempDirectory("install-lab");
            Path jar = folder.resolve("install.jar");
            Path archive = folder.resolve("install.jsa");
            writeJar(jar);
            Path program = Files.writeString(folder.resolve("RegisterBackend.java"),
                "public class RegisterBackend { public static void main(String[] args) { } }");
            List<String> words = List.of(JAVA, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                "-Xlog:cds*=off", "-Dstdout.encoding=UTF-8", "-Dstderr.encoding=UTF-8", "-cp",
                jar.toString(), "Install");
            List<String> training = new ArrayList<>(words);
            training.add(1, "-XX:ArchiveClassesAtExit=" + archive);
            training.addAll(List.of("--yes", "--force", "--name=x", "--backend-token=x", "--api-key=x",
                "--system=cron", "--source=" + program, "--root=" + folder.resolve("root")));
            process(training).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> deleteTree(folder)));
            return Stream.concat(Stream.of(JAVA, "-XX:SharedArchiveFile=" + archive),
                words.stream().skip(1)).toList();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void writeJar(Path jar) throws IOException {
        try (Stream<Path> classes = Files.list(classes());
             JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (Path file : classes.toList()) {
                if (!file.getFileName().toString().matches("Install(\\$.*)?\\.class")) continue;
                out.putNextEntry(new ZipEntry(file.getFileName().toString()));
                Files.copy(file, out);
            }
        }
    }

    static void deleteTree(Path folder) {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) Files.delete(path);
        } catch (IOException e) {
            // A temporary folder that stays is no failure of a test.
        }
    }

    private static Path classes() {
        try {
            return Path.of(Install.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Each path under the root with its mode, its owner and the hash of its content. */
    Map<String, String> picture() throws IOException {
        Map<String, String> picture = new TreeMap<>();
        try (Stream<Path> paths = Files.walk(root)) {
            for (Path path : paths.toList()) picture.put(root.relativize(path).toString(), describe(path));
        }
        return picture;
    }

    /** A picture with one path a line, as failures show it best. */
    static String lines(Map<String, String> picture) {
        return picture.toString().replace(", ", "\n");
    }

    private static String describe(Path path) throws IOException {
        String mode =
            PosixFilePermissions.toString(Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS));
        String owner = Files.getOwner(path).getName();
        return mode + " " + owner + (Files.isRegularFile(path) ? " " + hash(Files.readAllBytes(path)) : "");
    }

    static String hash(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The text of a file under the root. */
    String read(String path) throws IOException {
        return Files.readString(root.resolve(path));
    }

    /** Waits for a condition, for at most 20 seconds. */
    static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) throw new AssertionError("waited in vain for " + what);
            Thread.sleep(20);
        }
    }
}
