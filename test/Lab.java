import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

/**
 * Real gateways, registries and scriptable backends on ports that the system gives; all of it ends with the lab.
 * Times are generous: a condition that holds is seen at once, and one that never does fails the test.
 */
final class Lab implements AutoCloseable {
    static final String API_KEY = "lab-api-key-7781";
    static final String ENCRYPTION_KEY = "lab-encryption-key-5523";
    static final String TOKEN = "lab-token-9917";
    static final Duration PATIENCE = Duration.ofSeconds(15);

    static {
        try {
            Class.forName("GatewayServer");      // its presets must be there before anybody's first HttpClient
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    /** The head and body of an answer as they came over the wire, bytes as Latin-1. */
    record Answer(int status, Map<String, List<String>> headers, String body) {
        String header(String name) {
            return headers.getOrDefault(name.toLowerCase(), List.of("")).getFirst();
        }

        Map<?, ?> json() {
            return GatewayServer.Json.parseObject(body);
        }
    }

    interface Handler {
        void handle(HttpExchange exchange) throws Exception;
    }

    interface Script {
        void serve(Socket socket) throws Exception;
    }

    private final List<AutoCloseable> parts = new ArrayList<>();
    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private int registries;
    final Path folder;

    Lab() throws IOException {
        folder = Files.createTempDirectory("lab");
    }

    // ---- Parts -------------------------------------------------------------------------------------

    /** A gateway with an embedded registry of its own, or with the one that the options name. */
    GatewayServer gateway(String... options) throws Exception {
        List<String> all = new ArrayList<>(List.of("--env-file=" + emptyFile(), "--api-key=" + API_KEY,
            "--encryption-key=" + ENCRYPTION_KEY, "--proxy-port=0", "--registry-port=0", "--bind-address=127.0.0.1",
            "--registry-file=" + folder.resolve("backends-" + ++registries + ".json"), "--access-log=off",
            "--health-interval-ms=500"));
        all.addAll(Arrays.asList(options));
        GatewayServer.Config config = GatewayServer.Config.read(all.toArray(String[]::new), Map.of());
        return keep(new GatewayServer(config));
    }

    Path emptyFile() throws IOException {
        Path empty = folder.resolve("empty.env");
        if (!Files.exists(empty)) Files.createFile(empty);
        return empty;
    }

    <T extends AutoCloseable> T keep(T part) {
        parts.add(part);
        return part;
    }

    /** A backend by HttpServer; returns its url. */
    String backend(Handler handler) throws IOException {
        return backend(0, handler);
    }

    String backend(int port, Handler handler) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1024);
        server.setExecutor(Executors.newCachedThreadPool(Thread.ofPlatform().daemon().factory()));
        server.createContext("/", exchange -> {
            try {
                handler.handle(exchange);
            } catch (IOException e) {
                throw e;
            } catch (Exception e) {
                throw new IOException(e);
            }
        });
        server.start();
        parts.add(() -> server.stop(0));
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** A backend that answers every request with this text. */
    String saying(String text) throws IOException {
        return backend(exchange -> answer(exchange, 200, text));
    }

    static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
        }
    }

    /** A backend that is a script on a bare socket: a thread for each connection. Health probes reach it too. */
    String rawBackend(Script script) throws IOException {
        ServerSocket server = new ServerSocket(0, 1024, InetAddress.getLoopbackAddress());
        keep(server);
        Thread.ofPlatform().daemon().start(() -> {
            while (!server.isClosed()) {
                try {
                    Socket socket = server.accept();
                    Thread.ofPlatform().daemon().start(() -> {
                        try (socket) {
                            script.serve(socket);
                        } catch (Exception e) {
                            // The other side went away, as tests have it.
                        }
                    });
                } catch (IOException e) {
                    return;
                }
            }
        });
        return "http://127.0.0.1:" + server.getLocalPort();
    }

    /** A port on which nothing listens. */
    static int deadPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    // ---- Registering -------------------------------------------------------------------------------

    /** An entry's data, its token in plain text: opening a sealed one costs every new gateway half a second. */
    static Map<String, Object> data(String name, String url, String prefix) {
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("name", name);
        data.put("url", url);
        data.put("token", TOKEN);
        data.put("prefix", prefix);
        return data;
    }

    /** The same with the token sealed (v2) as a registrar with these two keys seals it. */
    static Map<String, Object> sealedData(String name, String url, String prefix) {
        Map<String, Object> data = data(name, url, prefix);
        String binding = GatewayServer.TokenCipher.binding(name, url, prefix.equals("/") ? "" : prefix);
        data.put("token", CIPHER.seal(TOKEN, GatewayServer.TokenCipher.sharedSalt(API_KEY), binding));
        return data;
    }

    private static final GatewayServer.TokenCipher CIPHER =
        new GatewayServer.TokenCipher(List.of(ENCRYPTION_KEY));

    /** Registers a backend and waits until the gateway serves it. */
    void register(GatewayServer gateway, String name, String url, String prefix) throws Exception {
        register(gateway, data(name, url, prefix));
    }

    void register(GatewayServer gateway, Map<String, Object> data) throws Exception {
        Answer answer = put(gateway, data);
        if (answer.status() != 200) throw new AssertionError(answer.body());
        String name = data.get("name").toString();
        String url = data.get("url").toString();
        until(name + " is in the table", () -> ((List<?>) get(gateway, "/gateway/status").json().get("backends"))
            .stream().anyMatch(b -> ((Map<?, ?>) b).get("name").equals(name) && ((Map<?, ?>) b).get("url").equals(url)));
    }

    /** PUTs an entry into the gateway's embedded registry. */
    Answer put(GatewayServer gateway, Map<String, Object> data) throws Exception {
        return registry(gateway, "PUT", "/collections/backends/" + data.get("name"),
            GatewayServer.Json.write(Map.of("data", data)));
    }

    /** One request to an embedded registry, with its key. */
    Answer registry(GatewayServer gateway, String method, String path, String body, String... headers) throws Exception {
        List<String> all = new ArrayList<>(List.of(headers));
        all.addAll(List.of("Authorization", "Bearer " + API_KEY));
        return send(gateway.registryPort(), method, path, body, all.toArray(String[]::new));
    }

    // ---- Asking ------------------------------------------------------------------------------------

    Answer get(GatewayServer gateway, String path, String... headers) throws Exception {
        return send(gateway.port(), "GET", path, null, headers);
    }

    /** One request by HttpClient; {@code body} null for none. */
    Answer send(int port, String method, String path, String body, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .timeout(PATIENCE).method(method, body == null ? HttpRequest.BodyPublishers.noBody()
                : HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) request.headers(headers);
        HttpResponse<String> response =
            client.send(request.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.ISO_8859_1));
        return new Answer(response.statusCode(), response.headers().map(), response.body());
    }

    /** Sends these bytes (Latin-1) to a port and reads until the other side closes. */
    static String raw(int port, String bytes) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            socket.getOutputStream().write(bytes.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    /** Reads the head of a request or an answer, up to and with the empty line; short where the peer closed. */
    static String readHead(InputStream in) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        int b;
        while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n") && (b = in.read()) >= 0) head.write(b);
        return head.toString(StandardCharsets.ISO_8859_1);
    }

    /** The value of a header in a head as {@link #readHead} gives it; null where there is none. */
    static String header(String head, String name) {
        return head.lines().skip(1).filter(line -> line.toLowerCase().startsWith(name.toLowerCase() + ":"))
            .map(line -> line.substring(name.length() + 1).strip()).findFirst().orElse(null);
    }

    static void write(Socket socket, String bytes) throws IOException {
        socket.getOutputStream().write(bytes.getBytes(StandardCharsets.ISO_8859_1));
        socket.getOutputStream().flush();
    }

    /** Waits for a condition; what it throws counts as "not yet". */
    static void until(String what, Callable<Boolean> condition) throws Exception {
        until(what, PATIENCE, condition);
    }

    static void until(String what, Duration patience, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + patience.toNanos();
        Exception last = null;
        while (System.nanoTime() < end) {
            try {
                if (condition.call()) return;
                last = null;
            } catch (Exception e) {
                last = e;
            }
            Thread.sleep(10);
        }
        throw new AssertionError("still not so after " + patience.toSeconds() + " s: " + what, last);
    }

    @Override
    public void close() throws Exception {
        for (AutoCloseable part : parts.reversed()) part.close();
        client.shutdownNow();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) Files.deleteIfExists(file);
        }
    }
}
