import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;

/**
 * A gateway as a process of its own with a bare-socket backend at /api. After each test all connections are
 * closed, a plain request must work, and nothing but lines of the log may have been printed.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class OnAProcess {
    static final String GET = "GET /api/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n";

    final List<WireClient> clients = new ArrayList<>();
    WireBackend backend;
    private Lab lab;
    private GatewayProcess process;
    int port;

    /** What the JVM is to be told. */
    abstract List<String> jvmOptions();

    @BeforeAll
    void start() throws Exception {
        lab = new Lab();
        backend = lab.keep(new WireBackend());
        Files.writeString(lab.folder.resolve("backends.json"), GatewayServer.Json.write(List.of(
            Map.of("key", "raw", "data", Lab.data("raw", backend.url(), "/api"), "metadata", Map.of()))));
        process = lab.keep(GatewayProcess.start(lab.folder, Map.of("API_KEY", Lab.API_KEY,
            "ENCRYPTION_KEY", "key", "PROXY_PORT", "0", "REGISTRY_PORT", "0", "BIND_ADDRESS", "127.0.0.1"),
            jvmOptions()));
        port = process.port();
        String once = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
        Lab.until("it serves", () -> Lab.raw(port, once).contains(" 200 "));
        for (int i = 0; i < 300; i++) plainGet();          // its code is compiled by then
    }

    @BeforeEach
    void forget() {
        backend.forget();
    }

    @AfterEach
    void closeClients() throws Exception {
        for (WireClient client : clients) client.close();
        clients.clear();
        backend.forget();
        plainGet();
        String printed = process.out() + process.err();
        assertFalse(printed.contains("Exception") || printed.contains("fault of the gateway"), printed);
    }

    @AfterAll
    void stop() throws Exception {
        lab.close();
    }

    WireClient connect() throws IOException {
        WireClient client = new WireClient(port);
        clients.add(client);
        return client;
    }

    private void plainGet() throws IOException {
        try (WireClient client = new WireClient(port)) {
            assertEquals("ok", client.ask(GET).body());
        }
    }
}
