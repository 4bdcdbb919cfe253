import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * How long and how much the gateway puts up with. Here it is a process of its own, with time limits short enough
 * to be waited for.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LimitsTest {
    private static final String GET = "GET /api/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n";
    private static final int HEAD_LIMIT = 2500;            // ms
    private static final int BODY_LIMIT = 1000;

    private final List<AutoCloseable> parts = new ArrayList<>();
    private GatewayProcess process;
    private WireBackend backend;
    private int port;

    @BeforeAll
    void start() throws Exception {
        Path folder = Files.createTempDirectory("limits");
        backend = new WireBackend();
        Files.writeString(folder.resolve("backends.json"), GatewayServer.Json.write(List.of(
            Map.of("key", "raw", "data", Lab.data("raw", backend.url(), "/api"), "metadata", Map.of()))));
        process = GatewayProcess.start(folder, Map.of("API_KEY", Lab.API_KEY, "ENCRYPTION_KEY", "key", "PROXY_PORT", "0",
            "REGISTRY_PORT", "0", "BIND_ADDRESS", "127.0.0.1"), List.of("-Xmx256m",
            "-Dgateway.wait.REQUEST_HEAD=" + HEAD_LIMIT, "-Dgateway.wait.REQUEST_BODY=" + BODY_LIMIT,
            "-Dgateway.wait.CLIENT_TO_READ=" + BODY_LIMIT, "-Dgateway.wait.BACKEND_TO_SEND=" + BODY_LIMIT));
        port = process.port();
        Lab.until("it serves", () -> Lab.raw(port, GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).contains(" 200 "));
        for (int i = 0; i < 300; i++) plainGet();          // its code is compiled by then
    }

    @BeforeEach
    void forget() {
        backend.forget();
    }

    @AfterEach
    void closeClients() throws Exception {
        for (AutoCloseable part : parts) part.close();
        parts.clear();
        backend.forget();
        plainGet();
        assertTrue(!process.err().contains("Exception") && !process.out().contains("fault of the gateway"),
            process.out() + process.err());
    }

    @AfterAll
    void stop() throws Exception {
        process.close();
        backend.close();
    }

    private WireClient connect() throws IOException {
        WireClient client = new WireClient(port);
        parts.add(client);
        return client;
    }

    private void plainGet() throws IOException {
        try (WireClient client = new WireClient(port)) {
            assertEquals("ok", client.ask(GET).body());
        }
    }

    /** Sends one byte of this after another until the gateway closes; answers after how many milliseconds it did. */
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
        client.send("POST /api/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 30\r\n\r\n");
        for (int i = 0; i < 30; i++) {
            client.send("b");
            Thread.sleep(BODY_LIMIT / 10);                 // three times the limit in all
        }
        assertEquals(200, client.answer("POST").status());
        assertEquals("b".repeat(30), backend.requests.getLast().body());
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 10", "Content-Length: 100000", "Transfer-Encoding: chunked"})
    void aBodyThatStopsComingIsGivenUp(String length) throws Exception {
        WireClient client = connect();
        client.send("POST /api/x HTTP/1.1\r\nHost: gateway.test\r\n" + length + "\r\n\r\n");
        client.send(length.startsWith("T") ? "3\r\nabc\r\n" : "abc");
        // Interrupting the read closes the socket, so that there is no way left to say 408.
        assertTrue(client.isClosed());
        if (!length.endsWith(": 10")) Lab.until("the backend saw it break off", () -> backend.brokenOff.size() == 1);
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
        StringBuilder head = new StringBuilder("GET /api/x HTTP/1.1\r\nHost: gateway.test\r\nCookie: " + "c".repeat(8000) + "\r\n");
        for (int i = 0; i < 90; i++) head.append("X-").append(i).append(": ").append("v".repeat(300)).append("\r\n");
        assertEquals(200, connect().ask(head + "\r\n").status());
        assertEquals(8000, backend.requests.getLast().header("Cookie").length());
    }

    @Test
    void aHeadMayNotBeOfAnySize() throws Exception {
        WireClient client = connect();
        try {
            client.send("GET /api/x HTTP/1.1\r\nHost: gateway.test\r\nX-Large: " + "a".repeat(10_000_000) + "\r\n\r\n");
            assertTrue(client.isClosed());
        } catch (SocketException closed) {
            // It closed before all was sent.
        }
        assertEquals(List.of(), backend.requests);
    }

    @Test
    void hundredsOfSlowClientsDoNotDelayTheOthers() throws Exception {
        int count = 300;
        for (int i = 0; i < count; i++) {
            // A third each: half a head, half a body, and an answer that is not read.
            connect().send(i % 3 == 0 ? "GET /api/x HTTP/1.1\r\nX: " : "POST /api/x HTTP/1.1\r\nHost: gateway.test\r\n"
                + (i % 3 == 1 ? "Content-Length: 60\r\n\r\n" : "Transfer-Encoding: chunked\r\n\r\n3c\r\n"));
        }
        AtomicInteger stop = new AtomicInteger();
        Thread dripping = Thread.ofPlatform().daemon().start(() -> {
            for (int second = 0; stop.get() == 0 && second < 20; second++) {
                for (AutoCloseable part : List.copyOf(parts)) {
                    try {
                        ((WireClient) part).send("a");
                    } catch (IOException e) {
                        // Its head took too long: given up.
                    }
                }
                try {
                    Thread.sleep(BODY_LIMIT / 2);
                } catch (InterruptedException e) {
                    return;
                }
            }
        });
        long[] times = new long[200];
        try (WireClient quick = new WireClient(port)) {
            for (int i = 0; i < times.length; i++) {
                long began = System.nanoTime();
                assertEquals("ok", quick.ask(GET).body());
                times[i] = System.nanoTime() - began;
                Thread.sleep(5);                           // so that it spans more than two rounds of the others
            }
        }
        stop.set(1);
        dripping.join();
        Arrays.sort(times);
        System.out.printf("With %d slow clients: median %d us, 99 of 100 within %d us, all within %d us%n", count,
            times[100] / 1000, times[197] / 1000, times[199] / 1000);
        assertTrue(times[197] < 500_000_000, times[197] / 1_000_000 + " ms");
    }

    @Test
    void thousandsOfIdleConnectionsAreEachAnsweredAfterwards() throws Exception {
        int count = 5000;
        List<WireClient> idle = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            WireClient client = connect();
            idle.add(client);
            client.send(GET);
            if (i % 50 == 49) for (WireClient sent : idle.subList(i - 49, i + 1)) assertEquals("ok", sent.answer().body());
        }
        for (int i = 0; i < count; i++) {
            idle.get(i).send(GET);
            if (i % 50 == 49) for (WireClient sent : idle.subList(i - 49, i + 1)) assertEquals("ok", sent.answer().body());
        }
    }

    @Test
    void thousandsOfRequestsMayBeUnderWayAtOnce() throws Exception {
        int count = 2000;
        AtomicInteger waiting = new AtomicInteger();
        CountDownLatch all = new CountDownLatch(count);
        backend.answers((request, socket) -> {
            waiting.incrementAndGet();
            all.countDown();
            all.await();
            Lab.write(socket, WireBackend.OK);
        });
        for (int i = 0; i < count; i++) connect().send(GET);
        for (AutoCloseable client : parts) assertEquals("ok", ((WireClient) client).answer().body());
        assertEquals(count, waiting.get());
    }
}
