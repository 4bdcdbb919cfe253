import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;

/** Clients that ask before they send a body (RFC 9110 section 10.1.1). HttpServer answers that by itself. */
class ExpectTest extends OnTheWire {
    private static final String ASKING = "POST /api/x HTTP/1.1\r\n" + HOST + "Expect: 100-continue\r\n";

    @Override
    String[] options() {
        return new String[] {"--max-body-bytes=1000"};
    }

    private static void awaitContinue(WireClient client) throws Exception {
        String head = Lab.readHead(client.in);
        assertEquals("HTTP/1.1 100 Continue", head.lines().findFirst().orElse(""), head);
    }

    @Test
    void letsAClientThatAsksGoOn() throws Exception {
        try (WireClient client = connect()) {
            client.send(ASKING + "Content-Length: 4\r\n\r\n");
            awaitContinue(client);
            assertEquals(200, client.ask("body").status());
        }
        assertEquals("body", forwarded().body());
        assertNull(forwarded().header("Expect"));
    }

    @Test
    void doesNotMindAClientThatDoesNotWait() throws Exception {
        try (WireClient client = connect()) {
            client.send(ASKING + "Content-Length: 4\r\n\r\nbody");
            assertEquals(200, client.answer().status());
            assertEquals(200, client.ask("GET /api/next HTTP/1.1\r\n" + HOST + "\r\n").status());
        }
        assertEquals("body", backend.requests.getFirst().body());
    }

    @Test
    void answersAClientThatItRefusesThoughNothingMoreComes() throws Exception {
        try (WireClient client = connect()) {
            client.send(ASKING + "Content-Length: 5000\r\n\r\n");
            awaitContinue(client);
            assertEquals("body-too-large", client.answer().gatewayError());
        }
        try (WireClient client = connect()) {
            client.send(ASKING.replace("/api/", "/nowhere/") + "Content-Length: 10\r\n\r\n");
            awaitContinue(client);
            assertEquals("no-route", client.answer().gatewayError());
        }
        assertNothingForwarded();
    }

    @Test
    void passesNoOtherExpectationOn() throws Exception {
        assertEquals(200, get("/api/x", "Expect: the-best\r\n").status());
        assertNull(forwarded().header("Expect"));
    }
}
