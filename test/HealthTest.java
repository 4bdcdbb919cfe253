import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which backends are held to be up, by probes and by what requests meet. */
class HealthTest {
    private Lab lab;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private Map<?, ?> status(GatewayServer gateway, String name) throws Exception {
        for (Object backend : (List<?>) lab.get(gateway, "/gateway/status").json().get("backends")) {
            if (((Map<?, ?>) backend).get("name").equals(name)) return (Map<?, ?>) backend;
        }
        throw new AssertionError(name + " is not in the table");
    }

    private boolean isUp(GatewayServer gateway, String name) throws Exception {
        return (Boolean) status(gateway, name).get("healthy");
    }

    private void awaitState(GatewayServer gateway, String name, boolean up) throws Exception {
        Lab.until(name + " is " + (up ? "up" : "down"), () -> isUp(gateway, name) == up);
    }

    private void awaitProbe(GatewayServer gateway, String name) throws Exception {
        Lab.until(name + " was probed", () -> !status(gateway, name).get("lastCheck").equals("never"));
    }

    /** A backend whose every page answers with this status. */
    private String answering(int status) throws Exception {
        return lab.backend(e -> Lab.answer(e, status, ""));
    }

    // ---- What a probe wants to see ---------------------------------------------------------------------

    @Test
    void takesAServerForAliveThatHasNoHealthPage() throws Exception {
        GatewayServer gateway = lab.gateway("--health-failures=1");
        for (int status : List.of(200, 204, 301, 302, 307, 401, 403, 404, 405, 501)) {
            lab.register(gateway, "status-" + status, answering(status), "/s" + status);
        }
        List<Integer> dead = List.of(400, 429, 500, 502, 503);
        for (int status : dead) {
            lab.register(gateway, "status-" + status, answering(status), "/s" + status);
        }
        for (Object backend : (List<?>) lab.get(gateway, "/gateway/status").json().get("backends")) {
            String name = ((Map<?, ?>) backend).get("name").toString();
            awaitProbe(gateway, name);
            assertEquals(!dead.contains(Integer.parseInt(name.substring(7))), isUp(gateway, name), name);
        }
    }

    @Test
    void wantsSuccessFromAHealthPathThatWasConfigured() throws Exception {
        GatewayServer gateway = lab.gateway("--health-failures=1");
        for (int status : List.of(200, 204, 302, 401, 404, 405, 501, 500)) {
            Map<String, Object> data = Lab.data("status-" + status, answering(status), "/s" + status);
            data.put("healthPath", "/alive");
            lab.register(gateway, data);
        }
        for (int status : List.of(200, 204, 302, 401, 404, 405, 501, 500)) {
            awaitProbe(gateway, "status-" + status);
            assertEquals(status < 300, isUp(gateway, "status-" + status), status + "");
        }
        assertTrue(status(gateway, "status-404").get("reason").toString().contains("404"));
    }

    @Test
    void probesTheHealthPathUnderTheBasePathAndBringsTheToken() throws Exception {
        GatewayServer gateway = lab.gateway();
        Queue<String> probes = new ConcurrentLinkedQueue<>();
        String url = lab.backend(e -> {
            probes.add(e.getRequestMethod() + " " + e.getRequestURI() + " "
                + e.getRequestHeaders().getFirst("Authorization"));
            Lab.answer(e, 200, "");
        });
        lab.register(gateway, "default", url + "/base", "/a");
        Map<String, Object> data = Lab.data("configured", url + "/base", "/b");
        data.put("healthPath", "/alive?deep=1");
        lab.register(gateway, data);
        Lab.until("both were probed", () -> probes.contains("GET /base/health Bearer " + Lab.TOKEN)
            && probes.contains("GET /base/alive?deep=1 Bearer " + Lab.TOKEN));
    }

    @Test
    void takesABackendOutWhoseHealthPageDoesNotAnswerInTime() throws Exception {
        GatewayServer gateway = lab.gateway("--health-interval-ms=100", "--health-timeout-ms=100");
        String url = lab.rawBackend(socket -> socket.getInputStream().readAllBytes());
        lab.register(gateway, "stuck", url, "/api");
        awaitState(gateway, "stuck", false);
        assertTrue(status(gateway, "stuck").get("reason").toString().contains("100 ms"));
        assertEquals(3L, status(gateway, "stuck").get("consecutiveFailures"));
    }

    @Test
    void goesOnProbingABackendWhoseHealthPageBeginsAndNeverEnds() throws Exception {
        GatewayServer gateway = lab.gateway("--health-interval-ms=100", "--health-timeout-ms=100");
        AtomicInteger probes = new AtomicInteger();
        lab.register(gateway, "endless", lab.rawBackend(socket -> {
            Lab.readHead(socket.getInputStream());
            probes.incrementAndGet();
            Lab.write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nwell, ");
            socket.getInputStream().read();
        }), "/api");
        Lab.until("it was probed again", () -> probes.get() > 2);
        assertTrue(isUp(gateway, "endless"));
    }

    // ---- Out and back ----------------------------------------------------------------------------------

    @Test
    void takesABackendOutAfterThreeFailedProbesInARowAndBackAfterOneGoodOne() throws Exception {
        GatewayServer gateway = lab.gateway("--health-interval-ms=100");
        AtomicInteger status = new AtomicInteger(200);
        AtomicInteger probes = new AtomicInteger();
        lab.register(gateway, "shaky", lab.backend(e -> {
            // Two bad ones and a good one, over and over, until it is bad for good.
            int probe = probes.incrementAndGet();
            Lab.answer(e, status.get() == 200 && probe % 3 != 0 ? 500 : status.get(), "");
        }), "/api");
        Lab.until("it was shaky for a while", () -> {
            assertTrue(isUp(gateway, "shaky"));
            return probes.get() > 8;
        });
        status.set(500);
        awaitState(gateway, "shaky", false);
        assertEquals("health check answered 500", status(gateway, "shaky").get("reason"));
        probes.set(2);                                     // the next one is a good one
        status.set(200);
        awaitState(gateway, "shaky", true);
    }

    @Test
    void countsRefusedConnectionsAndFailedProbesTogether() throws Exception {
        GatewayServer gateway = lab.gateway("--health-interval-ms=60000");   // one probe, and then requests
        lab.register(gateway, "dead", "http://127.0.0.1:" + Lab.deadPort(), "/api");
        Lab.until("the probe failed", () -> status(gateway, "dead").get("consecutiveFailures").equals(1L));
        assertEquals("connect-refused", lab.get(gateway, "/api/x").header("X-Gateway-Error"));
        assertTrue(isUp(gateway, "dead"));
        assertEquals("connect-refused", lab.get(gateway, "/api/x").header("X-Gateway-Error"));
        assertFalse(isUp(gateway, "dead"));
        assertEquals("connect-refused", status(gateway, "dead").get("reason"));
    }

    @Test
    void doesNotCountFailuresThatAnAnswerCameBetween() throws Exception {
        GatewayServer gateway = lab.gateway("--health-interval-ms=60000");
        SocketBackend backend = lab.keep(SocketBackend.saying("ok"));
        lab.register(gateway, "restarting", backend.url(), "/api");
        awaitProbe(gateway, "restarting");
        for (int round = 0; round < 3; round++) {
            backend.kill();
            for (int i = 0; i < 2; i++) assertEquals(502, lab.get(gateway, "/api/x").status());
            backend.bringBack();
            assertEquals(200, lab.get(gateway, "/api/x").status());
        }
        assertEquals(0L, status(gateway, "restarting").get("consecutiveFailures"));
    }

    @Test
    void doesNotCountABackendsErrorsAgainstItsHealth() throws Exception {
        GatewayServer gateway = lab.gateway("--health-interval-ms=60000");
        lab.register(gateway, "failing", lab.keep(new SocketBackend((head, socket) ->
            Lab.write(socket, SocketBackend.answer(500, "mine")))).url(), "/api");
        for (int i = 0; i < 5; i++) assertEquals(500, lab.get(gateway, "/api/x").status());
        assertTrue(isUp(gateway, "failing"));
    }

    @Test
    void answers503AndWhenToComeBackWhenNoneIsUp() throws Exception {
        GatewayServer gateway = lab.gateway("--health-failures=1", "--health-interval-ms=100");
        lab.register(gateway, "dead", "http://127.0.0.1:" + Lab.deadPort(), "/api");
        awaitState(gateway, "dead", false);
        Lab.Answer answer = lab.get(gateway, "/api/x");
        assertEquals(503, answer.status());
        assertEquals("1", answer.header("Retry-After"));
        assertEquals("no-healthy-backend", answer.header("X-Gateway-Error"));
        assertEquals("No healthy backend", answer.json().get("error"));
        assertTrue(answer.json().get("message").toString().contains("/api"), answer::body);
        Map<?, ?> health = lab.get(gateway, "/gateway/health").json();
        assertEquals(1L, health.get("backends"));
        assertEquals(0L, health.get("healthy"));
    }

    @Test
    void remembersTheStateWhenTheTableIsRefreshed() throws Exception {
        GatewayServer gateway = lab.gateway("--health-failures=1", "--health-interval-ms=60000");
        String url = "http://127.0.0.1:" + Lab.deadPort();
        lab.register(gateway, "dead", url, "/api");
        awaitState(gateway, "dead", false);
        assertEquals(200, lab.send(gateway.port(), "POST", "/gateway/reload", null).status());
        assertFalse(isUp(gateway, "dead"));
        Map<String, Object> moved = Lab.data("dead", url, "/new");
        moved.put("weight", 7);
        lab.register(gateway, moved);
        Lab.until("the entry has changed", () -> status(gateway, "dead").get("prefix").equals("/new"));
        assertFalse(isUp(gateway, "dead"));
        lab.register(gateway, "dead", lab.saying("ok"), "/new");
        assertTrue(isUp(gateway, "dead"), "a new address is a new backend");
    }

    // ---- Under load ------------------------------------------------------------------------------------

    @Test
    void noClientNoticesThatABackendIsKilledAndItHasItsShareWithinTwoSecondsOfItsReturn() throws Exception {
        GatewayServer gateway = lab.gateway("--health-interval-ms=10000");
        SocketBackend one = lab.keep(SocketBackend.saying("one"));
        SocketBackend two = lab.keep(SocketBackend.saying("two"));
        lab.register(gateway, "one", one.url(), "/api");
        lab.register(gateway, "two", two.url(), "/api");

        AtomicBoolean over = new AtomicBoolean();
        AtomicReference<Object> fault = new AtomicReference<>();
        AtomicInteger answered = new AtomicInteger();
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            clients.add(Thread.ofPlatform().start(() -> {
                while (!over.get()) {
                    try {
                        Lab.Answer answer = lab.get(gateway, "/api/x");
                        if (answer.status() == 200) answered.incrementAndGet();
                        else fault.set(answer);
                        Thread.sleep(2);                   // a steady load, not all that the machine can do
                    } catch (Exception e) {
                        fault.set(e);
                    }
                }
            }));
        }
        Lab.until("both serve", () -> one.heads.size() > 20 && two.heads.size() > 20);
        two.kill();
        awaitState(gateway, "two", false);
        int before = answered.get();
        Lab.until("the other one serves alone", () -> answered.get() > before + 50);
        two.heads.clear();
        two.bringBack();
        long back = System.nanoTime();
        Lab.until("it serves again", () -> two.heads.size() > 20);
        long millis = (System.nanoTime() - back) / 1_000_000;
        over.set(true);
        for (Thread client : clients) client.join();
        assertEquals(null, fault.get());
        assertTrue(millis < 2000, "it took " + millis + " ms");
    }
}
