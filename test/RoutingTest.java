import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which backend gets a request, and what path it sees. */
class RoutingTest {
    private Lab lab;
    private GatewayServer gateway;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
        gateway = lab.gateway();
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private void register(String name, String prefix) throws Exception {
        lab.register(gateway, name, lab.backend(e -> Lab.answer(e, 200, name + " " + e.getRequestURI())), prefix);
    }

    private String ask(String path) throws Exception {
        Lab.Answer answer = lab.get(gateway, path);
        return answer.status() == 200 ? answer.body() : answer.status() + "";
    }

    @Test
    void sendsAPathToTheBackendOfItsPrefixAndTakesThePrefixOff() throws Exception {
        register("api", "/api");
        assertEquals("api /users?id=1&x=%2F", ask("/api/users?id=1&x=%2F"));
        assertEquals("api /", ask("/api"));
        assertEquals("api /", ask("/api/"));
        assertEquals("api /?x", ask("/api?x"));
    }

    @Test
    void prefersTheLongestPrefix() throws Exception {
        register("one", "/api");
        register("two", "/api/v2");
        register("three", "/api/v2/deep/down");
        assertEquals("one /users", ask("/api/users"));
        assertEquals("one /v22/users", ask("/api/v22/users"));
        assertEquals("two /posts", ask("/api/v2/posts"));
        assertEquals("two /deep/x", ask("/api/v2/deep/x"));
        assertEquals("three /x", ask("/api/v2/deep/down/x"));
    }

    @Test
    void refusesAPathThatOnlyLooksLikeAPrefix() throws Exception {
        register("api", "/api");
        assertEquals("404", ask("/apix"));
        assertEquals("404", ask("/ap"));
        assertEquals("404", ask("/API/x"));
    }

    @Test
    void givesEverythingElseToTheBackendOfTheRoot() throws Exception {
        register("root", "/");
        register("api", "/api");
        assertEquals("root /x/y", ask("/x/y"));
        assertEquals("root /", ask("/"));
        assertEquals("api /y", ask("/api/y"));
    }

    @Test
    void putsTheBasePathOfTheBackendBeforeThePath() throws Exception {
        String url = lab.backend(e -> Lab.answer(e, 200, e.getRequestURI().toString()));
        lab.register(gateway, "based", url + "/base/path", "/api");
        assertEquals("/base/path/users", ask("/api/users"));
        assertEquals("/base/path", ask("/api"));
        assertEquals("/base/path?x=1", ask("/api?x=1"));
    }

    @Test
    void saysWhichPathHasNoBackend() throws Exception {
        Lab.Answer answer = lab.get(gateway, "/nothing/here?secret=1");
        assertEquals(404, answer.status());
        assertEquals("no-route", answer.header("X-Gateway-Error"));
        assertEquals("No backend found", answer.json().get("error"));
        assertEquals("/nothing/here", answer.json().get("path"));
        assertEquals(answer.header("X-Request-Id"), answer.json().get("requestId"));
    }

    @Test
    void takesTurnsBetweenTheBackendsOfAPrefix() throws Exception {
        register("a", "/api");
        register("b", "/api");
        register("c", "/api");
        Map<String, Integer> shares = new HashMap<>();
        for (int i = 0; i < 30; i++) shares.merge(ask("/api/x"), 1, Integer::sum);
        assertEquals(Map.of("a /x", 10, "b /x", 10, "c /x", 10), shares);
    }

    @Test
    void givesABackendTurnsByItsWeightAndSpreadsThem() throws Exception {
        Map<String, Object> heavy = Lab.data("heavy", lab.saying("heavy"), "/api");
        heavy.put("weight", 6);
        Map<String, Object> light = Lab.data("light", lab.saying("light"), "/api");
        light.put("weight", 2);
        lab.register(gateway, heavy);
        lab.register(gateway, light);
        StringBuilder order = new StringBuilder();
        for (int i = 0; i < 16; i++) order.append(ask("/api/x").charAt(0));
        assertEquals(4, order.chars().filter(c -> c == 'l').count(), order::toString);
        assertTrue(!order.toString().contains("ll") && !order.toString().contains("hhhh"), order::toString);
    }

    @Test
    void movesABackendWhoseEntryChanges() throws Exception {
        register("api", "/old");
        register("api", "/new");
        Lab.until("the old prefix is gone", () -> ask("/old/x").equals("404"));
        assertEquals("api /x", ask("/new/x"));
    }

    @Test
    void forgetsABackendThatIsTakenOut() throws Exception {
        register("api", "/api");
        assertEquals(200, lab.registry(gateway, "DELETE", "/collections/backends/api", null).status());
        Lab.until("the route is gone", () -> ask("/api/x").equals("404"));
    }

    @Test
    void listsItsRoutes() throws Exception {
        register("b", "/api");
        register("a", "/api");
        register("r", "/");
        List<?> routes = (List<?>) GatewayServer.Json.parse(lab.get(gateway, "/gateway/routing").body());
        assertEquals("/", ((Map<?, ?>) routes.get(0)).get("prefix"));
        assertEquals("/api", ((Map<?, ?>) routes.get(1)).get("prefix"));
        assertEquals(List.of("a", "b"), ((Map<?, ?>) routes.get(1)).get("backends"));
        assertTrue(((Map<?, ?>) routes.get(1)).get("example").toString().endsWith("/api/example"));
    }
}
