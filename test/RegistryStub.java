import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.function.Function;

/** A web server on a free port that notes what it is asked and answers what the test says. */
final class RegistryStub implements AutoCloseable {
    /** One request, with its whole body. */
    record Request(String method, String path, String authorization, String body) {
        /** Method and path. */
        String line() {
            return method + " " + path;
        }

        Map<?, ?> json() {
            return RegisterBackend.Json.parseObject(body);
        }

        Map<?, ?> data() {
            return (Map<?, ?>) json().get("data");
        }

        Map<?, ?> metadata() {
            return (Map<?, ?>) json().get("metadata");
        }

        Map<?, ?> system() {
            return (Map<?, ?>) metadata().get("system");
        }
    }

    /** What it says; {@code location} is empty but for redirects. */
    record Answer(int status, String body, String location) {
        Answer(int status, String body) {
            this(status, body, "");
        }
    }

    static final Answer STORED = new Answer(200, "{\"success\":true}");

    final List<Request> requests = new CopyOnWriteArrayList<>();
    private final HttpServer server;
    private volatile Function<Request, Answer> script = request -> STORED;

    RegistryStub() {
        this(0);
    }

    /** On a given port: the same registry again. */
    RegistryStub(int port) {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/", this::handle);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.start();
    }

    RegistryStub answering(Function<Request, Answer> script) {
        this.script = script;
        return this;
    }

    RegistryStub answering(int status, String body) {
        return answering(request -> new Answer(status, body));
    }

    /** Takes requests and keeps their senders waiting. */
    RegistryStub hanging() {
        return answering(request -> {
            try {
                Thread.sleep(60_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return STORED;
        });
    }

    private void handle(HttpExchange exchange) throws IOException {
        Request request = new Request(exchange.getRequestMethod(), exchange.getRequestURI().toString(),
            exchange.getRequestHeaders().getFirst("Authorization"),
            new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
        requests.add(request);
        Answer answer = script.apply(request);
        if (!answer.location().isEmpty()) exchange.getResponseHeaders().set("Location", answer.location());
        byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    int port() {
        return server.getAddress().getPort();
    }

    String url() {
        return "http://localhost:" + port();
    }

    /** How many requests of that method came. */
    long count(String method) {
        return requests.stream().filter(request -> request.method().equals(method)).count();
    }

    Request last() {
        return requests.getLast();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
