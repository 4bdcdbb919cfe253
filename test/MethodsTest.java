import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the gateway makes of a request's method: mostly nothing. */
class MethodsTest extends OnTheWire {

    private static String request(String method, String body) {
        return method + " /api/x HTTP/1.1\r\n" + HOST
            + (body == null ? "" : "Content-Length: " + body.length() + "\r\n") + "\r\n" + (body == null ? ""
                : body);
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY",
        "M-SEARCH", "get",
        "A!#$%&'*+.^_`|~9"})
    void passesAnyMethodOnAsItIs(String method) throws Exception {
        Wire.Message answer = ask(request(method, null));
        assertEquals(200, answer.status(), answer.body());
        assertEquals(method, forwarded().method());
        assertNull(forwarded().header("Content-Length"), "a length that the client did not send");
        assertNull(forwarded().header("Transfer-Encoding"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"})
    void passesABodyOnWithAnyMethod(String method) throws Exception {
        assertEquals(200, ask(request(method, "a body")).status());
        assertEquals(method, forwarded().method());
        assertEquals("a body", forwarded().body());
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "POST", "PUT", "DELETE"})
    void passesAnEmptyBodyOnAsOne(String method) throws Exception {
        assertEquals(200, ask(request(method, "")).status());
        assertEquals("0", forwarded().header("Content-Length"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"TRACE", "CONNECT"})
    void refusesMethodsThatAreForTheConnectionOrTellTheToken(String method) throws Exception {
        Wire.Message answer = ask(request(method, null));
        assertEquals(405, answer.status());
        assertEquals("method-refused", answer.gatewayError());
        assertTrue(answer.header("Allow").contains("GET") && !answer.header("Allow").contains(method));
        assertFalse(answer.body().contains(Lab.TOKEN));
        assertNothingForwarded();
    }

    @ParameterizedTest
    @ValueSource(strings = {"CONNECT gateway.test:443 HTTP/1.1", "CONNECT /api/x:443 HTTP/1.1",
        "OPTIONS * HTTP/1.1"})
    void passesNothingOnThatNamesNoPath(String line) throws Exception {
        String answer = Lab.raw(gateway.port(), line + "\r\n" + HOST + "Connection: close\r\n\r\n");
        // HttpServer has no place for such a target, and closes or answers 404 by itself.
        assertTrue(answer.isEmpty() || answer.matches("(?s)HTTP/1.1 40[045] .*"), answer);
        assertNothingForwarded();
    }

    @ParameterizedTest
    @ValueSource(strings = {"G@T", "G\"T", "GET,", "G(T)", "G\u00e9T", "\u0000GET", "G\tT", "{}", "G/T",
        "G:T"})
    void refusesAMethodThatIsNoWord(String method) throws Exception {
        Wire.Message answer = ask(request(method, null));
        assertEquals(400, answer.status(), "it is the client's fault and not the backend's");
        assertNothingForwarded();
    }

    @Test
    void leavesTheAnswerToHeadWithoutABodyAndWithItsLength() throws Exception {
        backend.answers("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nETag: \"x\"\r\n\r\n");
        try (WireClient client = connect()) {
            for (int i = 0; i < 2; i++) {
                Wire.Message answer = client.ask(request("HEAD", null));
                assertEquals("5000", answer.header("Content-Length"));
                assertEquals("\"x\"", answer.header("ETag"));
            }
        }
    }

    @Test
    void inventsNoLengthForAnAnswerToHead() throws Exception {
        backend.answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        assertNull(ask(request("HEAD", null)).header("Content-Length"),
            "the body of a GET would not have 0 bytes");
    }

    @Test
    void answersHeadItselfAsItAnswersGet() throws Exception {
        Wire.Message head = ask("HEAD /nowhere HTTP/1.1\r\n" + HOST + "\r\n");
        assertEquals(404, head.status());
        assertEquals("no-route", head.gatewayError());
        assertTrue(Integer.parseInt(head.header("Content-Length")) > 0);
    }
}
