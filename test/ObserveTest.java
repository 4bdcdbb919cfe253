import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the gateway tells of itself: metrics, failures, and what would become of a request. */
class ObserveTest {
    private Lab lab;
    private GatewayServer gateway;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
        gateway = lab.gateway();
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private String metrics() throws Exception {
        return lab.get(gateway, "/gateway/metrics").body();
    }

    private List<?> failures() throws Exception {
        return (List<?>) GatewayServer.Json.parse(lab.get(gateway, "/gateway/failures").body());
    }

    private Map<?, ?> explain(String path) throws Exception {
        return lab.get(gateway, "/gateway/explain?path=" + path).json();
    }

    @Test
    void countsRequestsByBackendAndStatus() throws Exception {
        String url = lab.backend(e -> Lab.answer(e, e.getRequestURI().getPath().equals("/bad") ? 418 : 200, "x"));
        lab.register(gateway, "a", url, "/api");
        for (int i = 0; i < 3; i++) lab.get(gateway, "/api/good");
        lab.get(gateway, "/api/bad");
        Lab.until("all are counted", () -> {               // which happens after the answers were sent
            String metrics = metrics();
            return metrics.contains("gateway_requests_total{backend=\"a\",code=\"2xx\"} 3\n")
                && metrics.contains("gateway_requests_total{backend=\"a\",code=\"4xx\"} 1\n");
        });
        String metrics = metrics();
        assertTrue(metrics.contains("gateway_backend_up{backend=\"a\"} 1\n"), metrics);
        assertTrue(metrics.contains("gateway_requests_in_flight 0\n"), "own pages do not count");
    }

    @Test
    void countsRetriesAndFailuresByTheirCause() throws Exception {
        lab.register(gateway, "dead", "http://127.0.0.1:" + Lab.deadPort(), "/api");
        lab.register(gateway, "alive", lab.saying("x"), "/api");
        Lab.until("the dead one was tried", () -> {
            lab.get(gateway, "/api/x");
            return !metrics().contains("gateway_retries_total 0\n");
        });
        lab.get(gateway, "/nowhere");
        Lab.until("the failure is counted",             // which happens after its answer was sent
            () -> metrics().contains("gateway_failures_total{cause=\"no-route\"} 1\n"));
        assertFalse(metrics().contains("gateway_backend_failures_total{backend=\"dead\"} 0\n"));
    }

    @Test
    void speaksPrometheusLanguage() throws Exception {
        Assumptions.assumeTrue(Stream.of("/usr/bin/promtool", "/usr/local/bin/promtool")
            .anyMatch(file -> Files.isExecutable(Path.of(file))), "skipped: no promtool");
        lab.register(gateway, "a", lab.saying("x"), "/api");
        lab.get(gateway, "/api/x");
        Process promtool = new ProcessBuilder("promtool", "check", "metrics").redirectErrorStream(true).start();
        promtool.getOutputStream().write(metrics().getBytes(StandardCharsets.UTF_8));
        promtool.getOutputStream().close();
        String output = new String(promtool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, promtool.waitFor(), output);
    }

    @Test
    void forgetsTheSeriesOfABackendThatWent() throws Exception {
        lab.register(gateway, "a", lab.saying("x"), "/api");
        lab.registry(gateway, "DELETE", "/collections/backends/a", null);
        Lab.until("its series are gone", () -> !metrics().contains("backend=\"a\""));
    }

    @Test
    void remembersTheLastHundredFailuresTheNewestFirstWithoutTheirQueries() throws Exception {
        for (int i = 0; i < 105; i++) lab.get(gateway, "/nowhere/" + i + "?secret=hush-hush");
        Lab.until("the last one is remembered, among the newest",      // two may end in either order
            () -> failures().subList(0, 3).toString().contains("/nowhere/104"));
        List<?> failures = failures();
        assertEquals(100, failures.size());
        Map<?, ?> newest = (Map<?, ?>) failures.getFirst();
        assertEquals("no-route", newest.get("cause"));
        assertEquals(404L, newest.get("status"));
        assertFalse(failures.toString().contains("hush-hush"));
    }

    @Test
    void tellsWhichBackendsWereTriedForAFailure() throws Exception {
        lab.register(gateway, "dead", "http://127.0.0.1:" + Lab.deadPort(), "/api");
        Lab.Answer answer = lab.get(gateway, "/api/x");
        Lab.until("it is remembered", () -> !failures().isEmpty());
        Map<?, ?> failure = (Map<?, ?>) failures().getFirst();
        assertEquals(answer.header("X-Request-Id"), failure.get("id"));
        assertEquals(answer.header("X-Gateway-Error"), failure.get("cause"));
        assertEquals("dead", failure.get("backend"));
        assertEquals(List.of("dead: connect-refused"), failure.get("attempts"));
    }

    @Test
    void explainsWhichRouteWinsAndWhatTheBackendGets() throws Exception {
        lab.register(gateway, "short", lab.saying("x"), "/api");
        lab.register(gateway, "long", "http://127.0.0.1:" + Lab.deadPort(), "/api/v2");
        Map<?, ?> told = explain("/api/v2/users%3Fid=1");
        assertEquals("/api/v2", told.get("route"));
        assertEquals("/users?id=1", told.get("forwarded"));
        List<?> considered = (List<?>) told.get("considered");
        assertEquals(List.of("/api/v2/users", "/api/v2", "/api", "/"),
            considered.stream().map(line -> ((Map<?, ?>) line).get("prefix")).toList());
        Map<?, ?> candidate = (Map<?, ?>) ((List<?>) told.get("candidates")).getFirst();
        assertEquals("long", candidate.get("name"));
        assertTrue(candidate.get("target").toString().endsWith("/users?id=1"));
        assertEquals("/api/v2", ((Map<?, ?>) told.get("headers")).get("X-Forwarded-Prefix"));
        assertFalse(told.toString().contains(Lab.TOKEN), "a token is shown by its fingerprint alone");
    }

    @Test
    void explainsWithoutSendingAnything() throws Exception {
        List<String> seen = new CopyOnWriteArrayList<>();
        lab.register(gateway, "a", lab.backend(e -> {
            seen.add(e.getRequestURI().getPath());
            Lab.answer(e, 200, "");
        }), "/api");
        explain("/api/x");
        lab.get(gateway, "/api/last");
        Lab.until("the last request is there", () -> seen.contains("/last"));
        assertFalse(seen.contains("/x"));
    }

    @Test
    void explainsWhyARequestWouldBeRefused() throws Exception {
        assertEquals("404 no-route", explain("/nowhere").get("answer"));
        assertNull(explain("/nowhere").get("route"));
        assertEquals("the gateway's own page", explain("/gateway/status").get("answer"));
        assertEquals("400 bad-target", explain("/api/%252e%252e/x").get("answer"));
        assertEquals(400, lab.get(gateway, "/gateway/explain").status());
    }
}
