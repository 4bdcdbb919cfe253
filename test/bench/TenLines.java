import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

/** What starting Java costs by itself: the least program that serves HTTP. {@code TenLines PORT} */
public final class TenLines {
    public static void main(String[] args) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(args[0])), 0);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
    }
}
