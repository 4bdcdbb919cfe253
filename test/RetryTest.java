import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.OutputStream;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A request whose backend failed: it goes to another where that does no harm, else the client hears why. */
class RetryTest {
    private static final int LARGE = 300_000;          // streamed; small bodies are read before they are sent

    private static final int[] LENGTHS = {5, 10_000, LARGE};

    private Lab lab;
    private GatewayServer gateway;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
        // Probes only at the start: what takes a backend out here is the requests.
        gateway = lab.gateway("--health-interval-ms=60000", "--health-failures=100",
            "--upstream-timeout-ms=2000");
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private SocketBackend register(String name, SocketBackend backend) throws Exception {
        lab.keep(backend);
        lab.register(gateway, name, backend.url(), "/api");
        return backend;
    }

    private void registerDead(String name) throws Exception {
        lab.register(gateway, name, "http://127.0.0.1:" + Lab.deadPort(), "/api");
    }

    /** A backend that takes in whole requests and closes without a word. */
    private static SocketBackend silent() throws Exception {
        return new SocketBackend((head, socket) -> {
            SocketBackend.readBody(head, socket);
            socket.close();
        });
    }

    private Lab.Answer ask(String method, String body) throws Exception {
        return lab.send(gateway.port(), method, "/api/x", body);
    }

    private static void assertBackendError(String word, String backend, Lab.Answer answer) {
        assertEquals(502, answer.status(), answer::body);
        assertEquals(word, answer.header("X-Gateway-Error"));
        assertEquals("Backend error", answer.json().get("error"));
        assertEquals(backend, answer.json().get("backend"));
        assertEquals(answer.header("X-Request-Id"), answer.json().get("requestId"));
    }

    // ---- Never sent: may go to another backend, whatever it is ----------------------------------------

    @Test
    void sendsARequestElsewhereWhenABackendRefusesTheConnection() throws Exception {
        registerDead("dead");
        SocketBackend alive = register("alive", SocketBackend.saying(""));
        for (String method : List.of("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH")) {
            alive.heads.clear();
            for (int i = 0; i < 4; i++) assertEquals(200, ask(method, null).status(), method);
            assertEquals(4, alive.heads.size(), method);
        }
    }

    @Test
    void sendsABodyElsewhereWholeWhenABackendRefusesTheConnection() throws Exception {
        registerDead("dead");
        register("alive", new SocketBackend((head, socket) ->
            Lab.write(socket, SocketBackend.answer(200, SocketBackend.readBody(head, socket)))));
        for (int length : LENGTHS) {
            String body = "x".repeat(length);
            for (int i = 0; i < 4; i++) assertEquals(body, ask("POST", body).body());
        }
    }

    @Test
    void sendsAChunkedBodyElsewhereWholeWhenABackendRefusesTheConnection() throws Exception {
        registerDead("dead");
        lab.register(gateway, "alive", lab.backend(e ->
            Lab.answer(e, 200, new String(e.getRequestBody().readAllBytes()))), "/api");
        for (int i = 0; i < 4; i++) {
            String answer = Lab.raw(gateway.port(), "POST /api/x HTTP/1.1\r\nHost: localhost\r\n"
                + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                + "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
            assertTrue(answer.startsWith("HTTP/1.1 200 ") && answer.contains("hello world"), answer);
        }
    }

    @Test
    void findsTheBackendThatIsLeftHoweverManyRequestsLookForOne() throws Exception {
        List<GatewayServer.Listing.Item> items = List.of(
            new GatewayServer.Listing.Item("dead", Lab.data("dead", "http://127.0.0.1:1", "/api")),
            new GatewayServer.Listing.Item("left", Lab.data("left", "http://127.0.0.1:2", "/api")));
        GatewayServer.TokenCipher cipher = new GatewayServer.TokenCipher(List.of("key"));
        GatewayServer.Route route = GatewayServer.RoutingTable.EMPTY
            .next(new GatewayServer.Listing("", items), cipher, new AtomicInteger()).route("/api");
        Set<GatewayServer.Backend> dead = new HashSet<>(Set.of(route.backends.getFirst())) {
            @Override
            public boolean contains(Object backend) {      // another request takes a turn at every step
                route.pick(Set.of());
                return super.contains(backend);
            }
        };
        for (int i = 0; i < 4; i++) assertEquals("left", route.pick(dead).name());
    }

    @Test
    void saysThatTheConnectionWasRefusedWhenThereIsNobodyElse() throws Exception {
        registerDead("dead");
        assertBackendError("connect-refused", "dead", ask("GET", null));
        assertBackendError("connect-refused", "dead", ask("POST", "body"));
        assertBackendError("connect-refused", "dead", ask("POST", "x".repeat(LARGE)));
    }

    @Test
    void saysThatTheNameIsUnknown() throws Exception {
        lab.register(gateway, "lost", "http://no-such-host.invalid:3000", "/api");
        assertBackendError("name-unknown", "lost", ask("GET", null));
    }

    @Test
    void doesNotGoRoundADeadFleetForEver() throws Exception {
        for (int i = 0; i < 8; i++) registerDead("dead-" + i);
        // Their first probes count as failures, too: they must be over.
        Lab.until("all were probed", () -> failures().values().stream().allMatch(n -> (Long) n > 0));
        Map<String, Object> before = failures();
        assertEquals(502, ask("GET", null).status());
        Map<String, Object> after = failures();
        after.keySet().removeIf(name -> after.get(name).equals(before.get(name)));
        assertEquals(4, after.size(), "backends that were tried");
    }

    private Map<String, Object> failures() throws Exception {
        Map<String, Object> failures = new TreeMap<>();
        for (Object backend : (List<?>) lab.get(gateway, "/gateway/status").json().get("backends")) {
            Map<?, ?> fields = (Map<?, ?>) backend;
            failures.put(fields.get("name").toString(), fields.get("consecutiveFailures"));
        }
        return failures;
    }

    // ---- May have arrived: only what may safely arrive twice ------------------------------------------

    @Test
    void repeatsARequestThatMayArriveTwiceWhenABackendClosesWithoutAnAnswer() throws Exception {
        SocketBackend silent = register("silent", silent());
        register("alive", SocketBackend.saying(""));
        for (String method : List.of("GET", "HEAD", "OPTIONS", "PUT", "DELETE")) {
            silent.heads.clear();
            for (int i = 0; i < 4; i++) assertEquals(200, ask(method, null).status(), method);
            assertFalse(silent.heads.isEmpty(), method);
        }
    }

    @Test
    void givesUpAfterAFewTriesAndSaysThatTheBackendClosed() throws Exception {
        SocketBackend silent = register("silent", silent());
        for (String method : List.of("GET", "PUT")) {
            silent.heads.clear();
            assertBackendError("backend-closed", "silent", ask(method, null));
            int sent = silent.heads.size();                // HttpClient may add a try to each of ours
            assertTrue(sent >= 2 && sent <= 8, method + " was sent " + sent + " times");
        }
    }

    @Test
    void neverSendsARequestTwiceThatABackendMayHaveSeenAndThatMayNotArriveTwice() throws Exception {
        SocketBackend one = register("one", silent());
        SocketBackend two = register("two", silent());
        assertEquals("backend-closed", ask("POST", null).header("X-Gateway-Error"));
        assertEquals("backend-closed", ask("PATCH", null).header("X-Gateway-Error"));
        int asked = 2;
        for (String method : List.of("POST", "PUT", "DELETE", "PATCH")) {
            for (int length : LENGTHS) {
                assertEquals("backend-closed", ask(method, "x".repeat(length)).header("X-Gateway-Error"));
                asked++;
                assertEquals(asked, one.heads.size() + two.heads.size(), method + " of " + length + " bytes");
            }
        }
    }

    @Test
    void neverSendsAPostTwiceWhenABackendResetsTheConnectionHalfWay() throws Exception {
        SocketBackend.Reply reset = (head, socket) -> {
            socket.getInputStream().readNBytes(1000);
            socket.setSoLinger(true, 0);
            socket.close();
        };
        SocketBackend one = register("one", new SocketBackend(reset));
        SocketBackend two = register("two", new SocketBackend(reset));
        for (int i = 0; i < 4; i++) assertEquals(502, ask("POST", "x".repeat(LARGE)).status());
        assertEquals(4, one.heads.size() + two.heads.size());
    }

    @Test
    void answersEveryGetWhenABackendClosesPooledConnectionsWithoutSayingSo() throws Exception {
        register("closing", new SocketBackend((head, socket) -> {
            Lab.write(socket, SocketBackend.answer(200, "ok"));
            socket.close();
        }));
        for (int i = 0; i < 200; i++) assertEquals(200, ask("GET", null).status(), "request " + i);
    }

    @Test
    void answersEveryGetWhenABackendTakesARequestOnAnOldConnectionAndCloses() throws Exception {
        AtomicInteger closed = new AtomicInteger();
        register("closing", new SocketBackend((head, socket) -> {
            Lab.write(socket, SocketBackend.answer(200, "ok"));
            String second = Lab.readHead(socket.getInputStream());
            if (!second.isEmpty()) closed.incrementAndGet();
            socket.close();                                // after the head was read: no answer for this one
        }));
        for (int i = 0; i < 20; i++) assertEquals(200, ask("GET", null).status(), "request " + i);
        assertTrue(closed.get() > 0, "the pool was never used");
    }

    // ---- Not repeated at all ---------------------------------------------------------------------------

    @Test
    void doesNotRepeatWhatTookTooLong() throws Exception {
        SocketBackend.Reply never = (head, socket) ->
            socket.getInputStream().transferTo(OutputStream.nullOutputStream());
        SocketBackend one = register("one", new SocketBackend(never));
        SocketBackend two = register("two", new SocketBackend(never));
        GatewayServer hasty = lab.gateway("--upstream-timeout-ms=200",
            "--registry-url=http://127.0.0.1:" + gateway.registryPort());
        int asked = 0;
        for (String body : new String[] {null, "small", "x".repeat(LARGE)}) {
            Lab.Answer answer = lab.send(hasty.port(), body == null ? "GET" : "POST", "/api/x", body);
            assertEquals(504, answer.status());
            assertEquals("upstream-timeout", answer.header("X-Gateway-Error"));
            assertEquals("Backend timeout", answer.json().get("error"));
            assertTrue(answer.json().get("message").toString().contains("200 ms"), answer::body);
            assertEquals(++asked, one.heads.size() + two.heads.size());
        }
    }

    @Test
    void passesOnABackendsOwnErrorsAndDoesNotRepeatThem() throws Exception {
        SocketBackend failing = register("failing", new SocketBackend((head, socket) ->
            Lab.write(socket, SocketBackend.answer(503, "mine"))));
        Lab.Answer answer = ask("GET", null);
        assertEquals(503, answer.status());
        assertEquals("mine", answer.body());
        assertEquals("failing", answer.header("X-Backend-Name"));
        assertEquals("", answer.header("X-Gateway-Error"));
        assertEquals(1, failing.heads.size());
    }

    @Test
    void saysThatAnAnswerIsNotHttp() throws Exception {
        register("odd", new SocketBackend((head, socket) -> {
            Lab.write(socket, "SSH-2.0-OpenSSH_9.6\r\n\r\n");
            socket.close();
        }));
        assertBackendError("bad-answer", "odd", ask("POST", "body"));
    }
}
