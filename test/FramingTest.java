import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Where a request ends. What two readers could end in two places is refused, or framed anew, so that a
 * backend never sees two requests where one was sent (RFC 9112 sections 6.3 and 11.2).
 */
class FramingTest extends OnTheWire {
    // Whoever reads this as a request and not as a part of the body before it has been smuggled to.
    private static final String HIDDEN = "GET /api/hidden HTTP/1.1\r\nHost: gateway.test\r\n\r\n";
    private static final String CHUNKED = "Transfer-Encoding: chunked\r\n";

    private static String post(String lines, String body) {
        return "POST /api/x HTTP/1.1\r\n" + HOST + lines + "\r\n" + body;
    }

    private static String length(int length) {
        return "Content-Length: " + length + "\r\n";
    }

    /** All answers until the gateway closes. */
    private List<Wire.Message> answersTo(String bytes) throws IOException {
        List<Wire.Message> answers = new ArrayList<>();
        try (WireClient client = connect()) {
            client.send(bytes);
            client.socket.shutdownOutput();
            while (true) answers.add(client.answer());
        } catch (Wire.BrokenOff end) {
            assertEquals("", end.soFar, "an answer that breaks off");
        } catch (SocketException reset) {
            // HttpServer closes with unread bytes before it: what was sent back may be lost on the way.
        }
        return answers;
    }

    /** Sends what ends in two ways; answers what came of it when nothing was smuggled. */
    private List<Wire.Message> unambiguously(String bytes) throws Exception {
        List<Wire.Message> answers = answersTo(bytes);
        assertEquals(List.of(), backend.faults);
        assertFalse(backend.requests.stream().anyMatch(r -> r.target().contains("hidden")),
            "smuggled to the backend");
        assertTrue(backend.requests.size() <= 1, "one request became " + backend.requests.size());
        assertTrue(answers.size() <= 1, "answered " + answers.size() + " times");
        backend.forget();
        assertEquals("ok", get("/api/after").body());
        assertEquals("/after", forwarded().target());
        return answers;
    }

    static Stream<Arguments> requestsThatMustBeRefused() {
        int hidden = HIDDEN.length();
        String zero = "0\r\n\r\n";
        return Stream.of(
            arguments("a length and a coding", post(length(5 + hidden) + CHUNKED, zero + HIDDEN)),
            arguments("a coding and a length", post(CHUNKED + length(4), hex(hidden) + HIDDEN + "\r\n"
                + zero)),
            arguments("two lengths", post(length(0) + length(hidden), HIDDEN)),
            arguments("two lengths, the other way", post(length(hidden) + length(0), HIDDEN)),
            arguments("the same length twice", post(length(hidden) + length(hidden), HIDDEN)),
            arguments("a list of lengths", post("Content-Length: 0, " + hidden + "\r\n", HIDDEN)),
            arguments("a list of one length", post("Content-Length: " + hidden + ", " + hidden + "\r\n",
                HIDDEN)),
            arguments("length +n", post("Content-Length: +" + hidden + "\r\n", HIDDEN)),
            arguments("length +0", post("Content-Length: +0\r\n", HIDDEN)),
            arguments("length -0", post("Content-Length: -0\r\n", HIDDEN)),
            arguments("length -1", post("Content-Length: -1\r\n", HIDDEN)),
            arguments("length 0x5", post("Content-Length: 0x5\r\n", HIDDEN)),
            arguments("length 5e0", post("Content-Length: 5e0\r\n", HIDDEN)),
            arguments("no length", post("Content-Length:\r\n", HIDDEN)),
            arguments("length of two words", post("Content-Length: 0 5\r\n", HIDDEN)),
            arguments("length over 2^64", post("Content-Length: 18446744073709551616\r\n", HIDDEN)),
            arguments("length of Arabic digits", post("Content-Length: \u00d9\u00a0\r\n", HIDDEN)),
            arguments("gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", zero + HIDDEN)),
            arguments("chunked, gzip", post("Transfer-Encoding: chunked, gzip\r\n", zero + HIDDEN)),
            arguments("chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n", zero + HIDDEN)),
            arguments("chunked in two lines", post(CHUNKED + CHUNKED, zero + HIDDEN)),
            arguments("chunked and identity", post(CHUNKED + "Transfer-Encoding: identity\r\n", zero
                + HIDDEN)),
            arguments("identity and a length", post("Transfer-Encoding: identity\r\n" + length(0), HIDDEN)),
            arguments("coding xchunked", post("Transfer-Encoding: xchunked\r\n", zero + HIDDEN)),
            arguments("coding chunked;q=1", post("Transfer-Encoding: chunked;q=1\r\n", zero + HIDDEN)),
            arguments("coding \"chunked\"", post("Transfer-Encoding: \"chunked\"\r\n", zero + HIDDEN)),
            arguments("an empty coding", post("Transfer-Encoding:\r\n" + length(hidden), HIDDEN)),
            arguments("a space before the colon", post("Transfer-Encoding : chunked\r\n" + length(hidden),
                HIDDEN)),
            arguments("a space before a length's colon", post("Content-Length : 5\r\n", HIDDEN)),
            arguments("a tab before the colon", post("Content-Length\t: 5\r\n", HIDDEN)),
            arguments("a header without a colon", post("Content-Length 5\r\n", HIDDEN)),
            arguments("an empty name", post(": 5\r\n", HIDDEN)),
            arguments("a folded first line", "POST /api/x HTTP/1.1\r\n Content-Length: 5\r\n" + HOST + "\r\n"
                + HIDDEN),
            arguments("a folded length", post("Content-Length: 0\r\n 5\r\n", HIDDEN)),
            arguments("a coding and, after CR, a length", post("X: a\rTransfer-Encoding: chunked\r\n"
                + length(5), zero + HIDDEN)),
            arguments("a coding and, after LF, a length", post("X: a\nTransfer-Encoding: chunked\r\n"
                + length(5), zero + HIDDEN)),
            arguments("chunks of HTTP/1.0", "POST /api/x HTTP/1.0\r\n" + HOST + CHUNKED + "\r\n" + zero
                + HIDDEN),
            arguments("a NUL in a value", post("X: a\u0000b\r\n" + length(0), HIDDEN)),
            arguments("an escape in a value", post("X: a\u001bb\r\n" + length(0), HIDDEN)),
            arguments("a NUL in a name", post("X\u0000: a\r\n" + length(0), HIDDEN)));
    }

    private static String hex(int length) {
        return Integer.toHexString(length) + "\r\n";
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("requestsThatMustBeRefused")
    void refusesARequestThatEndsInTwoPlaces(String what, String bytes) throws Exception {
        List<Wire.Message> answers = unambiguously(bytes);
        for (Wire.Message answer : answers) assertTrue(Set.of(400, 501).contains(answer.status()),
            answer.head());
    }

    static Stream<Arguments> bodiesOfBadChunks() {
        return Stream.of(
            arguments("an empty size", "\r\n" + HIDDEN),
            arguments("a size of 2^32", "100000000\r\n" + HIDDEN),
            arguments("a size of 2^32 + 3", "100000003\r\nabc\r\n" + "0\r\n\r\n" + HIDDEN),
            arguments("a size of 2^31", "80000000\r\n" + HIDDEN),
            arguments("a size of 2^64", "10000000000000000\r\n" + HIDDEN),
            arguments("a size with a sign", "-1\r\n" + HIDDEN),
            arguments("a size with a plus", "+3\r\nabc\r\n0\r\n\r\n" + HIDDEN),
            arguments("a size with 0x", "0x3\r\nabc\r\n0\r\n\r\n" + HIDDEN),
            arguments("a size with a space before it", " 3\r\nabc\r\n0\r\n\r\n" + HIDDEN),
            arguments("a size with a space after it", "3 \r\nabc\r\n0\r\n\r\n" + HIDDEN),
            arguments("a size that is a letter", "g\r\n" + HIDDEN),
            arguments("a size with CR in it", "0\r3\r\nabc\r\n0\r\n\r\n" + HIDDEN),
            arguments("a size that LF ends", "3\nabc\r\n0\r\n\r\n" + HIDDEN),
            arguments("a size with an extension", "3;a=b\r\nabc\r\n0\r\n\r\n" + HIDDEN),
            arguments("a size with LF in its extension", "3;a\nb\r\nabc\r\n0\r\n\r\n" + HIDDEN),
            arguments("a size with many zeros", "00000000000000000000003\r\nabc\r\n0\r\n\r\n" + HIDDEN),
            arguments("a size that is too small", "2\r\nabc\r\n0\r\n\r\n" + HIDDEN),
            arguments("a size that is too large", "4\r\nabc\r\n0\r\n\r\n" + HIDDEN),
            arguments("data that LF ends", "3\r\nabc\n0\r\n\r\n" + HIDDEN),
            arguments("data that nothing ends", "3\r\nabc0\r\n\r\n" + HIDDEN),
            arguments("an end of one LF", "3\r\nabc\r\n0\n\n" + HIDDEN),
            arguments("an end that is not one", "3\r\nabc\r\n0\r\n" + HIDDEN),
            arguments("a trailer", "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n" + HIDDEN),
            arguments("a trailer that is a length", "3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n" + HIDDEN),
            arguments("a trailer that is a request", "3\r\nabc\r\n0\r\n" + HIDDEN + HIDDEN),
            arguments("no end", "3\r\nabc\r\n"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("bodiesOfBadChunks")
    void readsNothingAfterABodyOfBadChunks(String what, String body) throws Exception {
        unambiguously(post(CHUNKED, body));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("bodiesOfBadChunks")
    void readsNothingAfterABodyOfBadChunksThatNobodyWants(String what, String body) throws Exception {
        List<Wire.Message> answers = answersTo("POST /nowhere HTTP/1.1\r\n" + HOST + CHUNKED + "\r\n" + body);
        assertTrue(answers.size() <= 1, "answered " + answers.size() + " times");
        assertNothingForwarded();
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET  /api/x HTTP/1.1", "GET /api/x HTTP/1.1 ", "GET /api/x HTTP/1.1 x",
        "GET /api/x HTTP/2.7", "GET /api/x HTTP/1.10", "GET /api/x HTTP/01.1", "GET /api/x http/1.1",
            "GET /api/x HTTP/1.2",
        "GET /api/x JUNK", "GET /api/x", "GET", "", "GET\t/api/x\tHTTP/1.1", " GET /api/x HTTP/1.1",
            "GET /api/x HTTP/1.1\u0000",
        "\u0000GET /api/x HTTP/1.1", "GET /api/x HTTP/0.9", "\u0016\u0003\u0001\u0002"})
    void refusesARequestLineThatIsNone(String line) throws Exception {
        List<Wire.Message> answers = unambiguously(line + "\r\n" + HOST + "\r\n");
        for (Wire.Message answer : answers) assertTrue(Set.of(400, 404, 505).contains(answer.status()),
            answer.head());
    }

    @Test
    void readsNothingAfterARequestThatItRefused() throws Exception {
        String plain = "GET /api/hidden HTTP/1.1\r\n" + HOST + "\r\n";
        for (String bad : List.of("GET /api/x HTTP/3.0\r\n" + HOST + "\r\n", "GET /api/x HTTP/1.1\r\n\r\n",
                "GET /api/x HTTP/1.1\r\n" + HOST + "X: \u00e9\r\n\r\n", post("Content-Length: +0\r\n", ""))) {
            unambiguously(bad + plain + plain);
        }
    }

    @Test
    void passesABodyThatLooksLikeARequestOnAsABody() throws Exception {
        for (String bytes : List.of(post(length(HIDDEN.length()), HIDDEN),
                post(CHUNKED, hex(HIDDEN.length()) + HIDDEN + "\r\n0\r\n\r\n"),
                post("transfer-encoding: Chunked\r\n", "3\r\nGET\r\n" + hex(HIDDEN.length() - 3)
                    + HIDDEN.substring(3) + "\r\n0\r\n\r\n"),
                post(length(HIDDEN.length()), HIDDEN).replace("POST", "GET"),
                post("content-length: 00" + HIDDEN.length() + "\r\n", HIDDEN))) {
            backend.forget();
            List<Wire.Message> answers = answersTo(bytes);
            assertEquals(List.of(200), answers.stream().map(Wire.Message::status).toList());
            assertEquals(HIDDEN, forwarded().body());
        }
    }

    @Test
    void framesFoldedAndLfEndedHeadersAnew() throws Exception {
        // What HttpServer reads as one header the backend gets as one line, with CRLF.
        assertEquals(200,
            ask("GET /api/x HTTP/1.1\r\nHost: gateway.test\r\nX-Folded: a\r\n b\r\n\tc\r\nX-Lf: 1\n"
                + "X-More: 2\r\n\r\n")
            .status());
        assertEquals("a b c", forwarded().header("X-Folded"));
        assertEquals("1", forwarded().header("X-Lf"));
        assertEquals("2", forwarded().header("X-More"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 3\u0000", "Content-Length: \u00013",
        "Transfer-Encoding: \u000bchunked",
        "Transfer-Encoding: chunked\u0000"})
    void framesAnewWhereControlCharactersSurroundALength(String line) throws Exception {
        // JDKs before the hardening of 2026 trim them off unseen; later ones refuse them.
        String body = line.startsWith("C") ? "abc" : "3\r\nabc\r\n0\r\n\r\n" + HIDDEN;
        for (Wire.Message answer : answersTo(post(line + "\r\n", body))) {
            assertTrue(Set.of(200, 400).contains(answer.status()), answer.head());
        }
        assertEquals(List.of(), backend.faults);
        assertTrue(backend.requests.size() <= 1);
        for (Wire.Message request : backend.requests) assertEquals("abc", request.body());
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET /api/x  HTTP/1.1", "GET /api/x y HTTP/1.1"})
    void framesARequestLineOfTooManyWordsAnew(String line) throws Exception {
        // HttpServer takes the first two words and the last, and does not tell that there were others.
        unambiguously(line + "\r\n" + HOST + "\r\n");
    }

    @Test
    void takesEmptyLinesBeforeARequest() throws Exception {
        assertEquals(200, ask("GET /api/x HTTP/1.1\r\n" + HOST + "\r\n").status());
        try (WireClient client = connect()) {
            client.send("\r\n\r\nGET /api/x HTTP/1.1\r\n" + HOST + "\r\n");
            assertEquals(200, client.answer().status());
        }
    }
}
