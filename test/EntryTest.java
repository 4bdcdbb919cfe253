import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.net.URI;
import java.net.http.HttpRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What a registry takes as a backend. A refusal begins with the name of the field that is wrong. */
class EntryTest {
    private static final Map<String, Object> GOOD =
        Map.of("name", "api-1", "url", "http://10.0.0.1:3000", "token", "the-token", "prefix", "/api");

    /** The good entry with one field of another value, which null takes away. */
    private static GatewayServer.Entry with(String field, Object value) {
        Map<String, Object> data = new HashMap<>(GOOD);
        data.put(field, value);
        String key = field.equals("name") ? String.valueOf(value) : "api-1";
        return GatewayServer.Entry.of(key, data);
    }

    private static List<DynamicTest> accepts(String field, Object... values) {
        return Stream.of(values).map(value -> dynamicTest(title(value), () -> with(field, value))).toList();
    }

    private static List<DynamicTest> refuses(String field, Object... values) {
        return Stream.of(values).map(value -> dynamicTest(title(value), () -> {
            String message = refusal(field, value);
            assertTrue(message.startsWith(field + " "), message);
        })).toList();
    }

    private static String refusal(String field, Object value) {
        return assertThrows(IllegalArgumentException.class, () -> with(field, value)).getMessage();
    }

    /** JSON has quotes round a text, escapes in it, and is never blank. */
    private static String title(Object value) {
        String text = GatewayServer.Json.write(value);
        return text.length() <= 80 ? text : text.substring(0, 60) + "… of " + text.length();
    }

    @TestFactory
    List<DynamicTest> acceptsNames() {
        return accepts("name", "a", "9", "mi-backend", "A.b_c-1", "...", ".a", "x".repeat(64));
    }

    @TestFactory
    List<DynamicTest> refusesNames() {
        return refuses("name", "", " ", "a b", "a/b", "a%2Fb", "a:b", "ñ", "a\n", "a\0", "x".repeat(65), ".",
            "..");
    }

    @TestFactory
    List<DynamicTest> acceptsUrls() {
        return accepts("url", "http://localhost", "https://api.example.com", "http://h:1", "http://h:65535",
            "http://10.0.0.1:3000/", "http://[::1]:3000", "http://[2001:db8::1]/v1", "https://h/base/path",
            "http://my_backend:3000", "http://h/a.b/~c/d-e_f", "http://h/...", "http://h/.well-known/x",
            "http://h/a;b=c,d", "http://h/@me", "http://xn--bcher-kva.example", "http://h.",
            "http://API.example.com", "http://h" + "/a".repeat(1020));
    }

    @TestFactory
    List<DynamicTest> refusesUrls() {
        return refuses("url", null, "", "h:3000", "localhost", "//h", "/path", "ftp://h", "ws://h",
            "file:///etc/passwd", "http:", "http://", "http:///path", "http://:80", "http://h:",
            "http://h:0", "http://h:65536", "http://h:99999", "http://h:123456", "http://h:-1",
            "http://h:80a", "http://user@h", "http://user:pw@h", "http://h?x", "http://h/?x=1",
            "http://h/#top", "http://h#", "http://h/a b", " http://h", "http://h ", "http://h\n",
            "http://h\r\nX: y", "http://h\0", "http://h/a\\b", "http://h\\@evil", "http://ñ.es",
            "http://h/ñ", "http://h/..", "http://h/../x", "http://h/a/../b", "http://h/./a", "http://h/a/.",
            "http://h/%2e%2e", "http://h/a%2Fb", "http://h//", "http://h/a//b", "http://h/a|b",
            "http://h/{id}", "http://[::1", "http://::1", "http://[]", "http://[::g]",
            "http://[fe80::1%25eth0]", "http://h/" + "a".repeat(2048), 5, List.of("http://h"), true);
    }

    /** Such a host would pass every check by eye, and fail at each request. */
    @TestFactory
    List<DynamicTest> refusesHostsThatHttpClientCannotReach() {
        return refuses("url", "https://my_backend:3000", "http://.", "http://..", "http://-", "http://_",
            "http://a..b", "http://-a", "http://a-", "http://1.2.3", "http://1.2.3.4.5", "http://999.1.1.1",
            "http://[....]", "http://[1]", "http://[:::]", "https://my_backend/path");
    }

    @Test
    void saysWhyAnUnderscoreIsTooMuchOverHttps() {
        assertTrue(refusal("url", "https://my_backend").contains("underscore"));
        assertFalse(refusal("url", "https://h/a|b").contains("underscore"), "the path is at fault here");
    }

    @Test
    void whateverIsAcceptedCanBeRequested() {
        String path = "/A-Za-z0-9._~!$&'()*+,;=:@-";
        GatewayServer.Entry entry = with("url", "http://h" + path);
        String health = with("healthPath", path + "?a=b%20c&d=/?").healthPath();
        assertDoesNotThrow(() -> HttpRequest.newBuilder(URI.create(entry.url() + health))
            .header("Authorization", "Bearer " + with("token", " !\"#~").token()).build());
    }

    @TestFactory
    List<DynamicTest> acceptsPrefixes() {
        return accepts("prefix", "/api", "api", "/api/", "/", "/api/v2", "/a.b/c_d/~e", "/.well-known",
            "/...", "/gatewayx", "/api/gateway", "/Gateway", "/" + "x".repeat(255), "/a".repeat(128));
    }

    @TestFactory
    List<DynamicTest> refusesPrefixes() {
        return refuses("prefix", "", "//", "//api", "/api//", "/api//v2", "/.", "/..", "/api/..", "/api/../x",
            "/./api", "..", "/%61pi", "/a%2Fb", "/a b", " /api", "/api ", "/api\n", "/api\0", "/ñ", "/a\\b",
            "/api?x", "/api#x", "/a|b", "/{id}", "http://h/api", "/gateway", "gateway", "/gateway/",
            "/gateway/x", "/" + "x".repeat(256), 5, List.of("/api"));
    }

    @Test
    void normalizesUrlAndPrefix() {
        assertEquals("http://h:80/base", with("url", "http://h:80/base/").url());
        assertEquals("http://h", with("url", "http://h/").url());
        assertEquals("/api/v2", with("prefix", "api/v2/").prefix());
        assertEquals("", with("prefix", "/").prefix());
    }

    @TestFactory
    List<DynamicTest> acceptsTokens() {
        return accepts("token", "", null, "t", "a b", "a=b:c/d+e==", "x".repeat(8192));
    }

    /** No header can carry these. */
    @TestFactory
    List<DynamicTest> refusesTokens() {
        return refuses("token", "a\nb", "a\r\nX: y", "a\0", "a\t", "a\u007f", "a\u0085", "tökén", "€",
            "\ud83d", "x".repeat(8193), 5, List.of("t"));
    }

    @Test
    void neverShowsAToken() {
        GatewayServer.Entry entry = with("token", "sesame");
        assertEquals("api-1 at http://10.0.0.1:3000 for /api", entry.toString());
        assertFalse(refusal("token", "sesame\n").contains("sesame"));
        for (String field : List.of("url", "prefix", "healthPath")) {
            assertFalse(refusal(field, "sesame\n").contains("sesame"),
                "people paste things into the wrong field");
        }
    }

    @TestFactory
    List<DynamicTest> acceptsHealthPaths() {
        return accepts("healthPath", "", null, "/", "/health", "/health?full=1&x=%2F", "/a/./b",
            "/" + "x".repeat(1023));
    }

    @TestFactory
    List<DynamicTest> refusesHealthPaths() {
        return refuses("healthPath", "health", "?x", "/a b", "/a#b", "/a\n", "/a\0", "/ñ", "/a\\b", "/a|b",
            "/a\"b", "/<a>", "/{a}", "/a^b", "/a`b", "/%", "/%2", "/%zz", "http://evil/", "@evil/", ".evil",
            "/" + "x".repeat(1024), 5);
    }

    @TestFactory
    List<DynamicTest> acceptsWeights() {
        return accepts("weight", 1L, 2L, 100L, null);
    }

    @TestFactory
    List<DynamicTest> refusesWeights() {
        return refuses("weight", parsed("0", "-1", "101", "1.5", "1e1", "4294967297", "9223372036854775807",
            "1e999", "\"3\"", "true", "[]"));
    }

    @TestFactory
    List<DynamicTest> acceptsTtls() {
        return accepts("ttlMs", 0L, 1000L, 900_000L, (long) Integer.MAX_VALUE, null);
    }

    @TestFactory
    List<DynamicTest> refusesTtls() {
        return refuses("ttlMs", parsed("-1", "1", "999", "1000.5", "2147483648", "1e99", "\"5000\"", "false",
            "{}"));
    }

    private static Object[] parsed(String... values) {
        return Stream.of(values).map(GatewayServer.Json::parse).toArray();
    }

    @Test
    void takesTheNameFromTheKeyWhereTheDataHasNone() {
        assertEquals("api-1", GatewayServer.Entry.of("api-1", Map.of("url", "http://h", "prefix",
            "/api")).name());
    }

    @Test
    void refusesANameOtherThanTheKey() {
        for (Object name : List.of("api-2", "API-1", "", 5L)) {
            Map<String, Object> data = new HashMap<>(GOOD);
            data.put("name", name);
            String message = assertThrows(IllegalArgumentException.class,
                () -> GatewayServer.Entry.of("api-1", data)).getMessage();
            assertTrue(message.startsWith("name "), message);
        }
    }

    @Test
    void isWrittenAsItIsRead() {
        List<GatewayServer.Entry> entries = new ArrayList<>();
        entries.add(new GatewayServer.Entry("a", "http://h/", "", "/", "", 1, 0));
        entries.add(new GatewayServer.Entry("b", "http://h/v1/", "t", "api/", "/up", 7, 5000));
        for (GatewayServer.Entry entry : entries) {
            Object data = GatewayServer.Json.parse(GatewayServer.Json.write(entry.data()));
            assertEquals(entry, GatewayServer.Entry.of(entry.name(), (Map<?, ?>) data));
        }
    }

    @Test
    void writesWhatTheOldestClientsReadAndNoMoreThanWasSet() {
        assertEquals(Map.of("name", "a", "url", "http://h", "token", "t", "prefix", "/"),
            new GatewayServer.Entry("a", "http://h", "t", "", "", 1, 0).data());
    }

    @Test
    void ignoresFieldsThatItDoesNotKnow() {
        assertEquals(with("token", "the-token"), with("comment", "hello"));
    }
}
