import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;

/** One connection to a gateway, on which every byte counts. A read that takes too long fails the test. */
final class WireClient implements AutoCloseable {
    final Socket socket;
    final InputStream in;

    WireClient(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout((int) Lab.PATIENCE.toMillis());
        in = new BufferedInputStream(socket.getInputStream());
    }

    WireClient send(String bytes) throws IOException {
        Lab.write(socket, bytes);
        return this;
    }

    /** The answer to a request of this method. */
    Wire.Message answer(String method) throws IOException {
        return Wire.answer(in, method);
    }

    Wire.Message answer() throws IOException {
        return answer("GET");
    }

    /** Sends a request with these bytes and reads its answer. */
    Wire.Message ask(String request) throws IOException {
        send(request);
        return answer(request.substring(0, Math.max(0, request.indexOf(' '))));
    }

    /** Waits until the gateway closes; whether it sent nothing more before that. */
    boolean isClosed() throws IOException {
        try {
            return in.read() < 0;
        } catch (SocketException reset) {
            return true;
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
