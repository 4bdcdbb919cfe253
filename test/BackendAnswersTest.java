import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a client gets where a backend's answer is odd, broken or no HTTP at all, and that the next one is
 * well.
 */
class BackendAnswersTest extends OnTheWire {
    private static final String OK = "HTTP/1.1 200 OK\r\n";

    @Override
    String[] options() {
        return new String[] {"--upstream-timeout-ms=1500", "--health-failures=1000"};
    }

    /** That neither connection was harmed by what went before. */
    private void assertTheNextIsWell() throws Exception {
        for (int i = 0; i < 2; i++) {
            backend.forget();
            assertEquals("ok", get("/api/next").body());
            assertEquals("/next", forwarded().target());
        }
    }

    static Stream<Arguments> answersThatAreNone() {
        return Stream.of(
            arguments("a length and a coding", OK
                + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            arguments("two lengths", OK + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
            arguments("the same length twice", OK + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok"),
            arguments("a list of lengths", OK + "Content-Length: 2, 2\r\n\r\nok"),
            arguments("a negative length", OK + "Content-Length: -1\r\n\r\nok"),
            arguments("a length with a sign", OK + "Content-Length: +2\r\n\r\nok"),
            arguments("a length that is none", OK + "Content-Length: two\r\n\r\nok"),
            arguments("an empty length", OK + "Content-Length:\r\n\r\nok"),
            arguments("a length over 2^64", OK + "Content-Length: 18446744073709551618\r\n\r\nok"),
            arguments("coding gzip, chunked", OK + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
            arguments("coding identity", OK + "Transfer-Encoding: identity\r\n\r\nok"),
            arguments("chunked twice", OK
                + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            arguments("101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
            arguments("204 with a body", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"),
            arguments("204 with a coding",
                "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            arguments("status 000", "HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n"),
            arguments("status 42", "HTTP/1.1 42 Low\r\nContent-Length: 0\r\n\r\n"),
            arguments("status 042", "HTTP/1.1 042 Low\r\nContent-Length: 0\r\n\r\n"),
            arguments("status -20", "HTTP/1.1 -20 Low\r\nContent-Length: 0\r\n\r\n"),
            arguments("status +20", "HTTP/1.1 +20 Low\r\nContent-Length: 0\r\n\r\n"),
            arguments("status abc", "HTTP/1.1 abc Word\r\nContent-Length: 0\r\n\r\n"),
            arguments("status of Arabic digits",
                "HTTP/1.1 \u0662\u0660\u0660 x\r\nContent-Length: 0\r\n\r\n"),
            arguments("HTTP/2", "HTTP/2 200\r\ncontent-length: 0\r\n\r\n"),
            arguments("HTTP/0.9", "<html>hello</html>\r\n"),
            arguments("another protocol", "SSH-2.0-OpenSSH_9.6\r\n\r\n"),
            arguments("an empty line", "\r\n\r\n\r\n"),
            arguments("a TLS alert", "\u0015\u0003\u0003\u0000\u0002\u0002\u0028\r\n\r\n"),
            arguments("NULs", "\u0000".repeat(64) + "\r\n\r\n"),
            arguments("1 MB of one header", OK + "X-Large: " + "a".repeat(1 << 20)
                + "\r\nContent-Length: 2\r\n\r\nok"),
            arguments("1 MB of headers", OK + "X-Some: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(25_000)
                + "Content-Length: 2\r\n\r\nok"),
            arguments("100 nine times", "HTTP/1.1 100 Continue\r\n\r\n".repeat(9) + OK
                + "Content-Length: 2\r\n\r\nok"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("answersThatAreNone")
    void sayThatTheBackendIsAtFaultAndAskItOnlyOnce(String what, String bytes) throws Exception {
        backend.answers((request, socket) -> {
            Lab.write(socket, bytes);
            socket.shutdownOutput();
            socket.getInputStream().read();
        });
        Wire.Message answer = get("/api/x");
        assertEquals("502 bad-answer", answer.status() + " " + answer.gatewayError(), answer.body());
        assertEquals("Backend error", ((java.util.Map<?, ?>) GatewayServer.Json.parse(answer.body()))
            .get("error"));
        assertEquals("/x", forwarded().target());
        assertTheNextIsWell();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "H", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"})
    void sayThatABackendClosedWithoutAWholeHead(String bytes) throws Exception {
        backend.answers((request, socket) -> {
            Lab.write(socket, bytes);
            socket.close();
        });
        Wire.Message answer = ask("POST /api/x HTTP/1.1\r\n" + HOST + "Content-Length: 1\r\n\r\nx");
        assertEquals(502, answer.status());
        assertTrue(java.util.Set.of("backend-closed", "bad-answer").contains(answer.gatewayError()));
        forwarded();                                       // once: it may have arrived
        assertTheNextIsWell();
    }

    @Test
    void sayThatABackendResetTheConnection() throws Exception {
        backend.answers((request, socket) -> {
            socket.setSoLinger(true, 0);
            socket.close();
        });
        Wire.Message answer = ask("POST /api/x HTTP/1.1\r\n" + HOST + "Content-Length: 1\r\n\r\nx");
        assertEquals("502 backend-closed", answer.status() + " " + answer.gatewayError());
        forwarded();
        assertTheNextIsWell();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "HTTP/1.1 100 Continue\r\n\r\n"})
    void sayThatABackendIsTooSlow(String bytes) throws Exception {
        backend.answers((request, socket) -> {
            Lab.write(socket, bytes);
            socket.getInputStream().read();                // until the gateway gives up
        });
        Wire.Message answer = get("/api/x");
        assertEquals("504 upstream-timeout", answer.status() + " " + answer.gatewayError());
        forwarded();
        assertTheNextIsWell();
    }

    @Test
    void losesNoConnectionForGoodToAnswersThatAreNone() throws Exception {
        // HttpClient by itself would never close one whose answer it cannot read.
        backend.answers((request, socket) -> {
            Lab.write(socket, "nonsense\r\n\r\n");
            socket.getInputStream().read();                // until the gateway closes
        });
        for (int i = 0; i < 500; i++) assertEquals(502, get("/api/x").status());
        Lab.until("most are closed", () -> backend.open.get() < 250);
        assertTheNextIsWell();
    }

    static Stream<Arguments> bodiesThatBreakOff() {
        String chunked = OK + "Transfer-Encoding: chunked\r\n\r\n";
        return Stream.of(
            arguments("a length that does not come", OK + "Content-Length: 10\r\n\r\nhello"),
            arguments("a length of which nothing comes", OK + "Content-Length: 10\r\n\r\n"),
            arguments("chunks without an end", chunked + "5\r\nhello\r\n"),
            arguments("half a chunk", chunked + "a\r\nhello"),
            arguments("an end without its line", chunked + "5\r\nhello\r\n0\r\n"),
            arguments("a bad chunk size", chunked + "5\r\nhello\r\nzz\r\nhello\r\n0\r\n\r\n"),
            arguments("a chunk size of 2^31", chunked + "5\r\nhello\r\n80000000\r\nhello\r\n0\r\n\r\n"),
            arguments("a chunk size of 2^32 - 2", chunked + "5\r\nhello\r\nfffffffe\r\nhello\r\n"),
            arguments("a chunk size of 2^32 - 1", chunked + "5\r\nhello\r\nffffffff\r\nhello\r\n"),
            arguments("a negative chunk size", chunked + "5\r\nhello\r\n-5\r\nhello\r\n0\r\n\r\n"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("bodiesThatBreakOff")
    void breaksOffWhereTheBackendDoes(String what, String bytes) throws Exception {
        backend.answers((request, socket) -> {
            Lab.write(socket, bytes);
            socket.close();
        });
        try (WireClient client = connect()) {
            client.send("GET /api/x HTTP/1.1\r\n" + HOST + "\r\n");
            // Either in the middle of the answer, or, with nothing of it out yet, by saying so.
            try {
                assertEquals(502, client.answer().status());
            } catch (Wire.BrokenOff | java.net.SocketException brokenOff) {
                assertTrue(client.isClosed());
            }
        }
        assertTheNextIsWell();
    }

    @Test
    void letsWhatCameBeforeTheBreakThrough() throws Exception {
        backend.answers((request, socket) -> {
            Lab.write(socket, OK + "Content-Length: 10\r\n\r\nhello");
            socket.close();
        });
        try (WireClient client = connect()) {
            client.send("GET /api/x HTTP/1.1\r\n" + HOST + "\r\n");
            Wire.BrokenOff broken = assertThrows(Wire.BrokenOff.class, client::answer);
            assertTrue(broken.soFar.endsWith("\r\n\r\nhello"), broken.soFar);
        }
    }

    @ParameterizedTest
    @CsvSource({"HTTP/1.1 200 OK, 200", "HTTP/1.1 200, 200", "HTTP/1.1 200 , 200",
        "HTTP/1.1 200 Caf\u00e9, 200",
        "HTTP/1.0 200 OK, 200", "HTTP/1.1 418 I'm a teapot, 418", "HTTP/1.1 429 Too Many Requests, 429",
        "HTTP/1.1 599 x, 599", "HTTP/1.1 999 Request denied, 999", "HTTP/1.1 302 Found, 302",
            "HTTP/1.1 206 Partial, 206"})
    void passesAnyStatusOn(String line, int status) throws Exception {
        backend.answers(line + "\r\nContent-Length: 2\r\n\r\nok");
        Wire.Message answer = get("/api/x");
        assertEquals(status, answer.status());
        assertEquals("ok", answer.body());
        assertNull(answer.gatewayError());
    }

    @Test
    void readsUntilTheEndWhereAnAnswerHasNoLength() throws Exception {
        for (String version : new String[] {"HTTP/1.1", "HTTP/1.0"}) {
            backend.answers((request, socket) -> {
                Lab.write(socket, version + " 200 OK\r\n\r\nhello");
                socket.close();
            });
            assertEquals("hello", get("/api/x").body());
        }
        assertTheNextIsWell();
    }

    @ParameterizedTest
    @ValueSource(strings = {"HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
        "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 205 Reset Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5000\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"})
    void passesAnAnswerWithoutABodyOnAtOnce(String bytes) throws Exception {
        backend.answers(bytes);
        try (WireClient client = connect()) {
            for (int i = 0; i < 2; i++) {
                Wire.Message answer = client.ask("GET /api/x HTTP/1.1\r\n" + HOST + "\r\n");
                assertEquals(bytes.substring(9, 12), "" + answer.status());
                assertEquals("", answer.body());
                if (bytes.contains("5000")) assertEquals("5000", answer.header("Content-Length"));
                if (bytes.contains("ETag")) assertEquals("\"a\"", answer.header("ETag"));
            }
        }
        assertTheNextIsWell();
    }

    @Test
    void inventsNoLengthForAnAnswerOf304() throws Exception {
        backend.answers("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n");
        assertNull(get("/api/x").header("Content-Length"), "the body of a 200 would not have 0 bytes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 102 Processing\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"})
    void waitsForTheFinalAnswerAfterOthers(String interim) throws Exception {
        backend.answers(interim + interim + WireBackend.OK);
        Wire.Message answer = get("/api/x");
        assertEquals("ok", answer.body());
        assertNull(answer.header("Link"));
        assertTheNextIsWell();
    }

    @ParameterizedTest
    @ValueSource(strings = {"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\nX: y\r\n\r\nok"})
    void framesAnAnswerOfBareLfAnewOrRefusesIt(String bytes) throws Exception {
        backend.answers(bytes);
        Wire.Message answer = get("/api/x");
        assertTrue(answer.body().equals("ok") || "bad-answer".equals(answer.gatewayError()), answer.head());
        assertTheNextIsWell();
    }

    static Stream<Arguments> answersThatAreTooLong() {
        String hidden = OK + "Content-Length: 6\r\n\r\nhidden";
        return Stream.of(
            arguments("GET", OK + "Content-Length: 2\r\n\r\nok" + hidden),
            arguments("GET", OK + "Content-Length: 0\r\n\r\n" + hidden),
            arguments("HEAD", OK + "Content-Length: 2\r\n\r\nok" + hidden),
            arguments("HEAD", OK + "Content-Length: 0\r\n\r\n" + hidden),
            arguments("GET", "HTTP/1.1 204 No Content\r\n\r\n" + hidden),
            arguments("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok" + hidden),
            arguments("GET", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n" + hidden),
            arguments("GET", OK + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + hidden),
            arguments("GET", OK + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n"
                + hidden));
    }

    @ParameterizedTest
    @MethodSource("answersThatAreTooLong")
    void givesWhatFollowsAnAnswerToNobody(String method, String bytes) throws Exception {
        for (int i = 0; i < 3; i++) {
            backend.forget();
            backend.answers(bytes);
            try (WireClient client = connect()) {
                client.send(method + " /api/x HTTP/1.1\r\n" + HOST + "\r\n");
                client.answer(method);
            } catch (Wire.BrokenOff refused) {
                // JDKs of the hardening of 2026 refuse trailers.
            }
            assertTheNextIsWell();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"HTTP/1.1 2000 High\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000000\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n"})
    void letsWhatTheJdkMisreadsHarmNobodyElse(String bytes) throws Exception {
        // HttpClient reads three digits of a status, and before the hardening of 2026 chunk sizes modulo
        // 2^32.
        backend.answers(bytes);
        try (WireClient client = connect()) {
            assertTrue(java.util.Set.of(200, 502)
                .contains(client.ask("GET /api/x HTTP/1.1\r\n" + HOST + "\r\n").status()));
        } catch (Wire.BrokenOff refused) {
            // as it should be
        }
        assertTheNextIsWell();
    }

    @Test
    void survivesTrailersThatComeLate() throws Exception {
        for (int i = 0; i < 3; i++) {
            backend.answers((request, socket) -> {
                Lab.write(socket, OK + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n");
                Thread.sleep(30);                          // so that they come in a segment of their own
                Lab.write(socket, "X-Trailer: 1\r\n\r\n");
            });
            try (WireClient client = connect()) {
                client.send("GET /api/x HTTP/1.1\r\n" + HOST + "\r\n");
                assertTrue(client.answer().body().startsWith("ok"));
            } catch (Wire.BrokenOff refused) {
                assertTrue(refused.soFar.contains("ok"), refused.soFar);
            }
            assertTheNextIsWell();
        }
    }
}
