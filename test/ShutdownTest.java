import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How the gateway ends when it is told to. */
class ShutdownTest {
    private static final int TERMINATED = 128 + 15;        // as shells and systemd count the end by SIGTERM

    private final CountDownLatch answer = new CountDownLatch(1);
    private Lab lab;
    private SocketBackend backend;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
        backend = lab.keep(new SocketBackend((head, socket) -> {
            if (head.startsWith("GET /slow")) answer.await();
            Lab.write(socket, SocketBackend.answer(200, "done"));
        }));
    }

    @AfterEach
    void stop() throws Exception {
        answer.countDown();
        lab.close();
    }

    private GatewayProcess gateway(String... options) throws Exception {
        Path folder = lab.folder;
        GatewayProcess gateway = lab.keep(GatewayProcess.startWithKeys(folder, options));
        String body = GatewayServer.Json.write(Map.of("data", Lab.data("shop", backend.url(), "/api")));
        assertEquals(200, lab.send(gateway.registryPort(), "PUT", "/collections/backends/shop", body,
            "X-API-Key", Lab.API_KEY).status());
        Lab.until("it serves", () -> lab.send(gateway.port(), "GET", "/api/x", null).status() == 200);
        return gateway;
    }

    private CompletableFuture<Lab.Answer> askSlowly(int port) throws Exception {
        int before = backend.heads.size();
        CompletableFuture<Lab.Answer> result = CompletableFuture.supplyAsync(() -> {
            try {
                return lab.send(port, "GET", "/api/slow", null);
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        Lab.until("the request is under way", () -> backend.heads.size() > before);
        return result;
    }

    @Test
    void finishesWhatIsInFlightTellsBalancersAndThenClosesItsPort() throws Exception {
        GatewayProcess gateway = gateway();
        int port = gateway.port();
        CompletableFuture<Lab.Answer> slow = askSlowly(port);
        gateway.terminate();
        Lab.until("its health says that it drains", () ->
            lab.send(port, "GET", "/gateway/health", null).status() == 503);
        Lab.Answer health = lab.send(port, "GET", "/gateway/health", null);
        assertEquals("draining", health.json().get("status"));
        Lab.Answer late = lab.send(port, "GET", "/api/late", null);
        assertEquals(200, late.status(), "who did not hear of it yet is served");
        assertEquals("close", late.header("Connection"));
        answer.countDown();
        assertEquals(200, slow.get().status());
        assertEquals("done", slow.get().body());
        assertEquals("close", slow.get().header("Connection"), "a request that began before");
        assertEquals(TERMINATED, gateway.exitCode());
        assertThrows(IOException.class, () -> lab.send(port, "GET", "/gateway/health", null));
    }

    @Test
    void underLoadNothingThatWasSentFails() throws Exception {
        assumeTrue(InstallLab.has("wrk"), "skipped: no wrk");
        GatewayProcess gateway = gateway("--shutdown-grace-ms=2000");
        Process wrk = new ProcessBuilder("wrk", "-t1", "-c16", "-d4s",
            "http://localhost:" + gateway.port() + "/api/x").redirectErrorStream(true).start();
        answer.countDown();
        int before = backend.heads.size();
        Lab.until("the load has begun", () -> backend.heads.size() > before + 200);
        gateway.terminate();
        assertEquals(TERMINATED, gateway.exitCode());
        String report = new String(wrk.getInputStream().readAllBytes());
        assertTrue(report.contains(" requests in "), report);
        // Once the port is closed, wrk knocks until its time is over, and counts that as connects or writes.
        assertFalse(report.matches("(?s).*(read|timeout) [1-9].*|.*Non-2xx.*"), report);
    }

    @Test
    void breaksOffWhatTakesLongerThanTheGrace() throws Exception {
        GatewayProcess gateway = gateway("--shutdown-grace-ms=300");
        CompletableFuture<Lab.Answer> slow = askSlowly(gateway.port());
        gateway.terminate();
        assertEquals(TERMINATED, gateway.exitCode());
        assertThrows(Exception.class, slow::get);
    }

    @Test
    void endsAtOnceWhenItIsToldTwice() throws Exception {
        GatewayProcess gateway = gateway("--shutdown-grace-ms=3600000");
        CompletableFuture<Lab.Answer> slow = askSlowly(gateway.port());
        gateway.terminate();
        Lab.until("it drains", () -> gateway.out().contains("Stopping"));
        assertTrue(gateway.isAlive());
        gateway.terminate();
        gateway.exitCode();                                // fails unless it ends long before its grace
        assertThrows(Exception.class, slow::get);
    }

    @Test
    void endsAtOnceWhenNothingIsInFlight() throws Exception {
        GatewayProcess gateway = gateway("--shutdown-grace-ms=3600000");
        gateway.terminate();
        assertEquals(TERMINATED, gateway.exitCode());      // fails unless it ends long before its grace
        assertTrue(gateway.out().contains("Stopping"));
        assertEquals("", gateway.err());
    }
}
