import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Headers that are meant for one connection (RFC 9110 section 7.6.1) do not cross the gateway, either way.
 */
class HopByHopHeadersTest extends OnTheWire {

    @ParameterizedTest
    @ValueSource(strings = {"Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic eDp5",
        "Proxy-Authenticate: Basic", "TE: trailers", "TE: gzip", "Trailer: X-Sum", "Upgrade: h2c",
            "HTTP2-Settings: AAMAAABk",
        "Connection: x-nothing", "Proxy-Foo: bar"})
    void keepsARequestsHeaderToItself(String line) throws Exception {
        assertEquals(200, get("/api/x", line + "\r\n").status());
        assertNull(forwarded().header(line.substring(0, line.indexOf(':'))));
    }

    @Test
    void keepsWhatConnectionNamesToItself() throws Exception {
        get("/api/x", "Connection: X-Secret-Hop,  x-other ,,\r\n", "connection: X-THIRD\r\n",
            "X-Secret-Hop: 1\r\n",
            "X-Other: 2\r\n", "x-third: 3\r\n", "X-Fourth: 4\r\n");
        assertNull(forwarded().header("X-Secret-Hop"));
        assertNull(forwarded().header("X-Other"));
        assertNull(forwarded().header("X-Third"));
        assertEquals("4", forwarded().header("X-Fourth"));
    }

    @Test
    void letsConnectionTakeAwayNothingThatTheGatewaySets() throws Exception {
        get("/api/x",
            "Connection: close, Host, Authorization, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, "
            + "X-Forwarded-Prefix, X-Request-Id, Content-Length, User-Agent\r\n");
        assertEquals("Bearer " + Lab.TOKEN, forwarded().header("Authorization"));
        assertEquals("127.0.0.1", forwarded().header("X-Forwarded-For"));
        assertEquals("gateway.test", forwarded().header("X-Forwarded-Host"));
        assertEquals("http", forwarded().header("X-Forwarded-Proto"));
        assertEquals("/api", forwarded().header("X-Forwarded-Prefix"));
        assertEquals(backend.url().substring(7), forwarded().header("Host"));
        assertEquals(true, forwarded().header("X-Request-Id") != null);
    }

    @Test
    void cannotBeToldToDropTheBodyOfARequest() throws Exception {
        assertEquals(200, ask("POST /api/x HTTP/1.1\r\n" + HOST
            + "Connection: Content-Length\r\nContent-Length: 3\r\n\r\nabc")
            .status());
        assertEquals("abc", forwarded().body());
    }

    @ParameterizedTest
    @ValueSource(strings = {"Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
        "Proxy-Authenticate: Basic",
        "TE: trailers", "Trailer: X-Sum", "Upgrade: h2c", "Connection: x-nothing", "Alt-Svc: h2=\":443\""})
    void keepsAnAnswersHeaderToItself(String line) throws Exception {
        backend.answers("HTTP/1.1 200 OK\r\n" + line + "\r\nX-Other: 1\r\nContent-Length: 2\r\n\r\nok");
        Wire.Message answer = get("/api/x");
        assertNull(answer.header(line.substring(0, line.indexOf(':'))));
        assertEquals("1", answer.header("X-Other"));
        assertEquals("ok", answer.body());
    }

    @Test
    void keepsWhatAnAnswersConnectionNamesToItself() throws Exception {
        backend.answers("HTTP/1.1 200 OK\r\nConnection: x-hop, X-Backend-Name\r\nX-Hop: 1\r\nX-Stays: 2\r\n"
            + "Content-Length: 2\r\n\r\nok");
        Wire.Message answer = get("/api/x");
        assertNull(answer.header("X-Hop"));
        assertEquals("2", answer.header("X-Stays"));
        assertEquals("raw", answer.header("X-Backend-Name"));
    }

    @Test
    void doesNotCloseAClientsConnectionBecauseABackendClosesItsOwn() throws Exception {
        backend.answers("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        try (WireClient client = connect()) {
            for (int i = 0; i < 3; i++) {
                Wire.Message answer = client.ask("GET /api/x HTTP/1.1\r\n" + HOST + "\r\n");
                assertEquals("ok", answer.body());
                assertNull(answer.header("Connection"));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"close", "Close", "foo, close", "keep-alive, CLOSE"})
    void closesWhenTheClientSaysSoInAnyOfItsWays(String value) throws Exception {
        try (WireClient client = connect()) {
            Wire.Message answer = client.ask("GET /api/x HTTP/1.1\r\n" + HOST + "Connection: " + value
                + "\r\n\r\n");
            assertEquals("close", answer.header("Connection"));
            assertEquals(true, client.isClosed());
        }
        assertEquals(List.of(), forwarded().all("Connection"));
    }

    @Test
    void refusesWebSocketInWords() throws Exception {
        Wire.Message answer = get("/api/x", "Connection: Upgrade\r\n", "Upgrade: websocket\r\n",
            "Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Key: x\r\n");
        assertEquals(501, answer.status());
        assertEquals("upgrade-refused", answer.gatewayError());
        assertNothingForwarded();
    }
}
