import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the embedded registry answers, request by request. */
class RegistryProtocolTest {
    private static final String LIST = "/collections/backends";

    private Lab lab;
    private GatewayServer registry;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
        registry = lab.gateway("--registry-only");
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private Lab.Answer ask(String method, String path, Object body, String... headers) throws Exception {
        String text = body == null || body instanceof String ? (String) body : GatewayServer.Json.write(body);
        return lab.registry(registry, method, path, text, headers);
    }

    private Lab.Answer put(String name, Map<String, ?> data) throws Exception {
        return ask("PUT", LIST + "/" + name, Map.of("data", data));
    }

    private static Map<String, Object> shop() {
        return Lab.data("shop", "http://localhost:3000", "/api");
    }

    private static Map<String, Object> with(String field, Object value) {
        Map<String, Object> data = shop();
        data.put(field, value);
        return data;
    }

    private List<?> items() throws Exception {
        return (List<?>) GatewayServer.Json.parse(ask("GET", LIST, null).body());
    }

    private Map<?, ?> metadata(String name) throws Exception {
        return (Map<?, ?>) ask("GET", LIST + "/" + name, null).json().get("metadata");
    }

    private void assertRefused(int status, String word, Lab.Answer answer) throws Exception {
        assertEquals(status, answer.status(), answer::body);
        assertFalse(answer.json().get("error").toString().isEmpty());
        assertTrue(answer.json().get("message").toString().contains(word), answer::body);
        assertFalse(answer.body().contains(Lab.TOKEN), answer::body);
    }

    // ---- Who may ask -----------------------------------------------------------------------------------

    @Test
    void tellsAnybodyThatItIsWell() throws Exception {
        assertEquals(200, lab.send(registry.registryPort(), "GET", "/health", null).status());
    }

    @Test
    void takesTheKeyAsBearerOrAsApiKeyHeader() throws Exception {
        String[][] right = {{"Authorization", "Bearer " + Lab.API_KEY},
            {"authorization", "bearer " + Lab.API_KEY}, {"X-API-Key", Lab.API_KEY}};
        for (String[] headers : right) {
            assertEquals(200, lab.send(registry.registryPort(), "GET", LIST, null, headers).status());
        }
    }

    @Test
    void tellsNobodyElseAnythingAndChangesNothingForThem() throws Exception {
        put("shop", shop());
        int port = registry.registryPort();
        String[][] wrong = {{}, {"Authorization", "Bearer wrong"}, {"X-API-Key", "wrong"},
            {"Authorization", "Basic " + Lab.API_KEY}, {"Authorization", "Bearer " + Lab.API_KEY + "x"},
            {"Authorization", "Bearer "}, {"X-API-Key", ""}};
        for (String[] headers : wrong) {
            for (String path : List.of(LIST, LIST + "/shop", "/collections/backend", "/kv/backends:*")) {
                for (String method : List.of("GET", "PUT", "POST", "DELETE")) {
                    String body = method.equals("GET") ? null : "{}";
                    Lab.Answer answer = lab.send(port, method, path, body, headers);
                    assertRefused(401, "API_KEY", answer);
                    assertEquals("Bearer", answer.header("WWW-Authenticate"));
                    assertFalse(answer.body().contains("shop"), answer::body);
                }
            }
        }
        assertEquals(1, items().size());
    }

    // ---- Entries ---------------------------------------------------------------------------------------

    @Test
    void storesAnEntryAndGivesItBack() throws Exception {
        Map<String, Object> data = with("healthPath", "/alive");
        data.put("weight", 3);
        data.put("color", "a field of a later version");
        Lab.Answer answer = put("shop", data);
        assertEquals(200, answer.status(), answer::body);
        assertEquals(true, answer.json().get("success"));
        assertEquals("backends", answer.json().get("collection"));
        assertEquals("shop", answer.json().get("key"));
        Instant.parse(answer.json().get("updatedAt").toString());

        Map<?, ?> entry = ask("GET", LIST + "/shop", null).json();
        assertEquals("shop", entry.get("key"));
        assertEquals(GatewayServer.Json.write(data), GatewayServer.Json.write(entry.get("data")));
        assertEquals(answer.json().get("updatedAt"), ((Map<?, ?>) entry.get("metadata")).get("lastUpdate"));
    }

    @Test
    void storesAnEntryThatIsPosted() throws Exception {
        Lab.Answer answer = ask("POST", LIST, Map.of("key", "shop", "data", shop()));
        assertEquals(200, answer.status(), answer::body);
        assertEquals("shop", answer.json().get("key"));
        assertEquals(200, ask("POST", LIST, Map.of("data", Lab.data("other", "http://h", "/"))).status());
        assertEquals("other", ask("GET", LIST + "/other", null).json().get("key"));
    }

    @Test
    void listsAllEntriesInEveryShapeThatClientsKnow() throws Exception {
        put("shop", shop());
        put("blog", Lab.data("blog", "http://localhost:4000", "/blog"));

        List<?> list = items();
        assertEquals(2, list.size());
        assertEquals("blog", ((Map<?, ?>) list.get(0)).get("key"));
        Map<?, ?> shop = (Map<?, ?>) list.get(1);
        assertEquals("shop", shop.get("key"));
        assertEquals(shop(), shop.get("data"));
        assertTrue(((Map<?, ?>) shop.get("metadata")).containsKey("registeredAt"));

        Map<?, ?> newer = ask("GET", "/collections/backend", null).json();
        assertEquals(list, newer.get("items"));

        Map<?, ?> oldest = ask("GET", "/kv/backends:*", null).json();
        assertEquals(List.of("backends:blog", "backends:shop"), List.copyOf(oldest.keySet()));
        assertEquals(shop(), oldest.get("backends:shop"));
    }

    @Test
    void keepsOneStoreUnderBothNames() throws Exception {
        Lab.Answer answer = ask("PUT", "/collections/backend/shop", Map.of("data", shop()));
        assertEquals("backend", answer.json().get("collection"));
        assertEquals(shop(), ask("GET", LIST + "/shop", null).json().get("data"));
        Map<String, Object> again = Map.of("key", "shop", "data", shop());
        assertEquals(200, ask("POST", "/collections/backend", again).status());
        assertEquals(200, ask("DELETE", "/collections/backend/shop", null).status());
        assertEquals(404, ask("GET", LIST + "/shop", null).status());
    }

    @Test
    void takesAnEntryOut() throws Exception {
        put("shop", shop());
        Lab.Answer answer = ask("DELETE", LIST + "/shop", null);
        assertEquals(200, answer.status());
        assertEquals(true, answer.json().get("success"));
        assertEquals("shop", answer.json().get("key"));
        assertEquals(List.of(), items());
        assertRefused(404, "name", ask("GET", LIST + "/shop", null));
        assertRefused(404, "name", ask("DELETE", LIST + "/shop", null));
    }

    @Test
    void saysWhatItServesWhenAskedForAnythingElse() throws Exception {
        for (String path : List.of("/", "/collections", "/collections/users", LIST + "/a/b", "/kv/x", "/x")) {
            assertRefused(404, LIST, ask("GET", path, null));
        }
    }

    @Test
    void saysWhichMethodsAPathTakes() throws Exception {
        Map<String, String> allowed = Map.of(LIST, "GET, POST", "/collections/backend", "GET, POST",
            LIST + "/shop", "GET, PUT, DELETE", "/kv/backends:*", "GET");
        for (Map.Entry<String, String> path : allowed.entrySet()) {
            for (String method : List.of("PATCH", "OPTIONS", "DELETE", "POST")) {
                if (path.getValue().contains(method)) continue;
                Lab.Answer answer = ask(method, path.getKey(), null);
                assertRefused(405, "Use", answer);
                assertEquals(path.getValue(), answer.header("Allow"));
            }
        }
    }

    // ---- When an entry was written ---------------------------------------------------------------------

    @Test
    void remembersWhenABackendFirstRegisteredAndWhenLast() throws Exception {
        put("shop", shop());
        Map<?, ?> first = metadata("shop");
        assertEquals(first.get("registeredAt"), first.get("lastUpdate"));
        put("shop", shop());
        Map<?, ?> second = metadata("shop");
        assertEquals(first.get("registeredAt"), second.get("registeredAt"));
        assertNotEquals(first.get("lastUpdate"), second.get("lastUpdate"));
        ask("PUT", LIST + "/shop", Map.of("data", with("prefix", "/new"),
            "metadata", Map.of("registeredAt", "1970-01-01T00:00:00Z")));
        assertEquals(first.get("registeredAt"), metadata("shop").get("registeredAt"));
    }

    @Test
    void keepsWhatARegistrarTellsOfItsMachine() throws Exception {
        Map<String, Object> system = Map.of("hostname", "box", "os", "Linux", "publicIP", "203.0.113.7");
        Map<String, Object> body = Map.of("data", shop(), "metadata", Map.of("system", system,
            "registeredAt", "2024-01-01T00:00:00Z", "lastUpdate", "2099-01-01T00:00:00Z"));
        assertEquals(200, ask("PUT", LIST + "/shop", body).status());
        assertEquals(system, metadata("shop").get("system"));
        assertEquals("2024-01-01T00:00:00Z", metadata("shop").get("registeredAt"));
        Instant lastUpdate = Instant.parse(metadata("shop").get("lastUpdate").toString());
        Duration ago = Duration.between(lastUpdate, Instant.now());
        assertTrue(ago.abs().toMinutes() < 1, "not the registry's own time");
    }

    // ---- Wrong entries ---------------------------------------------------------------------------------

    @Test
    void namesTheFieldThatIsWrongAndChangesNothing() throws Exception {
        put("shop", shop());
        String before = ask("GET", LIST, null).body();
        Map<String, List<Object>> wrong = new HashMap<>();
        wrong.put("name", List.of("other", "", 7, "a b", "a/b"));
        wrong.put("url", Arrays.asList(null, "", 7, "localhost:3000", "ftp://h", "http://", "http://u:p@h",
            "http://h?q", "http://h#f", "http://h:0", "http://h:99999", "http://h:x", "http://h/../x",
            "http://h/ x", "http://h\n"));
        wrong.put("prefix", List.of(7, "/a/../b", "/a//b", "/a b", "/a%20b", "/gateway", "/gateway/x", "/a?b",
            "/a\n", "/" + "x".repeat(300)));
        wrong.put("token", List.of(7, "line\nfeed", "nul\0", "ñ", "x".repeat(9000)));
        wrong.put("healthPath", List.of(7, "alive", "/a b", "/a#b", "/a\r\nX: y"));
        wrong.put("weight", List.of(0, -1, 101, "3", 1.5, 3_000_000_000L));
        wrong.put("ttlMs", List.of(-1, 999, "60000", 3_000_000_000L));
        for (String field : wrong.keySet()) {
            for (Object value : wrong.get(field)) {
                Map<String, Object> data = with(field, value);
                assertRefused(400, field, put("shop", data));
                assertRefused(400, field, ask("POST", LIST, Map.of("key", "shop", "data", data)));
            }
        }
        assertEquals(before, ask("GET", LIST, null).body());
    }

    @Test
    void namesThePartOfTheBodyThatIsWrong() throws Exception {
        assertRefused(400, "data", ask("PUT", LIST + "/shop", Map.of()));
        assertRefused(400, "data", ask("PUT", LIST + "/shop", Map.of("data", List.of())));
        assertRefused(400, "data", ask("PUT", LIST + "/shop", shop()));
        assertRefused(400, "metadata", ask("PUT", LIST + "/shop", Map.of("data", shop(), "metadata", "x")));
        assertRefused(400, "key", ask("POST", LIST, Map.of("data", Map.of("url", "http://h"))));
        assertRefused(400, "key", ask("POST", LIST, Map.of("key", 7, "data", shop())));
        assertRefused(400, "name", ask("PUT", LIST + "/a%20b", Map.of("data", Map.of("url", "http://h"))));
        assertRefused(400, "name", ask("PUT", LIST + "/", Map.of("data", shop())));
        assertRefused(400, "character 1", ask("PUT", LIST + "/shop", ""));
        assertRefused(400, "character 9", ask("PUT", LIST + "/shop", "{\"data\":}"));
        assertRefused(400, "object", ask("PUT", LIST + "/shop", "[]"));
        assertEquals(List.of(), items());
    }

    @Test
    void refusesABodyThatIsNotUtf8() throws Exception {
        String json = "{\"data\":{\"url\":\"http://h\",\"token\":\"\",\"prefix\":\"/\",\"note\":\"\u00FF\"}}";
        String answer = Lab.raw(registry.registryPort(), "PUT " + LIST + "/shop HTTP/1.1\r\nHost: h\r\n"
            + "X-API-Key: " + Lab.API_KEY + "\r\nConnection: close\r\nContent-Length: " + json.length()
            + "\r\n\r\n" + json);
        assertTrue(answer.startsWith("HTTP/1.1 400 ") && answer.contains("UTF-8"), answer);
    }

    @Test
    void takesBodiesUpToAMegabyte() throws Exception {
        int rest = GatewayServer.Json.write(Map.of("data", with("note", ""))).length();
        assertEquals(200, put("shop", with("note", "x".repeat((1 << 20) - rest))).status());
        assertRefused(413, "1 MB", put("shop", with("note", "x".repeat((1 << 20) - rest + 1))));
    }

    @Test
    void takesInNoEntryThatWouldMakeTheListUnreadable() throws Exception {
        String data = "{\"data\":{\"url\":\"http://h\",\"token\":\"\",\"prefix\":\"/\",\"note\":%s}}";
        for (int depth = 55; depth < 63; depth++) {        // the list has the note deeper than the body did
            ask("PUT", LIST + "/shop", data.formatted("[".repeat(depth) + "]".repeat(depth)));
            items();
            ask("GET", "/collections/backend", null).json();
        }
        for (String number : List.of("1e999", "12e999", "0.01e-999", "9".repeat(300) + "e999", "-0")) {
            ask("PUT", LIST + "/shop", data.formatted(number));
            items();
        }
    }

    // ---- Changes ---------------------------------------------------------------------------------------

    private String etag() throws Exception {
        return ask("GET", LIST, null).header("ETag");
    }

    @Test
    void saysThatNothingChangedToWhomKnowsTheList() throws Exception {
        put("shop", shop());
        String etag = etag();
        Lab.Answer answer = ask("GET", LIST, null, "If-None-Match", etag);
        assertEquals(304, answer.status());
        assertEquals("", answer.body());
        assertEquals(etag, answer.header("ETag"));
        assertEquals(304, ask("GET", "/collections/backend", null, "If-None-Match", etag).status());
        assertEquals(200, ask("GET", LIST, null, "If-None-Match", "\"another\"").status());
    }

    @Test
    void changesTheVersionWithTheEntriesAndNotWithHeartbeats() throws Exception {
        String empty = etag();
        put("shop", shop());
        String one = etag();
        assertNotEquals(empty, one);
        put("shop", shop());
        assertEquals(one, etag());
        put("shop", with("weight", 2));
        String heavier = etag();
        assertNotEquals(one, heavier);
        ask("DELETE", LIST + "/none", null);
        assertEquals(heavier, etag());
        ask("DELETE", LIST + "/shop", null);
        assertNotEquals(heavier, etag());
    }

    @Test
    void holdsTheAnswerUntilSomethingChanges() throws Exception {
        put("shop", shop());
        CompletableFuture<Lab.Answer> answer = wait(30, etag());
        put("shop", shop());                               // a heartbeat is no change
        put("blog", Lab.data("blog", "http://localhost:4000", "/blog"));
        long changed = System.nanoTime();
        assertEquals(200, answer.get().status());
        assertTrue(answer.get().body().contains("blog"));
        long millis = (System.nanoTime() - changed) / 1_000_000;
        assertTrue(millis < 1000, "it took " + millis + " ms");
        assertEquals(etag(), answer.get().header("ETag"));
    }

    @Test
    void endsTheWaitWhenNothingChanges() throws Exception {
        put("shop", shop());
        long start = System.nanoTime();
        assertEquals(304, wait(1, etag()).get().status());
        assertTrue(System.nanoTime() - start >= 1_000_000_000, "it did not wait");
    }

    @Test
    void waitsForNobodyWhoseListIsOldAndWaitsNoOddTimes() throws Exception {
        put("shop", shop());
        assertEquals(200, wait(30, "\"old\"").get().status());
        assertEquals(200, ask("GET", LIST + "?wait=30", null).status());
        assertRefused(400, "wait", ask("GET", LIST + "?wait=soon", null));
    }

    private CompletableFuture<Lab.Answer> wait(int seconds, String etag) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return ask("GET", LIST + "?wait=" + seconds, null, "If-None-Match", etag);
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
    }

    @Test
    void dropsAnEntryWhoseRegistrarFellSilent() throws Exception {
        put("shop", shop());
        put("brief", withTtl(1000));
        String etag = etag();
        long start = System.nanoTime();
        Lab.until("heartbeats have kept it for longer than its time", () -> {
            put("brief", withTtl(1000));
            assertEquals(2, items().size());
            return System.nanoTime() - start > 1_200_000_000;
        });
        assertEquals(200, wait(30, etag).get().status());  // the end of its time is a change
        assertEquals(1, items().size());
        assertEquals(404, ask("GET", LIST + "/brief", null).status());
    }

    private static Map<String, Object> withTtl(int millis) {
        Map<String, Object> data = Lab.data("brief", "http://localhost:5000", "/brief");
        data.put("ttlMs", millis);
        return data;
    }
}
