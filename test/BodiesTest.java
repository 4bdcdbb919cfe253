import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Bodies pass as they come: no faster than the other side takes them, whole or visibly not, and unchanged.
 */
class BodiesTest extends OnTheWire {
    private static final long LARGE = 256L << 20;
    // What may lie in the two pairs of socket buffers that a stalled body has on its way, and a little in the
    // gateway.
    private static final long UNDER_WAY = 32L << 20;

    private void registerRaw(String prefix, Lab.Script script) throws Exception {
        String url = lab.rawBackend(socket -> {
            String head = Lab.readHead(socket.getInputStream());
            if (head.startsWith("GET /health")) Lab.write(socket,
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            else if (!head.isEmpty()) script.serve(socket);
        });
        lab.register(gateway, prefix.substring(1), url, prefix);
    }

    /** Writes until nothing more is taken for a while, or all is written; answers how much that was. */
    private static long push(SocketChannel to, long most) throws Exception {
        ByteBuffer block = ByteBuffer.allocate(1 << 16);
        to.configureBlocking(false);
        long pushed = 0;
        long lastTaken = System.nanoTime();
        while (pushed < most && System.nanoTime() - lastTaken < 400_000_000) {
            block.clear().limit((int) Math.min(block.capacity(), most - pushed));
            int taken = to.write(block);
            pushed += taken;
            if (taken > 0) lastTaken = System.nanoTime();
            else Thread.sleep(5);
        }
        to.configureBlocking(true);
        return pushed;
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 268435456", "Transfer-Encoding: chunked"})
    void aBackendThatDoesNotReadStopsTheClient(String length) throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        registerRaw("/deaf", socket -> go.await());
        try (SocketChannel client = SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(),
            gateway.port()))) {
            client.write(ByteBuffer.wrap(("POST /deaf/x HTTP/1.1\r\n" + HOST + length
                + "\r\n\r\n").getBytes()));
            if (length.startsWith("T")) client.write(ByteBuffer.wrap((Long.toHexString(0x7000_0000)
                + "\r\n").getBytes()));
            long pushed = push(client, LARGE);
            assertTrue(pushed < UNDER_WAY, "the gateway took " + pushed + " bytes that nobody read");
        }
        go.countDown();
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 268435456", "Transfer-Encoding: chunked", "Connection: close"})
    void aClientThatDoesNotReadStopsTheBackend(String length) throws Exception {
        CompletableFuture<Long> pushed = new CompletableFuture<>();
        try (java.nio.channels.ServerSocketChannel server = java.nio.channels.ServerSocketChannel.open()) {
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            Thread.ofPlatform().daemon().start(() -> {
                while (true) {
                    try {
                        SocketChannel socket = server.accept();
                        boolean probe = Lab.readHead(socket.socket().getInputStream())
                            .startsWith("GET /health");
                        if (probe) socket.write(ByteBuffer.wrap(WireBackend.OK.getBytes()));
                        if (probe) continue;
                        socket.write(ByteBuffer.wrap(("HTTP/1.1 200 OK\r\n" + length + "\r\n\r\n"
                            + (length.startsWith("T") ? "70000000\r\n" : "")).getBytes()));
                        pushed.complete(push(socket, LARGE));
                    } catch (Exception e) {
                        pushed.completeExceptionally(e);
                        return;
                    }
                }
            });
            lab.register(gateway, "talker", "http://127.0.0.1:" + server.socket().getLocalPort(), "/talker");
            try (WireClient client = connect()) {
                client.send("GET /talker/x HTTP/1.1\r\n" + HOST + "\r\n");
                assertTrue(Lab.readHead(client.in).startsWith("HTTP/1.1 200 "));
                long taken = pushed.get();
                assertTrue(taken < UNDER_WAY, "the gateway took " + taken + " bytes that nobody read");
            }
        }
    }

    @Test
    void aSlowClientGetsItAllInTheEnd() throws Exception {
        byte[] block = new byte[1 << 16];
        new Random(7).nextBytes(block);
        registerRaw("/much", socket -> {
            Lab.write(socket, "HTTP/1.1 200 OK\r\nContent-Length: " + 200 * block.length + "\r\n\r\n");
            for (int i = 0; i < 200; i++) socket.getOutputStream().write(block);
            socket.getInputStream().read();
        });
        try (WireClient client = connect()) {
            client.send("GET /much/x HTTP/1.1\r\n" + HOST + "\r\n");
            Lab.readHead(client.in);
            for (int i = 0; i < 200; i++) {
                if (i % 50 == 0) Thread.sleep(20);         // long enough for all buffers on the way to fill
                assertEquals(0, java.util.Arrays.mismatch(client.in.readNBytes(block.length), block) + 1);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void passesALargeBodyUnchangedInBothDirections(boolean chunked) throws Exception {
        byte[] body = new byte[3 << 20];
        new Random(5).nextBytes(body);
        AtomicLong received = new AtomicLong();
        String sum = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(body));
        backend.answers((request, socket) -> {
            received.set(request.body().length());
            socket.getOutputStream().write(("HTTP/1.1 200 OK\r\n" + (chunked
                ? "Transfer-Encoding: chunked\r\n\r\n300000\r\n"
                : "Content-Length: " + body.length + "\r\n\r\n")).getBytes());
            Lab.write(socket, request.body());
            if (chunked) Lab.write(socket, "\r\n0\r\n\r\n");
        });
        try (WireClient client = connect()) {
            client.send("POST /api/x HTTP/1.1\r\n" + HOST
                + (chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: " + body.length
                    + "\r\n\r\n"));
            OutputStream out = client.socket.getOutputStream();
            for (int i = 0; i < body.length; i += 1 << 16) {
                if (chunked) out.write("10000\r\n".getBytes());
                out.write(body, i, 1 << 16);
                if (chunked) out.write("\r\n".getBytes());
            }
            if (chunked) out.write("0\r\n\r\n".getBytes());
            byte[] back = client.answer("POST").body().getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
            assertEquals(sum, HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(back)));
        }
        assertEquals(body.length, received.get());
        assertEquals(chunked, forwarded().header("Transfer-Encoding") != null);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 100000\r\n\r\nabc", "Content-Length: 10\r\n\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "Transfer-Encoding: chunked\r\n\r\nffff\r\nabc"})
    void breaksAnUploadOffAtTheBackendWhereTheClientDoes(String rest) throws Exception {
        try (WireClient client = connect()) {
            client.send("POST /api/x HTTP/1.1\r\n" + HOST + rest);
            client.socket.shutdownOutput();
            assertEquals("bad-body", client.answer().gatewayError());
            assertTrue(client.isClosed());
        }
        // A small body is read before anything is sent; of a larger one the backend has a part.
        if (!rest.startsWith("Content-Length: 10\r")) Lab.until("it broke off",
            () -> backend.brokenOff.size() == 1);
        assertNothingForwarded();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aClientThatGoesAwayEndsTheWorkOfTheBackend(boolean reset) throws Exception {
        CompletableFuture<String> ended = new CompletableFuture<>();
        registerRaw("/endless", socket -> {
            Lab.write(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            try {
                while (true) {
                    Lab.write(socket, "4\r\ntick\r\n");
                    Thread.sleep(1);
                }
            } catch (SocketException e) {
                ended.complete("broken");
            }
        });
        try (WireClient client = connect()) {
            client.send("GET /endless/x HTTP/1.1\r\n" + HOST + "\r\n");
            Lab.readHead(client.in);
            if (reset) client.socket.setSoLinger(true, 0);
        }
        assertEquals("broken", ended.get(Lab.PATIENCE.toSeconds(), java.util.concurrent.TimeUnit.SECONDS));
    }

    @Test
    void givesTheAnswerOfABackendThatWantsNoMoreOfTheBody() throws Exception {
        registerRaw("/early", socket -> {
            Lab.write(socket, "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!");
            socket.shutdownOutput();
            InputStream in = socket.getInputStream();
            while (in.read(new byte[1 << 16]) >= 0) { }
        });
        try (WireClient client = connect()) {
            client.send("POST /early/x HTTP/1.1\r\n" + HOST + "Content-Length: 5000000\r\n\r\n");
            Thread.ofPlatform().daemon().start(() -> {
                try {
                    client.send("a".repeat(5_000_000));
                } catch (IOException e) {
                    // Nobody wants it: as it should be.
                }
            });
            assertEquals(403, client.answer("POST").status());
        }
    }

    @Test
    void passesRangesOn() throws Exception {
        backend.answers("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/10\r\n"
            + "Content-Length: 3\r\n\r\ncde");
        Wire.Message answer = get("/api/x", "Range: bytes=2-4\r\n", "If-Range: \"v\"\r\n");
        assertEquals("bytes=2-4", forwarded().header("Range"));
        assertEquals("\"v\"", forwarded().header("If-Range"));
        assertEquals("206 bytes 2-4/10 cde", answer.status() + " " + answer.header("Content-Range") + " "
            + answer.body());
    }

    @Test
    void unpacksNothing() throws Exception {
        String packed = "\u001f\u008b\u0008\u0000\u0000\u0000\u0000\u0000\u0000\u00ff"
            + "\u00cb\u0048\u0000\u00ac\u002a";
        backend.answers("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + packed.length()
            + "\r\n\r\n" + packed);
        Wire.Message answer = ask("POST /api/x HTTP/1.1\r\n" + HOST
            + "Content-Encoding: gzip\r\nAccept-Encoding: gzip\r\n"
            + "Content-Length: " + packed.length() + "\r\n\r\n" + packed);
        assertEquals(packed, answer.body());
        assertEquals("gzip", answer.header("Content-Encoding"));
        assertEquals(packed, forwarded().body());
        assertEquals("gzip", forwarded().header("Content-Encoding"));
        assertEquals("gzip", forwarded().header("Accept-Encoding"));
    }

    @Test
    void asksForNothingPacked() throws Exception {
        get("/api/x");
        assertEquals(null, forwarded().header("Accept-Encoding"));
    }
}
