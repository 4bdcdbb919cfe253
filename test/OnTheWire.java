import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;

/** A gateway with a bare-socket backend at /api, for tests that look at bytes on both sides. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class OnTheWire {
    static final String HOST = "Host: gateway.test\r\n";
    Lab lab;
    GatewayServer gateway;
    WireBackend backend;

    @BeforeAll
    void start() throws Exception {
        lab = new Lab();
        gateway = lab.gateway(options());
        backend = lab.keep(new WireBackend());
        lab.put(gateway, Lab.data("raw", backend.url(), "/api"));
        Lab.until("it serves", () -> get("/api/ready").status() == 200);
    }

    /** Settings of the gateway, beside the lab's own. */
    String[] options() {
        return new String[0];
    }

    @AfterAll
    void stop() throws Exception {
        lab.close();
    }

    @BeforeEach
    void forget() {
        backend.forget();
    }

    WireClient connect() throws IOException {
        return new WireClient(gateway.port());
    }

    /** Sends these bytes over a connection of their own and reads one answer. */
    Wire.Message ask(String request) throws IOException {
        try (WireClient client = connect()) {
            return client.ask(request);
        }
    }

    /** GET of a target, with these header lines (each with its CRLF). */
    Wire.Message get(String target, String... lines) throws IOException {
        return ask("GET " + target + " HTTP/1.1\r\n" + HOST + String.join("", lines) + "\r\n");
    }

    /** The one request that the backend got, and nothing else came. */
    Wire.Message forwarded() {
        assertEquals(List.of(), backend.faults);
        assertEquals(1, backend.requests.size(), backend.requests::toString);
        return backend.requests.getFirst();
    }

    void assertNothingForwarded() {
        assertEquals(List.of(), backend.faults);
        assertEquals(List.of(), backend.requests);
    }
}
