import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a backend learns of the request that reached the gateway, and a client of who answered it. */
class ForwardedHeadersTest {
    private Lab lab;
    private SocketBackend backend;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
        backend = lab.keep(SocketBackend.saying("ok"));
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private GatewayServer gateway(String... options) throws Exception {
        GatewayServer gateway = lab.gateway(options);
        lab.register(gateway, "shop", backend.url(), "/api");
        return gateway;
    }

    /** The head that the backend gets for a GET with these headers. */
    private String head(GatewayServer gateway, String... headers) throws Exception {
        backend.heads.clear();
        assertEquals(200, lab.get(gateway, "/api/x", headers).status());
        return backend.heads.getFirst();
    }

    private static List<String> all(String head, String name) {
        return head.lines().filter(line -> line.toLowerCase().startsWith(name.toLowerCase() + ":"))
            .map(line -> line.substring(name.length() + 1).strip()).toList();
    }

    @Test
    void tellsWhoAskedAndWhatFor() throws Exception {
        GatewayServer gateway = gateway();
        String head = head(gateway);
        assertEquals(List.of("127.0.0.1"), all(head, "X-Forwarded-For"));
        assertEquals(List.of("127.0.0.1:" + gateway.port()), all(head, "X-Forwarded-Host"));
        assertEquals(List.of("http"), all(head, "X-Forwarded-Proto"));
        assertEquals(List.of("/api"), all(head, "X-Forwarded-Prefix"));
        assertEquals(List.of(backend.url().substring(7)), all(head, "Host"));
    }

    @Test
    void tellsOfNoPrefixAtTheRoot() throws Exception {
        GatewayServer gateway = lab.gateway();
        lab.register(gateway, "root", backend.url(), "/");
        backend.heads.clear();
        lab.get(gateway, "/x", "X-Forwarded-Prefix", "/forged");
        assertEquals(List.of(), all(backend.heads.getFirst(), "X-Forwarded-Prefix"));
    }

    @Test
    void believesNobodyWhoIsNotTrusted() throws Exception {
        GatewayServer gateway = gateway("--trusted-proxies=10.0.0.0/8,::2");
        String head = head(gateway, "X-Forwarded-For", "1.2.3.4", "X-Forwarded-Host", "evil.example",
            "X-Forwarded-Proto", "https", "X-Forwarded-Prefix", "/evil", "X-Forwarded-Port", "444",
            "X-Forwarded-Server", "evil", "X-Real-IP", "1.2.3.4", "Forwarded", "for=1.2.3.4");
        assertEquals(List.of("127.0.0.1"), all(head, "X-Forwarded-For"));
        assertEquals(List.of("127.0.0.1:" + gateway.port()), all(head, "X-Forwarded-Host"));
        assertEquals(List.of("http"), all(head, "X-Forwarded-Proto"));
        assertEquals(List.of("/api"), all(head, "X-Forwarded-Prefix"));
        for (String name : List.of("X-Forwarded-Port", "X-Forwarded-Server", "X-Real-IP", "Forwarded")) {
            assertEquals(List.of(), all(head, name), name);
        }
    }

    @Test
    void appendsToWhatATrustedProxySays() throws Exception {
        GatewayServer gateway = gateway("--trusted-proxies=10.0.0.0/8,127.0.0.0/8");
        String head = head(gateway, "X-Forwarded-For", "1.2.3.4, 10.0.0.7", "X-Forwarded-Host",
            "shop.example", "X-Forwarded-Proto", "https", "X-Forwarded-Prefix", "/front");
        assertEquals(List.of("1.2.3.4, 10.0.0.7, 127.0.0.1"), all(head, "X-Forwarded-For"));
        assertEquals(List.of("shop.example"), all(head, "X-Forwarded-Host"));
        assertEquals(List.of("https"), all(head, "X-Forwarded-Proto"));
        assertEquals(List.of("/front/api"), all(head, "X-Forwarded-Prefix"));
    }

    @Test
    void joinsTheListsOfATrustedProxy() throws Exception {
        GatewayServer gateway = gateway("--trusted-proxies=127.0.0.1");
        String head = head(gateway, "X-Forwarded-For", "1.2.3.4", "X-Forwarded-For", "5.6.7.8");
        assertEquals(List.of("1.2.3.4, 5.6.7.8, 127.0.0.1"), all(head, "X-Forwarded-For"));
    }

    @Test
    void bringsTheBackendsTokenInPlaceOfTheClients() throws Exception {
        GatewayServer gateway = gateway();
        assertEquals(List.of("Bearer " + Lab.TOKEN), all(head(gateway), "Authorization"));
        String head = head(gateway, "Authorization", "Bearer of-the-client", "Authorization", "Basic YTpi");
        assertEquals(List.of("Bearer " + Lab.TOKEN), all(head, "Authorization"));
        assertFalse(head.contains("of-the-client"), head);
    }

    @Test
    void bringsNoTokenAtAllWhereABackendHasNone() throws Exception {
        GatewayServer gateway = lab.gateway();
        Map<String, Object> data = Lab.data("open", backend.url(), "/api");
        data.put("token", "");
        lab.register(gateway, data);
        assertEquals(List.of(), all(head(gateway, "Authorization", "Bearer of-the-client"), "Authorization"));
    }

    @Test
    void bringsEachBackendItsOwnTokenWhenARequestGoesOn() throws Exception {
        GatewayServer gateway = gateway("--health-failures=100");
        Map<String, Object> dead = Lab.data("dead", "http://127.0.0.1:" + Lab.deadPort(), "/api");
        dead.put("token", "of-the-dead");
        lab.register(gateway, dead);
        for (int i = 0; i < 4; i++) {
            String head = head(gateway);
            assertEquals(List.of("Bearer " + Lab.TOKEN), all(head, "Authorization"));
            assertEquals(List.of(backend.url().substring(7)), all(head, "Host"));
        }
    }

    @Test
    void passesOnTheRestAndTheTraceOfIt() throws Exception {
        String trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        String head = head(gateway(), "traceparent", trace, "X-Custom", "a, b", "Cookie", "s=1; t=2",
            "Accept-Language", "es", "User-Agent", "test/1");
        assertEquals(List.of(trace), all(head, "traceparent"));
        assertEquals(List.of("a, b"), all(head, "X-Custom"));
        assertEquals(List.of("s=1; t=2"), all(head, "Cookie"));
        assertEquals(List.of("es"), all(head, "Accept-Language"));
        assertEquals(List.of("test/1"), all(head, "User-Agent"));
    }

    @Test
    void doesNotTellBackendsWhichJavaItRunsOn() throws Exception {
        GatewayServer gateway = gateway();
        backend.heads.clear();
        Lab.raw(gateway.port(), "GET /api/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assertFalse(backend.heads.getFirst().contains("Java"), backend.heads.getFirst());
    }

    // ---- Request ids -----------------------------------------------------------------------------------

    @Test
    void givesEveryRequestAnIdThatBackendAndClientSee() throws Exception {
        GatewayServer gateway = gateway();
        backend.heads.clear();
        List<String> told = new ArrayList<>();
        for (int i = 0; i < 3; i++) told.add(lab.get(gateway, "/api/x").header("X-Request-Id"));
        List<String> seen = backend.heads.stream().map(head -> Lab.header(head, "X-Request-Id")).toList();
        assertEquals(seen, told);
        assertEquals(3, new HashSet<>(told).size());
        assertFalse(told.contains(""));
    }

    @Test
    void keepsAnIdThatIsFitForALogAndReplacesAnyOther() throws Exception {
        GatewayServer gateway = gateway();
        for (String id : List.of("abc-123", "A.b_c-9", "x".repeat(64))) {
            Lab.Answer answer = lab.get(gateway, "/api/x", "X-Request-Id", id);
            assertEquals(id, answer.header("X-Request-Id"));
            assertEquals(id, Lab.header(backend.heads.getLast(), "X-Request-Id"));
            assertEquals(id, lab.get(gateway, "/none", "X-Request-Id", id).json().get("requestId"));
        }
        for (String id : List.of("", "a b", "a\tb", "<script>", "x".repeat(65), "a,b", "a=b")) {
            Lab.Answer answer = lab.get(gateway, "/api/x", "X-Request-Id", id);
            assertNotEquals(id, answer.header("X-Request-Id"));
            assertFalse(answer.header("X-Request-Id").isEmpty());
            assertEquals(answer.header("X-Request-Id"), Lab.header(backend.heads.getLast(), "X-Request-Id"));
        }
    }

    // ---- Answers ---------------------------------------------------------------------------------------

    @Test
    void tellsClientsWhoAnswered() throws Exception {
        GatewayServer gateway = gateway();
        Lab.Answer answer = lab.get(gateway, "/api/x");
        assertEquals("shop", answer.header("X-Backend-Name"));
        assertEquals("gateway-server", answer.header("X-Proxied-By"));
        Lab.Answer own = lab.get(gateway, "/none");
        assertEquals("gateway-server", own.header("X-Proxied-By"));
        assertNull(own.headers().get("x-backend-name"));
    }

    @Test
    void letsNoBackendSpeakForTheGateway() throws Exception {
        GatewayServer gateway = lab.gateway();
        lab.register(gateway, "liar", lab.keep(new SocketBackend((head, socket) ->
            Lab.write(socket, "HTTP/1.1 200 OK\r\nX-Backend-Name: other\r\nX-Proxied-By: other\r\n"
                + "X-Request-Id: other\r\nX-Gateway-Error: no-route\r\nX-Mine: 1\r\nX-Mine: 2\r\n"
                + "Content-Length: 0\r\n\r\n"))).url(), "/api");
        Lab.Answer answer = lab.get(gateway, "/api/x", "X-Request-Id", "mine");
        assertEquals(List.of("liar"), answer.headers().get("x-backend-name"));
        assertEquals(List.of("gateway-server"), answer.headers().get("x-proxied-by"));
        assertEquals(List.of("mine"), answer.headers().get("x-request-id"));
        assertNull(answer.headers().get("x-gateway-error"));
        assertEquals(List.of("1", "2"), answer.headers().get("x-mine"));
        assertEquals(Set.of("date", "content-length", "x-backend-name", "x-proxied-by", "x-request-id",
            "x-mine"), answer.headers().keySet());
    }

    @Test
    void passesOnEveryCookieByItself() throws Exception {
        GatewayServer gateway = lab.gateway();
        lab.register(gateway, "shop", lab.keep(new SocketBackend((head, socket) ->
            Lab.write(socket, "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT\r\n"
                + "Set-Cookie: b=2; Path=/\r\nContent-Length: 0\r\n\r\n"))).url(), "/api");
        List<String> cookies = lab.get(gateway, "/api/x").headers().get("set-cookie");
        assertEquals(List.of("a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT", "b=2; Path=/"), cookies);
    }
}
