import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies that break off or end in two places change nothing in the registry: their sender is told. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RegistryFramingTest {
    private static final String PUT = "PUT /collections/backends/shop HTTP/1.1\r\nHost: registry.test\r\n"
        + "Authorization: Bearer " + Lab.API_KEY + "\r\n";
    private static final String ENTRY = "{\"data\":{\"name\":\"shop\",\"url\":\"http://localhost:3000\"}}";
    private static final String HIDDEN = "DELETE /collections/backends/kept HTTP/1.1\r\n"
        + "Host: registry.test\r\nAuthorization: Bearer " + Lab.API_KEY + "\r\n\r\n";

    private Lab lab;
    private GatewayServer registry;

    @BeforeAll
    void start() throws Exception {
        lab = new Lab();
        registry = lab.gateway("--registry-only");
        assertEquals(200, lab.put(registry, Lab.data("kept", "http://localhost:3000", "/kept")).status());
    }

    @AfterAll
    void stop() throws Exception {
        lab.close();
    }

    private void assertUnchanged() throws Exception {
        String list = lab.registry(registry, "GET", "/collections/backends", null).body();
        assertTrue(list.contains("\"kept\"") && !list.contains("\"shop\""), list);
    }

    @ParameterizedTest
    @ValueSource(strings = {"80000000\r\nabc", "g\r\n", "-1\r\nabc", "3\r\nabcde", "100000000\r\nabc",
        "\r\nabc"})
    void refusesBadChunksAndReadsNothingAfterThem(String body) throws Exception {
        try (WireClient client = new WireClient(registry.registryPort())) {
            Wire.Message answer = client.ask(PUT + "Transfer-Encoding: chunked\r\n\r\n" + body + HIDDEN);
            assertEquals(400, answer.status(), answer.body());
            assertEquals("close", answer.header("Connection"));
            assertTrue(client.isClosed());
        }
        assertUnchanged();
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 500", "Transfer-Encoding: chunked"})
    void refusesABodyThatBreaksOff(String length) throws Exception {
        try (WireClient client = new WireClient(registry.registryPort())) {
            client.send(PUT + length + "\r\n\r\n"
                + (length.startsWith("T") ? Integer.toHexString(ENTRY.length()) + "\r\n" : "") + ENTRY);
            client.socket.shutdownOutput();
            assertEquals(400, client.answer("PUT").status());
            assertTrue(client.isClosed());
        }
        assertUnchanged();
    }

    @Test
    void readsNothingAfterAChunkedRequestWithTrailers() throws Exception {
        try (WireClient client = new WireClient(registry.registryPort())) {
            Wire.Message answer =
                client.ask(PUT + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + HIDDEN);
            assertEquals(400, answer.status());
            assertTrue(client.isClosed());
        }
        assertUnchanged();
    }
}
