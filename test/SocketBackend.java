import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A backend on bare sockets: it notes the head of every request, answers as the test says, and can be killed
 * and brought back on its port. Health probes are answered by itself, and not noted.
 */
final class SocketBackend implements AutoCloseable {
    /** Answers one request whose head was read and whose body was not. */
    interface Reply {
        void to(String head, Socket socket) throws Exception;
    }

    final List<String> heads = new CopyOnWriteArrayList<>();
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final Reply reply;
    private final int port;
    private volatile ServerSocket server;

    SocketBackend(Reply reply) throws IOException {
        this.reply = reply;
        server = new ServerSocket(0, 1024, InetAddress.getLoopbackAddress());
        port = server.getLocalPort();
        accept(server);
    }

    /** One that answers every request with this text. */
    static SocketBackend saying(String text) throws IOException {
        return new SocketBackend((head, socket) -> {
            readBody(head, socket);
            Lab.write(socket, answer(200, text));
        });
    }

    static String answer(int status, String text) {
        return "HTTP/1.1 " + status + " X\r\nContent-Length: " + text.length() + "\r\n\r\n" + text;
    }

    /** The body of a request with a length. */
    static String readBody(String head, Socket socket) throws IOException {
        String length = Lab.header(head, "Content-Length");
        if (length == null) return "";
        byte[] body = socket.getInputStream().readNBytes(Integer.parseInt(length));
        return new String(body, StandardCharsets.ISO_8859_1);
    }

    String url() {
        return "http://127.0.0.1:" + port;
    }

    private void accept(ServerSocket server) {
        Thread.ofPlatform().daemon().start(() -> {
            try {
                while (true) {
                    Socket socket = server.accept();
                    sockets.add(socket);
                    if (server.isClosed()) socket.close();
                    Thread.ofPlatform().daemon().start(() -> serve(socket));
                }
            } catch (IOException e) {
                // It was killed.
            }
        });
    }

    private void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            while (true) {
                String head = Lab.readHead(socket.getInputStream());
                if (head.isEmpty()) return;
                if (head.startsWith("GET /health ")) {
                    Lab.write(socket, answer(200, "well"));
                    continue;
                }
                heads.add(head);
                reply.to(head, socket);
            }
        } catch (Exception e) {
            // The other side went away, or this one was killed, as tests have it.
        } finally {
            sockets.remove(socket);
        }
    }

    /** Ends as a process does that is killed: nobody listens any more, and every connection is closed. */
    void kill() throws IOException {
        server.close();
        for (Socket socket : sockets) socket.close();
    }

    void bringBack() throws IOException {
        ServerSocket again = new ServerSocket();
        again.setReuseAddress(true);
        again.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1024);
        server = again;
        accept(again);
    }

    @Override
    public void close() throws IOException {
        kill();
    }
}
