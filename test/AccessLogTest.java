import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the gateway writes of requests: nothing, the failed ones, or a line for each. */
class AccessLogTest {
    private final PrintStream console = System.out;
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private Lab lab;
    private SocketBackend backend;

    @BeforeEach
    void start() throws Exception {
        System.setOut(new PrintStream(printed, true));
        lab = new Lab();
        backend = lab.keep(new SocketBackend((head, socket) -> {
            SocketBackend.readBody(head, socket);
            Lab.write(socket, SocketBackend.answer(head.contains("/teapot") ? 418 : 200, "hello"));
        }));
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
        System.setOut(console);
    }

    /** A gateway to which one good, one refused and two failed requests have come. */
    private List<String> lines(String accessLog) throws Exception {
        GatewayServer gateway = lab.gateway("--access-log=" + accessLog, "--health-interval-ms=60000");
        lab.register(gateway, "shop", backend.url(), "/api");
        lab.register(gateway, "dead", "http://127.0.0.1:" + Lab.deadPort(), "/dead");
        GatewayServer.Log.flush();
        printed.reset();
        ask(gateway, "POST", "/api/teapot?secret=1", "good");
        ask(gateway, "GET", "/none", "refused");
        ask(gateway, "GET", "/dead/x", "failed");
        ask(gateway, "GET", "/api/last", "last");
        if (accessLog.equals("text") || accessLog.equals("json")) {
            Lab.until("all is written", () -> printed().contains("/last"));
        }
        GatewayServer.Log.flush();
        // Of the questions that came before, and of a backend's health, there may be lines as well.
        return printed().lines().filter(line -> line.matches(".*\\b(good|refused|failed|last)\\b.*"))
            .filter(line -> !line.contains("Backend dead")).toList();
    }

    private String printed() {
        return printed.toString();
    }

    private void ask(GatewayServer gateway, String method, String path, String id) throws Exception {
        lab.send(gateway.port(), method, path, method.equals("POST") ? "body" : null, "X-Request-Id", id);
    }

    @Test
    void offWritesNoRequest() throws Exception {
        assertEquals(List.of(), lines("off"));
    }

    @Test
    void errorsWritesWhatTheGatewayCouldNotServe() throws Exception {
        List<String> lines = lines("errors");
        assertEquals(1, lines.size(), lines::toString);
        String line = lines.getFirst();
        for (String part : List.of("failed", "127.0.0.1", "GET", "/dead/x", "502", "connect-refused")) {
            assertTrue(line.contains(part), line);
        }
    }

    @Test
    void textWritesALineForEachRequest() throws Exception {
        List<String> lines = lines("text");
        assertEquals(4, lines.size(), lines::toString);
        for (String part : List.of("good", "127.0.0.1", "POST", "/api/teapot", " 418 ", " 5 ", "shop")) {
            assertTrue(lines.getFirst().contains(part), lines.getFirst());
        }
        assertTrue(lines.get(1).contains("no-route"), lines.get(1));
        assertFalse(lines.toString().contains("secret=1"), "a query may hold secrets");
    }

    @Test
    void jsonWritesAnObjectForEachRequest() throws Exception {
        List<String> lines = lines("json");
        assertEquals(4, lines.size(), lines::toString);
        Map<?, ?> good = GatewayServer.Json.parseObject(lines.getFirst());
        Instant.parse(good.get("time").toString());
        assertEquals("good", good.get("id"));
        assertEquals("127.0.0.1", good.get("client"));
        assertEquals("POST", good.get("method"));
        assertEquals("/api/teapot", good.get("path"));
        assertEquals(418L, good.get("status"));
        assertEquals(5L, good.get("bytes"));
        assertEquals("shop", good.get("backend"));
        assertTrue((Long) good.get("ms") >= 0);
        Map<?, ?> failed = GatewayServer.Json.parseObject(lines.get(2));
        assertEquals("connect-refused", failed.get("cause"));
        assertEquals(List.of("dead: connect-refused"), failed.get("attempts"));
    }

    @Test
    void nobodysTextBeginsALineOfItsOwn() throws Exception {
        GatewayServer gateway = lab.gateway("--access-log=text");
        GatewayServer.Log.flush();
        printed.reset();
        lab.get(gateway, "/a%0Ab%1B%5B31m", "X-Request-Id", "x\tforged");
        Lab.until("it is written", () -> printed().contains("/a%0Ab%1B%5B31m"));
        assertTrue(printed().lines().allMatch(line -> line.matches("\\d{4}-.*Z  .*")), this::printed);
        assertFalse(printed().contains("forged"), this::printed);
    }
}
