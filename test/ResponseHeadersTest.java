import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client is told about an answer, and by whom. */
class ResponseHeadersTest extends OnTheWire {

    private Wire.Message answerWith(String... lines) throws Exception {
        backend.answers("HTTP/1.1 200 OK\r\n" + String.join("", lines) + "Content-Length: 2\r\n\r\nok");
        return get("/api/x");
    }

    @Test
    void keepsSeveralCookiesInTheirOrder() throws Exception {
        Wire.Message answer = answerWith("Set-Cookie: z=1; Path=/\r\n", "Set-Cookie: a=2, b\r\n",
            "set-cookie: m=3\r\n",
            "X-Between: 1\r\n", "Set-Cookie: a=4\r\n");
        assertEquals(List.of("z=1; Path=/", "a=2, b", "m=3", "a=4"), answer.all("Set-Cookie"));
    }

    @Test
    void keepsSeveralLinesOfAnyHeaderApart() throws Exception {
        Wire.Message answer = answerWith("WWW-Authenticate: Basic realm=\"a, b\"\r\n", "Vary: A\r\n",
            "WWW-Authenticate: Bearer\r\n", "Vary: B\r\n");
        assertEquals(List.of("Basic realm=\"a, b\"", "Bearer"), answer.all("WWW-Authenticate"));
        assertEquals(List.of("A", "B"), answer.all("Vary"));
    }

    @Test
    void keepsObsText() throws Exception {
        String all = "\u0080\u00a0\u00c3\u00a9\u00ff";
        assertEquals("a" + all + "z", answerWith("X-Name: a" + all + "z\r\n").header("X-Name"));
    }

    @Test
    void keepsEverythingElseOfAnAnswer() throws Exception {
        Wire.Message answer = answerWith("Content-Type: text/plain; charset=utf-8\r\n", "ETag: W/\"a\"\r\n",
            "Content-Encoding: gzip\r\n", "Cache-Control: no-cache\r\n", "X-Empty:\r\n", "Server: mine/1\r\n",
            "Last-Modified: x\r\n", "Accept-Ranges: bytes\r\n",
                "Content-Disposition: attachment; filename=\"a b\"\r\n");
        assertEquals("text/plain; charset=utf-8", answer.header("Content-Type"));
        assertEquals("W/\"a\"", answer.header("ETag"));
        assertEquals("gzip", answer.header("Content-Encoding"));
        assertEquals("no-cache", answer.header("Cache-Control"));
        assertEquals("", answer.header("X-Empty"));
        assertEquals("x", answer.header("Last-Modified"));
        assertEquals("bytes", answer.header("Accept-Ranges"));
        assertEquals("attachment; filename=\"a b\"", answer.header("Content-Disposition"));
        assertEquals("mine/1", answer.header("Server"));
    }

    @Test
    void datesAnAnswerOnceAndNamesNoServerOfItsOwn() throws Exception {
        Wire.Message answer = answerWith("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
        // HttpServer always writes its own Date in place of another (README says so).
        assertNotEquals(null, answer.header("Date"));
        assertNull(answer.header("Server"));
    }

    @Test
    void namesItself() throws Exception {
        Wire.Message answer = answerWith("X-Backend-Name: another\r\n", "X-Proxied-By: another\r\n",
            "X-Request-Id: forged\r\n");
        assertEquals("raw", answer.header("X-Backend-Name"));
        assertEquals("gateway-server", answer.header("X-Proxied-By"));
        assertEquals(forwarded().header("X-Request-Id"), answer.header("X-Request-Id"));
    }

    @Test
    void doesNotLetABackendSpeakForTheGateway() throws Exception {
        assertNull(answerWith("X-Gateway-Error: no-route\r\n").gatewayError());
    }

    @ParameterizedTest
    @ValueSource(strings = {"\u0000", "a\u0000b", "a\u0001", "a\u007fb", "a\u000bb"})
    void letsNoControlCharacterThrough(String value) throws Exception {
        Wire.Message answer = answerWith("X-Name: " + value + "\r\n");
        String got = answer.header("X-Name");
        assertTrue(got == null ? "bad-answer".equals(answer.gatewayError())
            : got.chars().noneMatch(c -> c < ' ' || c == 127),
            answer.head());
    }

    @ParameterizedTest
    @ValueSource(strings = {"a\rb", "a\r\r\n b", "a\r\n b", "a\nb", "a\r\rHTTP/1.1 200 OK\r\r"})
    void writesOneSoundAnswerWhateverEndsTheLinesOfABackend(String value) throws Exception {
        // HttpClient takes a CR by itself for the end of a line (README says so): reading is to the letter
        // here.
        Wire.Message answer = answerWith("X-Name: " + value + "\r\n");
        assertTrue(answer.status() == 200 || "bad-answer".equals(answer.gatewayError()), answer.head());
    }

    @ParameterizedTest
    @ValueSource(strings = {"X Y: 1", ": 1", "X\u00e9: 1", "no colon at all", "X-Name : 1"})
    void passesNoHeaderOnThatIsNone(String line) throws Exception {
        Wire.Message answer = answerWith(line + "\r\n");
        assertTrue(answer.status() == 502 || answer.body().equals("ok"));
        assertFalse(answer.head().lines().anyMatch(line::equals), answer.head());
    }

    @Test
    void tellsNobodyTheTokenOrTheAddressOfABackend() throws Exception {
        backend.answers("nonsense\r\n\r\n");
        Wire.Message answer = get("/api/x");
        assertEquals(502, answer.status());
        String all = answer.head() + answer.body();
        assertFalse(all.contains(Lab.TOKEN) || all.contains(backend.url().substring(7)), all);
    }
}
