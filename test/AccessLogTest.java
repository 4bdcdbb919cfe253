import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** What the gateway writes of requests: nothing, the failed ones, or a line for each. */
@Isolated("It reads what is printed")
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
        GatewayServer.Log.flush();
        System.setOut(console);
    }

    /** The lines of a gateway to which a good, a refused and a failed request have come, by their ids. */
    private Map<String, String> lines(String accessLog) throws Exception {
        GatewayServer gateway = lab.gateway("--access-log=" + accessLog, "--health-interval-ms=60000");
        lab.register(gateway, "shop", backend.url(), "/api");
        lab.register(gateway, "dead", "http://127.0.0.1:" + Lab.deadPort(), "/dead");
        ask(gateway, "POST", "/api/teapot?secret=1", "id-good");
        ask(gateway, "GET", "/none", "id-refused");
        ask(gateway, "GET", "/dead/x", "id-failed");
        // A line is written after its answer has gone out, and not before that of a later request.
        int expected = accessLog.equals("off") ? 0 : accessLog.equals("errors") ? 1 : 3;
        Lab.until("all is written", () -> byId().size() >= expected);
        return byId();
    }

    private Map<String, String> byId() {
        GatewayServer.Log.flush();
        Map<String, String> lines = new TreeMap<>();
        for (String line : printed().lines().toList()) {
            Matcher id = Pattern.compile("\\bid-[a-z]+\\b").matcher(line);
            if (id.find()) assertNull(lines.put(id.group(), line), line);
        }
        return lines;
    }

    private String printed() {
        return printed.toString();
    }

    private void ask(GatewayServer gateway, String method, String path, String id) throws Exception {
        lab.send(gateway.port(), method, path, method.equals("POST") ? "body" : null, "X-Request-Id", id);
    }

    @Test
    void offWritesNoRequest() throws Exception {
        assertEquals(Map.of(), lines("off"));
    }

    @Test
    void errorsWritesWhatTheGatewayCouldNotServe() throws Exception {
        Map<String, String> lines = lines("errors");
        assertEquals(Set.of("id-failed"), lines.keySet());
        String line = lines.get("id-failed");
        for (String part : List.of("127.0.0.1", "GET", "/dead/x", "502", "connect-refused")) {
            assertTrue(line.contains(part), line);
        }
    }

    @Test
    void textWritesALineForEachRequest() throws Exception {
        Map<String, String> lines = lines("text");
        assertEquals(Set.of("id-good", "id-refused", "id-failed"), lines.keySet());
        for (String part : List.of("127.0.0.1", "POST", "/api/teapot", " 418 ", " 5 ", "shop")) {
            assertTrue(lines.get("id-good").contains(part), lines.get("id-good"));
        }
        assertTrue(lines.get("id-refused").contains("no-route"), lines.get("id-refused"));
        assertFalse(printed().contains("secret=1"), "a query may hold secrets");
    }

    @Test
    void jsonWritesAnObjectForEachRequest() throws Exception {
        Map<String, String> lines = lines("json");
        assertEquals(Set.of("id-good", "id-refused", "id-failed"), lines.keySet());
        Map<?, ?> good = GatewayServer.Json.parseObject(lines.get("id-good"));
        Instant.parse(good.get("time").toString());
        assertEquals("id-good", good.get("id"));
        assertEquals("127.0.0.1", good.get("client"));
        assertEquals("POST", good.get("method"));
        assertEquals("/api/teapot", good.get("path"));
        assertEquals(418L, good.get("status"));
        assertEquals(5L, good.get("bytes"));
        assertEquals("shop", good.get("backend"));
        assertTrue((Long) good.get("ms") >= 0);
        Map<?, ?> failed = GatewayServer.Json.parseObject(lines.get("id-failed"));
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
