import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The pages that the gateway answers by itself, and who may read them. */
class OwnEndpointsTest {
    private static final List<String> OPERATORS =
        List.of("/gateway/status", "/gateway/routing", "/proxy/status", "/proxy/routing");

    private Lab lab;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    // ---- What they say ---------------------------------------------------------------------------------

    @Test
    void healthSaysHowManyBackendsThereAreAndHowOldTheTableIs() throws Exception {
        GatewayServer gateway = lab.gateway();
        lab.register(gateway, "shop", lab.saying("ok"), "/api");
        for (String path : List.of("/gateway/health", "/proxy/health")) {
            Lab.Answer answer = lab.get(gateway, path);
            assertEquals(200, answer.status());
            assertEquals("application/json", answer.header("Content-Type"));
            assertEquals("no-store", answer.header("Cache-Control"));
            assertEquals("ok", answer.json().get("status"));
            assertEquals(1L, answer.json().get("backends"));
            assertEquals(1L, answer.json().get("healthy"));
            assertTrue((Long) answer.json().get("cacheAge") >= 0);
        }
    }

    @Test
    void statusTellsOfEveryBackendButItsToken() throws Exception {
        GatewayServer gateway = lab.gateway();
        String url = lab.saying("ok");
        Map<String, Object> data = Lab.data("shop", url + "/", "api/");
        data.put("weight", 3);
        assertEquals(200, lab.put(gateway, data).status());
        for (String path : List.of("/gateway/status", "/proxy/status")) {
            Lab.until("it was probed", () -> lab.get(gateway, path).body().contains("\"lastCheck\":\"2"));
            Lab.Answer answer = lab.get(gateway, path);
            assertEquals(1L, answer.json().get("total"));
            assertEquals(1L, answer.json().get("healthy"));
            assertTrue((Long) answer.json().get("cacheAge") >= 0);
            Map<?, ?> shop = (Map<?, ?>) ((List<?>) answer.json().get("backends")).getFirst();
            assertEquals("shop", shop.get("name"));
            assertEquals(url, shop.get("url"));
            assertEquals("api/", shop.get("prefix"));
            assertEquals("/api", shop.get("normalized_prefix"));
            assertEquals(true, shop.get("healthy"));
            assertEquals(0L, shop.get("consecutiveFailures"));
            assertFalse(answer.body().contains(Lab.TOKEN), answer::body);
            assertFalse(answer.body().contains("token"), answer::body);
        }
    }

    @Test
    void routingTellsWhichBackendsServeAPrefix() throws Exception {
        GatewayServer gateway = lab.gateway();
        lab.register(gateway, "b", lab.saying("b"), "/api");
        lab.register(gateway, "a", lab.saying("a"), "/api");
        for (String path : List.of("/gateway/routing", "/proxy/routing")) {
            List<?> routes = (List<?>) GatewayServer.Json.parse(lab.get(gateway, path).body());
            assertEquals(List.of(Map.of("prefix", "/api", "backends", List.of("a", "b"),
                "example", "http://127.0.0.1:" + gateway.port() + "/api/example")), routes);
        }
    }

    @Test
    void reloadAsksTheRegistryNow() throws Exception {
        GatewayServer gateway = lab.gateway();
        assertEquals(200, lab.put(gateway, Lab.data("shop", lab.saying("ok"), "/api")).status());
        Lab.Answer answer = lab.send(gateway.port(), "POST", "/gateway/reload", null);
        assertEquals(200, answer.status());
        assertEquals(true, answer.json().get("success"));
        assertEquals(1L, answer.json().get("backends"));
    }

    @Test
    void headIsAnsweredAsGetWithoutTheBody() throws Exception {
        GatewayServer gateway = lab.gateway();
        lab.register(gateway, "shop", lab.saying("ok"), "/api");
        for (String path : List.of("/gateway/health", "/gateway/status", "/proxy/routing")) {
            Lab.Answer answer = lab.send(gateway.port(), "HEAD", path, null);
            assertEquals(200, answer.status());
            assertEquals("", answer.body());
            assertTrue(Integer.parseInt(answer.header("Content-Length")) > 2);
        }
        assertEquals(404, lab.send(gateway.port(), "HEAD", "/gateway/none", null).status());
    }

    @Test
    void anyOtherMethodIsRefusedWithTheOneThatIsTaken() throws Exception {
        GatewayServer gateway = lab.gateway();
        for (String method : List.of("POST", "PUT", "DELETE", "PATCH", "OPTIONS")) {
            Lab.Answer answer = lab.send(gateway.port(), method, "/gateway/health", null);
            assertEquals(405, answer.status());
            assertEquals("method-refused", answer.header("X-Gateway-Error"));
            assertTrue(answer.header("Allow").startsWith("GET"), answer.header("Allow"));
        }
        for (String method : List.of("GET", "HEAD", "DELETE")) {
            Lab.Answer answer = lab.send(gateway.port(), method, "/gateway/reload", null);
            assertEquals(405, answer.status());
            assertEquals("POST", answer.header("Allow"));
        }
    }

    @Test
    void anUnknownPageNamesTheOnesThereAre() throws Exception {
        GatewayServer gateway = lab.gateway();
        for (String path : List.of("/gateway/none", "/gateway/status/x", "/gateway/Status")) {
            Lab.Answer answer = lab.get(gateway, path);
            assertEquals(404, answer.status());
            assertEquals("no-such-page", answer.header("X-Gateway-Error"));
            assertTrue(answer.json().get("message").toString().contains("/gateway/status"), answer::body);
        }
    }

    // ---- Nobody else answers them ----------------------------------------------------------------------

    @Test
    void noBackendCanShadowThem() throws Exception {
        GatewayServer gateway = lab.gateway();
        lab.register(gateway, "root", lab.saying("backend"), "/");
        lab.register(gateway, "proxy", lab.saying("backend"), "/proxy");
        List<String> paths = new ArrayList<>(OPERATORS);
        paths.addAll(List.of("/gateway", "/gateway/", "/gateway/health", "/gateway/none", "/gateway/status?x",
            "/proxy/health"));
        for (String path : paths) {
            Lab.Answer answer = lab.get(gateway, path);
            assertFalse(answer.body().equals("backend"), path);
            assertEquals("", answer.header("X-Backend-Name"));
        }
        for (String path : List.of("/gatewayx", "/proxy", "/proxy/other", "/x")) {
            assertEquals("backend", lab.get(gateway, path).body(), path);
        }
    }

    // ---- Who may read them -----------------------------------------------------------------------------

    private static String head(GatewayServer gateway, String path, String... lines) throws Exception {
        String answer = Lab.raw(gateway.port(), "GET " + path + " HTTP/1.1\r\nConnection: close\r\n"
            + String.join("\r\n", lines) + "\r\n\r\n");
        return answer.substring(0, answer.indexOf("\r\n\r\n") + 2);
    }

    @Test
    void withoutAnAdminTokenTheyAnswerThisMachineByItsOwnName() throws Exception {
        GatewayServer gateway = lab.gateway();
        for (String host : List.of("localhost", "LOCALHOST:8080", "127.0.0.1", "127.1.2.3:80", "[::1]:8")) {
            for (String path : OPERATORS) {
                String head = head(gateway, path, "Host: " + host);
                assertTrue(head.startsWith("HTTP/1.1 200 "), head);
            }
        }
    }

    @Test
    void withoutAnAdminTokenTheyRefuseOtherNamesAndWhatAProxyPassedOn() throws Exception {
        GatewayServer gateway = lab.gateway();
        List<String[]> others = new ArrayList<>();
        for (String host : List.of("evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                "10.0.0.1", "[::2]", "localhost.", "127.0.0.1x")) {
            others.add(new String[] {"Host: " + host});
        }
        for (String name : List.of("X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: h", "Via: 1.1 front",
                "X-Forwarded-Proto: https", "Forwarded: for=1.2.3.4", "X-Real-IP: 1.2.3.4")) {
            others.add(new String[] {"Host: localhost", name});
        }
        for (String[] lines : others) {
            for (String path : OPERATORS) {
                String head = head(gateway, path, lines);
                assertTrue(head.startsWith("HTTP/1.1 403 "), () -> Arrays.toString(lines) + head);
                assertEquals("admin-only", Lab.header(head, "X-Gateway-Error"));
            }
            assertTrue(head(gateway, "/gateway/none", lines).startsWith("HTTP/1.1 403 "));
            assertTrue(head(gateway, "/gateway/health", lines).startsWith("HTTP/1.1 200 "), "health is open");
        }
        Lab.Answer answer = lab.get(gateway, "/gateway/status", "Via", "1.1 front");
        assertTrue(answer.json().get("message").toString().contains("ADMIN_TOKEN"), answer::body);
    }

    @Test
    void withAnAdminTokenTheyAnswerWhoHasItWhereverHeIs() throws Exception {
        GatewayServer gateway = lab.gateway("--admin-token=secret-of-the-operator");
        String[] right = {"Host: gateway.example", "X-Forwarded-For: 1.2.3.4",
            "Authorization: Bearer secret-of-the-operator"};
        for (String path : OPERATORS) {
            String head = head(gateway, path, right);
            assertTrue(head.startsWith("HTTP/1.1 200 "), head);
        }
    }

    @Test
    void withAnAdminTokenTheyRefuseEverybodyElse() throws Exception {
        GatewayServer gateway = lab.gateway("--admin-token=secret-of-the-operator");
        for (String given : List.of("", "Bearer ", "Bearer secret", "secret-of-the-operator",
                "Bearer secret-of-the-operator2", "Basic secret-of-the-operator")) {
            for (String path : List.of("/gateway/status", "/gateway/none", "/proxy/routing")) {
                Lab.Answer answer = lab.get(gateway, path, "Authorization", given);
                assertEquals(401, answer.status(), given + " " + path);
                assertEquals("admin-token-wrong", answer.header("X-Gateway-Error"));
                assertEquals("Bearer", answer.header("WWW-Authenticate"));
            }
            assertEquals(401, lab.send(gateway.port(), "POST", "/gateway/reload", null,
                "Authorization", given).status());
        }
        assertEquals(200, lab.get(gateway, "/gateway/health").status());
    }
}
