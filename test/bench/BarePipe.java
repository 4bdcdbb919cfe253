import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscribers;
import java.util.Map;
import java.util.concurrent.Executors;

/** The floor: HttpServer to HttpClient and back with nothing between. {@code BarePipe PORT BACKEND-PORT} */
public final class BarePipe {
    private static final int SMALL = 16 * 1024;

    public static void main(String[] args) throws IOException {
        Map.of("sun.net.httpserver.nodelay", "true", "sun.net.httpserver.maxIdleConnections", "100000",
            "jdk.httpclient.keepalive.timeout", "4", "jdk.httpclient.disableRetryConnect", "true")
            .forEach(System::setProperty);
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
            .proxy(HttpClient.Builder.NO_PROXY).executor(Runnable::run).build();
        HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(args[0])), 1024);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", exchange -> pipe(exchange, client, "http://127.0.0.1:" + args[1]));
        server.start();
    }

    private static void pipe(HttpExchange exchange, HttpClient client, String backend) throws IOException {
        String length = exchange.getRequestHeaders().getFirst("Content-length");
        // An upload blocks the one thread that reads from all backends: a gateway must not, the floor may.
        HttpRequest.BodyPublisher body = length == null ? BodyPublishers.noBody()
            : BodyPublishers.fromPublisher(BodyPublishers.ofInputStream(exchange::getRequestBody),
                Long.parseLong(length));
        HttpRequest request = HttpRequest.newBuilder(URI.create(backend + exchange.getRequestURI()))
            .method(exchange.getRequestMethod(), body).build();
        try {
            HttpResponse<InputStream> answer = client.send(request, BarePipe::body);
            long size = sizeOf(answer.headers());
            exchange.sendResponseHeaders(answer.statusCode(), Math.max(size, 0));
            try (InputStream from = answer.body(); OutputStream to = exchange.getResponseBody()) {
                byte[] bytes = new byte[size < 0 || size > SMALL ? SMALL : (int) size + 1];
                for (int read; (read = from.read(bytes)) > 0;) {
                    to.write(bytes, 0, read);
                    if (size < 0 && from.available() == 0) to.flush();
                }
            }
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    /** A small body arrives with its head, which saves a hand-over to the thread that waits. */
    private static HttpResponse.BodySubscriber<InputStream> body(HttpResponse.ResponseInfo head) {
        long size = sizeOf(head.headers());
        return size < 0 || size > SMALL ? BodySubscribers.ofInputStream()
            : BodySubscribers.mapping(BodySubscribers.ofByteArray(), ByteArrayInputStream::new);
    }

    private static long sizeOf(HttpHeaders headers) {
        return headers.firstValueAsLong("content-length").orElse(-1);
    }
}
