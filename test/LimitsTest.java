import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.SocketException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * How long and how much the gateway puts up with. Here it is a process of its own, with time limits short
 * enough to be waited for.
 */
class LimitsTest extends OnAProcess {
    private static final int HEAD_LIMIT = 1500;            // ms
    private static final int BODY_LIMIT = 800; 

    @Override
    List<String> jvmOptions() {
        return List.of("-Dgateway.wait.REQUEST_HEAD=" + HEAD_LIMIT,
            "-Dgateway.wait.REQUEST_BODY=" + BODY_LIMIT,
            "-Dgateway.wait.CLIENT_TO_READ=" + BODY_LIMIT, "-Dgateway.wait.BACKEND_TO_SEND=" + BODY_LIMIT);
    }

    /**
     * Sends one byte of this after another until the gateway closes; answers after how many milliseconds it
     * did.
     */
    private static long drip(WireClient client, String bytes, int pause) throws Exception {
        long began = System.nanoTime();
        client.socket.setSoTimeout(pause);
        for (int i = 0; ; i++) {
            try {
                client.send(bytes.substring(i % bytes.length(), i % bytes.length() + 1));
                while (client.in.read() >= 0) { }
                break;
            } catch (java.net.SocketTimeoutException notYet) {
                continue;
            } catch (SocketException closed) {
                break;
            }
        }
        return (System.nanoTime() - began) / 1_000_000;
    }

    @Test
    void aHeadMustComeInTimeHoweverManyBytesTrickleIn() throws Exception {
        WireClient client = connect();
        client.send("GET /api/x HTTP/1.1\r\nHost: gateway.test\r\nX-Slow: ");
        long after = drip(client, "a", 100);
        assertTrue(after >= HEAD_LIMIT - 500 && after < HEAD_LIMIT + 3000, after + " ms");
    }

    @Test
    void aBodyMayTakeItsTimeAsLongAsItComes() throws Exception {
        WireClient client = connect();
        client.send("POST /api/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 20\r\n\r\n");
        for (int i = 0; i < 20; i++) {
            client.send("b");
            Thread.sleep(BODY_LIMIT / 10);                 // twice the limit in all
        }
        assertEquals(200, client.answer("POST").status());
        assertEquals("b".repeat(20), backend.requests.getLast().body());
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 10", "Content-Length: 100000", "Transfer-Encoding: chunked"})
    void aBodyThatStopsComingIsGivenUp(String length) throws Exception {
        WireClient client = connect();
        client.send("POST /api/x HTTP/1.1\r\nHost: gateway.test\r\n" + length + "\r\n\r\n");
        client.send(length.startsWith("T") ? "3\r\nabc\r\n" : "abc");
        Wire.Message answer = client.answer("POST");
        assertEquals(408, answer.status());
        assertEquals("client-stalled", answer.header("X-Gateway-Error"));
        assertEquals("close", answer.header("Connection"));
        assertTrue(client.isClosed());
        if (!length.endsWith(": 10")) Lab.until("the backend saw it break off",
            () -> backend.brokenOff.size() == 1);
    }

    @Test
    void aClientThatStopsReadingIsGivenUp() throws Exception {
        CountDownLatch broken = new CountDownLatch(1);
        backend.answers((request, socket) -> {
            Lab.write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
            byte[] block = new byte[1 << 16];
            try {
                while (true) socket.getOutputStream().write(block);
            } catch (IOException e) {
                broken.countDown();
            }
        });
        connect().send(GET);
        assertTrue(broken.await(Lab.PATIENCE.toSeconds(), java.util.concurrent.TimeUnit.SECONDS));
    }

    @Test
    void anAnswerThatStopsComingBreaksOff() throws Exception {
        backend.answers((request, socket) -> {
            Lab.write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
            socket.getInputStream().read();                // until the gateway gives up
        });
        WireClient client = connect();
        client.send(GET);
        assertTrue(Lab.readHead(client.in).startsWith("HTTP/1.1 200 "));
        assertEquals("hello", new String(client.in.readNBytes(5)));
        assertTrue(client.isClosed());
    }

    @ParameterizedTest
    @ValueSource(ints = {101, 1000, 100_000})
    void aHeadMayNotHaveAnyNumberOfLines(int lines) throws Exception {
        WireClient client = connect();
        StringBuilder head = new StringBuilder("GET /api/x HTTP/1.1\r\nHost: gateway.test\r\n");
        for (int i = 0; i < lines; i++) head.append("X-").append(i).append(": 1\r\n");
        try {
            client.send(head + "\r\n");
            assertTrue(client.isClosed(), "HttpServer closes, and says nothing");
        } catch (SocketException closed) {
            // It closed before all was sent.
        }
        assertEquals(0, backend.requests.stream().filter(r -> r.all("X-1").size() > 0).count());
    }

    @Test
    void aHeadMayHaveOrdinaryNumbersOfLines() throws Exception {
        StringBuilder head = new StringBuilder("GET /api/x HTTP/1.1\r\nHost: gateway.test\r\nCookie: "
            + "c".repeat(8000) + "\r\n");
        for (int i = 0; i < 90; i++) head.append("X-").append(i).append(": ").append("v".repeat(300))
            .append("\r\n");
        assertEquals(200, connect().ask(head + "\r\n").status());
        assertEquals(8000, backend.requests.getLast().header("Cookie").length());
    }

    @Test
    void aHeadMayNotBeOfAnySize() throws Exception {
        WireClient client = connect();
        try {
            client.send("GET /api/x HTTP/1.1\r\nHost: gateway.test\r\nX-Large: " + "a".repeat(10_000_000)
                + "\r\n\r\n");
            assertTrue(client.isClosed());
        } catch (SocketException closed) {
            // It closed before all was sent.
        }
        assertEquals(List.of(), backend.requests);
    }
}
