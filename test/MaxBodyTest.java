import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** MAX_BODY_BYTES: larger requests get 413 (RFC 9110 section 15.5.14), however they say how long they are. */
class MaxBodyTest extends OnTheWire {
    private static final int MOST = 100_000;

    @Override
    String[] options() {
        return new String[] {"--max-body-bytes=" + MOST};
    }

    private static String chunked(int length) {
        return "POST /api/x HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n"
            + Integer.toHexString(length) + "\r\n"
            + "a".repeat(length) + "\r\n0\r\n\r\n";
    }

    private static String sized(int length) {
        return "POST /api/x HTTP/1.1\r\n" + HOST + "Content-Length: " + length + "\r\n\r\n"
            + "a".repeat(length);
    }

    @Test
    void letsABodyOfThatLengthThrough() throws Exception {
        assertEquals(200, ask(sized(MOST)).status());
        assertEquals(200, ask(chunked(MOST)).status());
        for (Wire.Message request : backend.requests) assertEquals(MOST, request.body().length());
        assertEquals(2, backend.requests.size());
    }

    @ParameterizedTest
    @ValueSource(ints = {MOST + 1, 400_000})
    void refusesADeclaredLengthBeforeAnyOfItIsPassedOn(int length) throws Exception {
        Wire.Message answer = ask(sized(length));
        assertEquals("413 body-too-large", answer.status() + " " + answer.gatewayError());
        assertNothingForwarded();
        assertEquals(0, backend.brokenOff.size());
    }

    @ParameterizedTest
    @ValueSource(ints = {MOST + 1, 400_000})
    void breaksABodyOfUnknownLengthOffWhenItGrowsTooLong(int length) throws Exception {
        Wire.Message answer = ask(chunked(length));
        assertEquals("413 body-too-large", answer.status() + " " + answer.gatewayError());
        Lab.until("the backend saw it break off", () -> backend.brokenOff.size() == 1);
        assertTrue(backend.brokenOff.getFirst().length() < 2 * MOST);
        assertNothingForwarded();
    }

    @Test
    void answersWhoDeclaresFarTooMuchAndStillSends() throws Exception {
        try (WireClient client = connect()) {
            client.send("POST /api/x HTTP/1.1\r\n" + HOST + "Content-Length: 99999999999\r\n\r\n"
                + "a".repeat(200_000));
            assertEquals("body-too-large", client.answer("POST").gatewayError());
        }
    }
}
