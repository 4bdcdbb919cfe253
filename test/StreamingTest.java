import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Bodies pass while they are being sent, whatever their length, and end as they ended on the other side. */
class StreamingTest {
    private static final int BLOCK = 1 << 16;
    private static final long GIGABYTE = 1L << 30;

    private Lab lab;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private GatewayServer gateway(SocketBackend.Reply reply) throws Exception {
        GatewayServer gateway = lab.gateway();
        lab.register(gateway, "shop", lab.keep(new SocketBackend(reply)).url(), "/api");
        return gateway;
    }

    private Socket ask(int port, String method, String headers) throws Exception {
        return ask(port, method, "/api/x", headers);
    }

    private Socket ask(int port, String method, String path, String headers) throws Exception {
        Socket socket = lab.keep(new Socket(InetAddress.getLoopbackAddress(), port));
        socket.setSoTimeout((int) Lab.PATIENCE.toMillis());
        Lab.write(socket, method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
        return socket;
    }

    /** Reads a chunk of a chunked body; empty at the end. */
    private static String chunk(InputStream in) throws IOException {
        StringBuilder size = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) throw new IOException("broken off");
            if (c != '\r') size.append((char) c);
        }
        String chunk = new String(in.readNBytes(Integer.parseInt(size.toString(), 16)));
        in.readNBytes(2);
        return chunk;
    }

    // ---- As it is sent ---------------------------------------------------------------------------------

    @Test
    void passesOnEachEventWhenItIsSent() throws Exception {
        BlockingQueue<String> events = new ArrayBlockingQueue<>(1);
        GatewayServer gateway = gateway((head, socket) -> {
            Lab.write(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n");
            while (true) {
                String event = events.take();
                Lab.write(socket, Integer.toHexString(event.length()) + "\r\n" + event + "\r\n");
            }
        });
        Socket client = ask(gateway.port(), "GET", "");
        String head = Lab.readHead(client.getInputStream());       // is here before there is any event
        assertEquals("text/event-stream", Lab.header(head, "Content-Type"));
        long[] delays = new long[20];
        for (int i = 0; i < delays.length; i++) {
            String event = "data: " + i + "\n\n";
            long sent = System.nanoTime();
            events.put(event);
            assertEquals(event, chunk(client.getInputStream()));   // nothing follows that could push it out
            delays[i] = (System.nanoTime() - sent) / 1_000_000;
        }
        Arrays.sort(delays);
        // The median: a busy machine holds up one or another, a buffer or Nagle's algorithm most of them.
        assertTrue(delays[delays.length / 2] < 100, "milliseconds: " + Arrays.toString(delays));
    }

    @Test
    void passesOnTheHeadBeforeTheFirstByteOfASlowBody() throws Exception {
        CountDownLatch more = new CountDownLatch(1);
        GatewayServer gateway = gateway((head, socket) -> {
            Lab.write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
            more.await();
            Lab.write(socket, "body");
        });
        Socket client = ask(gateway.port(), "GET", "Connection: close\r\n");
        assertEquals("4", Lab.header(Lab.readHead(client.getInputStream()), "Content-Length"));
        more.countDown();
        assertEquals("body", new String(client.getInputStream().readAllBytes()));
    }

    @Test
    void passesOnAnUploadWhileItIsBeingSent() throws Exception {
        CountDownLatch first = new CountDownLatch(1);
        GatewayServer gateway = lab.gateway();
        lab.register(gateway, "shop", lab.backend(e -> {
            byte[] part = new byte[5];
            e.getRequestBody().readNBytes(part, 0, 5);
            if (new String(part).equals("first")) first.countDown();
            Lab.answer(e, 200, new String(e.getRequestBody().readAllBytes()));
        }), "/api");
        Socket client = ask(gateway.port(), "POST", "Transfer-Encoding: chunked\r\nConnection: close\r\n");
        Lab.write(client, "5\r\nfirst\r\n");
        assertTrue(first.await(15, TimeUnit.SECONDS), "the backend did not get the first part");
        Lab.write(client, "6\r\nsecond\r\n0\r\n\r\n");
        assertTrue(Lab.readHead(client.getInputStream()).startsWith("HTTP/1.1 200 "));
        assertEquals("second", new String(client.getInputStream().readAllBytes()));
    }

    // ---- As it ends ------------------------------------------------------------------------------------

    @Test
    void breaksOffWhereTheBackendDoes() throws Exception {
        for (String framing : new String[] {"Content-Length: 100\r\n\r\nhalf of it",
                "Transfer-Encoding: chunked\r\n\r\na\r\nhalf of it\r\n",
                "Transfer-Encoding: chunked\r\n\r\n14\r\nhalf"}) {
            GatewayServer gateway = gateway((head, socket) -> {
                Lab.write(socket, "HTTP/1.1 200 OK\r\n" + framing);
                socket.close();
            });
            assertThrows(IOException.class, () -> lab.get(gateway, "/api/x"), framing);
            Socket client = ask(gateway.port(), "GET", "");
            String answer = new String(client.getInputStream().readAllBytes());
            assertTrue(answer.startsWith("HTTP/1.1 200 ") && answer.contains("half"), answer);
            assertTrue(!answer.endsWith("0\r\n\r\n"), answer);
        }
    }

    @Test
    void endsTheBackendsWorkWhenTheClientGoesAway() throws Exception {
        CountDownLatch ended = new CountDownLatch(1);
        GatewayServer gateway = gateway((head, socket) -> {
            Lab.write(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            try {
                while (true) Lab.write(socket, "4\r\ntick\r\n");
            } catch (IOException e) {
                ended.countDown();
            }
        });
        Socket client = ask(gateway.port(), "GET", "");
        Lab.readHead(client.getInputStream());
        client.close();
        assertTrue(ended.await(15, TimeUnit.SECONDS), "the backend works on for nobody");
    }

    @Test
    void endsTheBackendsRequestWhenTheClientGoesAwayHalfWay() throws Exception {
        CountDownLatch broken = new CountDownLatch(1);
        GatewayServer gateway = gateway((head, socket) -> {
            InputStream in = socket.getInputStream();
            byte[] all = in.readAllBytes();
            if (!new String(all).endsWith("0\r\n\r\n")) broken.countDown();
        });
        Socket client = ask(gateway.port(), "POST", "Transfer-Encoding: chunked\r\n");
        Lab.write(client, "4\r\nhalf\r\n");
        client.close();
        assertTrue(broken.await(15, TimeUnit.SECONDS), "the backend saw a whole request");
    }

    @Test
    void letsASlowClientHoldUpNobodyElse() throws Exception {
        GatewayServer gateway = gateway((head, socket) -> {
            if (!head.startsWith("GET /big")) {
                Lab.write(socket, SocketBackend.answer(200, "quick"));
                return;
            }
            Lab.write(socket, "HTTP/1.1 200 OK\r\nContent-Length: " + GIGABYTE + "\r\n\r\n");
            byte[] block = new byte[BLOCK];
            while (true) socket.getOutputStream().write(block);
        });
        for (int i = 0; i < 8; i++) {
            Lab.readHead(ask(gateway.port(), "GET", "/api/big", "").getInputStream());   // and no more of it
        }
        for (int i = 0; i < 8; i++) {                      // as many that send half a body, and half a head
            Lab.write(ask(gateway.port(), "POST", "Content-Length: 100000\r\n"), "half");
            Lab.write(lab.keep(new Socket(InetAddress.getLoopbackAddress(), gateway.port())), "GET /api");
        }
        for (int i = 0; i < 20; i++) assertEquals("quick", lab.get(gateway, "/api/x").body());
    }

    // ---- As much as there is ---------------------------------------------------------------------------

    /** Each block of a long body is another one, so that none can get lost or be doubled. */
    private static void fill(byte[] block, long place) {
        for (int i = 0; i < 8; i++) block[i] = (byte) (place >> 8 * i);
    }

    private static void send(OutputStream out, CRC32 sum) throws IOException {
        byte[] block = new byte[BLOCK];
        for (long place = 0; place < GIGABYTE; place += BLOCK) {
            fill(block, place);
            sum.update(block);
            out.write(block);
        }
    }

    private static long receive(InputStream in, CRC32 sum) throws IOException {
        byte[] block = new byte[BLOCK];
        long total = 0;
        int read;
        while (total < GIGABYTE && (read = in.read(block)) > 0) {
            sum.update(block, 0, read);
            total += read;
        }
        return total;
    }

    private GatewayProcess smallGateway(String url) throws Exception {
        GatewayProcess gateway = lab.keep(GatewayProcess.start(lab.folder, Map.of("API_KEY", Lab.API_KEY,
            "ENCRYPTION_KEY", Lab.ENCRYPTION_KEY, "PROXY_PORT", "0", "REGISTRY_PORT", "0"),
            List.of("-Xmx64m", "-XX:TieredStopAtLevel=4")));
        String body = GatewayServer.Json.write(Map.of("data", Lab.data("shop", url, "/api")));
        assertEquals(200, lab.send(gateway.registryPort(), "PUT", "/collections/backends/shop", body,
            "X-API-Key", Lab.API_KEY).status());
        return gateway;
    }

    @Test
    void passesAGigabyteEitherWayWith64MegabytesOfMemory() throws Exception {
        CRC32 uploaded = new CRC32();
        AtomicLong length = new AtomicLong();
        CompletableFuture<CRC32> downloaded = new CompletableFuture<>();
        SocketBackend backend = lab.keep(new SocketBackend((head, socket) -> {
            if (head.startsWith("PUT")) {
                length.set(receive(socket.getInputStream(), uploaded));
                Lab.write(socket, SocketBackend.answer(200, "thanks"));
            } else if (!head.startsWith("GET /long")) {
                Lab.write(socket, SocketBackend.answer(200, "ready"));
            } else {
                CRC32 sum = new CRC32();
                Lab.write(socket, "HTTP/1.1 200 OK\r\nContent-Length: " + GIGABYTE + "\r\n\r\n");
                send(socket.getOutputStream(), sum);
                downloaded.complete(sum);
            }
        }));
        GatewayProcess gateway = smallGateway(backend.url());
        int port = gateway.port();
        Lab.until("it serves", () -> lab.send(port, "GET", "/api/x", null).status() == 200);

        Socket upload = ask(port, "PUT", "Content-Length: " + GIGABYTE + "\r\n");
        CRC32 sent = new CRC32();
        send(upload.getOutputStream(), sent);
        assertTrue(Lab.readHead(upload.getInputStream()).startsWith("HTTP/1.1 200 "));
        assertEquals(GIGABYTE, length.get());
        assertEquals(sent.getValue(), uploaded.getValue());

        Socket download = ask(port, "GET", "/api/long", "");
        assertEquals(GIGABYTE + "", Lab.header(Lab.readHead(download.getInputStream()), "Content-Length"));
        CRC32 received = new CRC32();
        assertEquals(GIGABYTE, receive(download.getInputStream(), received));
        assertEquals(downloaded.get(15, TimeUnit.SECONDS).getValue(), received.getValue());
    }
}
