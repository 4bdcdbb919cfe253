import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A backend on bare sockets that notes everything it gets, and answers as a test wants, byte for byte. Health
 * probes get a good answer and are not noted.
 */
final class WireBackend implements AutoCloseable {
    interface Answers {
        void answer(Wire.Message request, Socket socket) throws Exception;
    }

    static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    final List<Wire.Message> requests = new CopyOnWriteArrayList<>();
    final List<String> faults = new CopyOnWriteArrayList<>();      // what came and was no request
    final List<String> brokenOff = new CopyOnWriteArrayList<>();   // requests that ended before their end
    final AtomicInteger connections = new AtomicInteger();         // that were ever made
    final AtomicInteger open = new AtomicInteger();                // of these, now
    private final ServerSocket server;
    private volatile Answers answers = (request, socket) -> Lab.write(socket, OK);

    WireBackend() throws IOException {
        server = new ServerSocket(0, 4096, InetAddress.getLoopbackAddress());
        Thread.ofPlatform().daemon().start(this::accept);
    }

    String url() {
        return "http://127.0.0.1:" + server.getLocalPort();
    }

    /** From now on every request gets these bytes; the connection closes where they say so. */
    void answers(String bytes) {
        answers = (request, socket) -> {
            Lab.write(socket, bytes);
            if (bytes.contains("Connection: close")) socket.close();
        };
    }

    void answers(Answers answers) {
        this.answers = answers;
    }

    /** Forgets what came until now, and answers with OK again. */
    void forget() {
        requests.clear();
        faults.clear();
        brokenOff.clear();
        answers(OK);
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                Thread.ofVirtual().start(() -> serve(socket));
            } catch (IOException e) {
                return;                                    // the test is over
            }
        }
    }

    private void serve(Socket socket) {
        connections.incrementAndGet();
        open.incrementAndGet();
        try (socket) {
            socket.setTcpNoDelay(true);
            var in = new java.io.BufferedInputStream(socket.getInputStream());
            Wire.Message request;
            while (!socket.isClosed() && (request = Wire.request(in)) != null) {
                if (request.target().endsWith("/health")) {
                    Lab.write(socket, OK);
                    continue;
                }
                requests.add(request);
                answers.answer(request, socket);
            }
        } catch (Wire.BrokenOff e) {
            brokenOff.add(e.soFar);
        } catch (Wire.Malformed e) {
            faults.add(e.getMessage());
        } catch (Exception e) {
            // The gateway went away, as some tests have it.
        } finally {
            open.decrementAndGet();
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
