import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Clients that speak HTTP/1.0: load balancers' probes, ApacheBench, old machines. */
class Http10Test extends OnTheWire {

    @Test
    void answersAndCloses() throws Exception {
        try (WireClient client = connect()) {
            Wire.Message answer = client.ask("GET /api/x HTTP/1.0\r\n\r\n");
            assertEquals("ok", answer.body());
            assertTrue(client.isClosed());
        }
        assertTrue(forwarded().start().endsWith(" HTTP/1.1"));
    }

    @Test
    void keepsTheConnectionOfAClientThatAsksForIt() throws Exception {
        try (WireClient client = connect()) {
            for (int i = 0; i < 3; i++) {
                Wire.Message answer = client.ask("GET /api/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
                assertEquals("ok", answer.body());
                assertTrue(answer.header("Connection").equalsIgnoreCase("keep-alive"), answer.head());
            }
        }
    }

    @Test
    void sendsNoChunks() throws Exception {
        backend.answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n"
            + "\r\n");
        for (String line : new String[] {"", "Connection: keep-alive\r\n"}) {
            Wire.Message answer = ask("GET /api/x HTTP/1.0\r\n" + line + "\r\n");
            assertNull(answer.header("Transfer-Encoding"));
            assertEquals("abcdef", answer.body());
        }
    }

    @Test
    void takesABodyOfADeclaredLength() throws Exception {
        assertEquals(200, ask("POST /api/x HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc").status());
        assertEquals("abc", forwarded().body());
    }

    @Test
    void refusesByTheSameRules() throws Exception {
        assertEquals(404, ask("GET /nowhere HTTP/1.0\r\n\r\n").status());
        assertEquals(400, ask("GET /api/../x HTTP/1.0\r\n\r\n").status());
        assertEquals(403, ask("GET /gateway/status HTTP/1.0\r\n\r\n").status());
        assertNothingForwarded();
    }
}
