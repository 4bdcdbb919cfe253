import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a backend is told about a request, and by whom. */
class RequestHeadersTest extends OnTheWire {

    @Test
    void passesOrdinaryHeadersOn() throws Exception {
        get("/api/x", "Cookie: a=1; b=2\r\n", "Accept: */*\r\n", "traceparent: 00-1-2-01\r\n", "X-Empty:\r\n",
            "User-Agent: me/1\r\n", "X-Several: 1\r\n", "X-Several: 2\r\n", "If-None-Match: \"e\"\r\n",
            "Accept-Encoding: gzip, br\r\n", "Range: bytes=0-1\r\n", "Via: 1.0 elsewhere\r\n");
        Wire.Message got = forwarded();
        assertEquals("a=1; b=2", got.header("Cookie"));
        assertEquals("*/*", got.header("Accept"));
        assertEquals("00-1-2-01", got.header("traceparent"));
        assertEquals("", got.header("X-Empty"));
        assertEquals("me/1", got.header("User-Agent"));
        assertEquals(List.of("1", "2"), got.all("X-Several"));
        assertEquals("\"e\"", got.header("If-None-Match"));
        assertEquals("gzip, br", got.header("Accept-Encoding"));
        assertEquals("bytes=0-1", got.header("Range"));
    }

    @Test
    void addsNothingThatAClientDidNotSendButItsOwn() throws Exception {
        get("/api/x");
        List<String> names = forwarded().fields().stream().map(f -> f.name().toLowerCase()).sorted().toList();
        assertEquals(List.of("authorization", "host", "user-agent", "x-forwarded-for", "x-forwarded-host",
            "x-forwarded-prefix", "x-forwarded-proto", "x-request-id"), names);
    }

    @Test
    void joinsSeveralCookieLinesIntoOne() throws Exception {
        get("/api/x", "Cookie: a=1\r\n", "Cookie: b=2\r\n");
        assertEquals("a=1; b=2", String.join("; ", forwarded()
            .all("Cookie")));   // RFC 6265 section 5.4: one line
    }

    @Test
    void replacesTheClientsAuthorizationByTheBackendsToken() throws Exception {
        get("/api/x", "Authorization: Basic eDp5\r\n", "authorization: Bearer mine\r\n");
        assertEquals(List.of("Bearer " + Lab.TOKEN), forwarded().all("Authorization"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix",
        "X-Forwarded-Port",
        "X-Forwarded-Server", "X-Forwarded-Ssl", "X-Forwarded-Scheme", "X-Forwarded-User",
            "X-Forwarded-Client-Cert",
        "X-Forwarded", "Forwarded", "X-Real-IP", "X_Forwarded_For", "X-Forwarded_For", "x_real_ip",
            "X_FORWARDED_HOST",
        "Content_Length", "Transfer_Encoding", "X_Request_Id", "authorization", "Authorization_", "host_"})
    void doesNotBelieveAStrangersWordAboutWhereItComesFrom(String name) throws Exception {
        boolean harmless = name.endsWith("_");
        assertEquals(200, get("/api/x", name + ": 6.6.6.6\r\n").status());
        assertEquals(harmless, forwarded().head().contains("6.6.6.6"), forwarded().head());
    }

    @Test
    void tellsWhereARequestComesFrom() throws Exception {
        get("/api/deep/x", "X-Forwarded-For: 6.6.6.6\r\n");
        assertEquals("127.0.0.1", forwarded().header("X-Forwarded-For"));
        assertEquals("gateway.test", forwarded().header("X-Forwarded-Host"));
        assertEquals("http", forwarded().header("X-Forwarded-Proto"));
        assertEquals("/api", forwarded().header("X-Forwarded-Prefix"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"caf\u00e9", "\u00c3\u00a9", "\u0080", "\u00ff", "\u007f", "a\u0001b"})
    void refusesHeaderValuesThatItCannotPassOnAsTheyAre(String value) throws Exception {
        // HttpClient writes US-ASCII only: it would put a question mark in place of each of these.
        Wire.Message answer = get("/api/x", "X-Name: " + value + "\r\n");
        assertEquals(400, answer.status());
        assertNothingForwarded();
    }

    @Test
    void mindsSuchCharactersOnlyWhereTheyWouldBePassedOn() throws Exception {
        // The client's own credentials stop here, and so may be of any kind.
        assertEquals(200, get("/api/x", "Authorization: Basic caf\u00e9\r\n",
            "X-Real-IP: \u00e9\r\n").status());
        assertFalse(forwarded().head().contains("?"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"X Y", "X@Y", "X(Y)", "\u00e9", "X/Y", "X\"Y", "X=Y", "X[Y]", "X;Y", "\u007f"})
    void refusesAHeaderNameThatIsNone(String name) throws Exception {
        Wire.Message answer = get("/api/x", name + ": 1\r\n");
        assertEquals(400, answer.status(), "it is the client's fault and not the backend's");
        assertNothingForwarded();
    }

    @ParameterizedTest
    @ValueSource(strings = {"a b", "a,b", "a/b", "a@b", "a:b", "a:99999999", "\u00e9", "[::1", "a\"", "<a>"})
    void refusesAHostThatIsNone(String host) throws Exception {
        assertEquals(400, ask("GET /api/x HTTP/1.1\r\nHost: " + host + "\r\n\r\n").status());
        assertNothingForwarded();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Host: a\r\nHost: a\r\n", "Host: a\r\nHost: b\r\n"})
    void wantsExactlyOneHost(String lines) throws Exception {
        assertEquals(400, ask("GET /api/x HTTP/1.1\r\n" + lines + "\r\n").status());
        assertNothingForwarded();
    }

    @ParameterizedTest
    @ValueSource(strings = {"abc", "A-Z.0_9", "0123456789abcdef0123456789abcdef"})
    void keepsASoundRequestIdThroughout(String id) throws Exception {
        Wire.Message answer = get("/api/x", "X-Request-Id: " + id + "\r\n");
        assertEquals(id, answer.header("X-Request-Id"));
        assertEquals(id, forwarded().header("X-Request-Id"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a\tb", "a\"b", "{x}", "a,b", "a%0ab", "a\\nb"})
    void givesARequestItsOwnIdWhereTheGivenOneCouldForgeALogLine(String id) throws Exception {
        Wire.Message answer = get("/api/x", "X-Request-Id: " + id + "\r\n");
        assertTrue(answer.header("X-Request-Id").matches("[A-Za-z0-9._-]{1,64}"));
        assertEquals(answer.header("X-Request-Id"), forwarded().header("X-Request-Id"));
        assertFalse(id.equals(answer.header("X-Request-Id")));
    }

    @Test
    void givesARequestItsOwnIdWhereTheGivenOneIsTooLong() throws Exception {
        assertTrue(get("/api/x", "X-Request-Id: " + "a".repeat(65) + "\r\n").header("X-Request-Id")
            .length() < 65);
    }

    @Test
    void leavesOutForwardedHostWhereAnOldClientNamesNone() throws Exception {
        assertEquals(200, ask("GET /api/x HTTP/1.0\r\n\r\n").status());
        assertNull(forwarded().header("X-Forwarded-Host"));
    }
}
