import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Requests at a fixed rate, however slow the answers are. Each has a time at which it is due, and its latency
 * counts from then: a server that stalls is charged with all who would have come meanwhile.
 */
final class OpenLoop {
    private static final int CONNECTIONS = 64;

    private OpenLoop() {}

    /** Milliseconds that each request took. */
    static List<Double> run(int port, String path, double rate, double seconds)
            throws IOException, InterruptedException {
        byte[] request = ("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .getBytes(StandardCharsets.US_ASCII);
        List<Double> latencies = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        List<IOException> failures = new ArrayList<>();
        long start = System.nanoTime() + 200_000_000;      // all connections are open by then
        long all = (long) (rate * seconds);
        for (int i = 0; i < CONNECTIONS; i++) {
            int first = i;
            threads.add(Thread.ofPlatform().start(() -> {
                List<Double> mine = new ArrayList<>();
                try (Socket socket = new Socket("127.0.0.1", port)) {
                    socket.setTcpNoDelay(true);
                    socket.setSoTimeout(30_000);
                    InputStream in = new BufferedInputStream(socket.getInputStream());
                    for (long n = first; n < all; n += CONNECTIONS) {
                        long due = start + (long) (n * 1e9 / rate);
                        for (long left; (left = due - System.nanoTime()) > 0;) LockSupport.parkNanos(left);
                        socket.getOutputStream().write(request);
                        readAnswer(in);
                        mine.add((System.nanoTime() - due) / 1e6);
                    }
                } catch (IOException e) {
                    synchronized (failures) {
                        failures.add(e);
                    }
                }
                synchronized (latencies) {
                    latencies.addAll(mine);
                }
            }));
        }
        for (Thread thread : threads) thread.join();
        if (!failures.isEmpty()) throw failures.getFirst();
        return latencies;
    }

    /** Reads one answer of 200 with a Content-Length to its end. */
    private static void readAnswer(InputStream in) throws IOException {
        int length = -1;
        if (!readLine(in).contains(" 200")) throw new IOException("not every answer is 200");
        for (String line; !(line = readLine(in)).isEmpty();) {
            if (line.regionMatches(true, 0, "content-length:", 0, 15)) {
                length = Integer.parseInt(line.substring(15).strip());
            }
        }
        in.skipNBytes(length);
    }

    private static String readLine(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c; (c = in.read()) != '\n';) {
            if (c < 0) throw new IOException("the connection was closed");
            if (c != '\r') line.append((char) c);
        }
        return line.toString();
    }
}
