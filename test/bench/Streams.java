import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;

/** Both ends of many server-sent event streams: a backend that says the time every second, and clients. */
final class Streams implements AutoCloseable {
    private final ServerSocket server = new ServerSocket();
    private final Queue<Socket> clients = new ConcurrentLinkedQueue<>();

    Streams() throws IOException {
        server.bind(new InetSocketAddress("127.0.0.1", 0), 4096);
        Thread.ofVirtual().start(() -> {
            try {
                while (true) {
                    Socket socket = server.accept();
                    Thread.ofVirtual().start(() -> serve(socket));
                }
            } catch (IOException e) {
                // Closed: nobody is served any more.
            }
        });
    }

    int port() {
        return server.getLocalPort();
    }

    private static void serve(Socket socket) {
        try (socket; BufferedReader in = reader(socket.getInputStream());
                OutputStream out = socket.getOutputStream()) {
            String first = in.readLine();
            if (first == null) return;
            for (String line = first; !line.isEmpty(); line = in.readLine()) if (line == null) return;
            if (!first.contains("/events")) {              // a health check, or who waits for our start
                write(out, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                return;
            }
            write(out, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
            Thread.sleep(ThreadLocalRandom.current().nextInt(1000));
            while (true) {
                write(out, "data: " + System.nanoTime() + "\n\n");
                Thread.sleep(1000);
            }
        } catch (IOException | InterruptedException e) {
            // The client went away, as it does.
        }
    }

    private static BufferedReader reader(InputStream in) {
        return new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII), 512);
    }

    private static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.US_ASCII));
    }

    /**
     * Opens so many streams through this port and lets them settle. The list gets the age of each event as it
     * arrives after that, in ms.
     */
    List<Double> open(int port, int count, double settle) throws IOException, InterruptedException {
        List<Double> delays = Collections.synchronizedList(new ArrayList<>());
        long from = System.nanoTime() + (long) ((settle + count / 1000.0) * 1e9);
        for (int i = 0; i < count; i++) {
            Socket socket = new Socket("127.0.0.1", port);
            clients.add(socket);
            write(socket.getOutputStream(), "GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
            Thread.ofVirtual().start(() -> read(socket, from, delays));
            Thread.sleep(0, 500_000);
        }
        Thread.sleep(Math.max(0, (from - System.nanoTime()) / 1_000_000));
        return delays;
    }

    private static void read(Socket socket, long from, List<Double> delays) {
        try (BufferedReader in = reader(socket.getInputStream())) {
            for (String line; (line = in.readLine()) != null;) {
                if (!line.startsWith("data: ")) continue;
                long now = System.nanoTime();
                if (now < from) continue;
                delays.add((now - Long.parseLong(line.substring(6))) / 1e6);
            }
        } catch (IOException e) {
            // Closed by closeClients.
        }
    }

    void closeClients() throws IOException {
        for (Socket socket : clients) socket.close();
        clients.clear();
    }

    @Override
    public void close() throws IOException {
        closeClients();
        server.close();
    }
}
