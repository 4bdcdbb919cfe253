import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which bytes of a request's target reach a backend, and which targets reach none. */
class PathTest extends OnTheWire {

    @ParameterizedTest
    @ValueSource(strings = {"/", "/users", "/a/b/c/", "/a%2Fb", "/a%2fb", "/a%20b+c", "/a;v=1/b;w",
        "/a,b:c@d!$&'()*=~_-.",
        "/%E2%82%AC", "/%c3%a9", "/%41%7e", "/x//y", "//x", "/a.b/..c/.d/e../...", "/%252e%252e/x",
            "/a%3Fb%23c", "/%25",
        "/?", "/?a=b", "/?a=%2F..%2F&b=/../&c=?&d[]=1;e+f%20g", "/x?=&&==", "/x?%00", "/x?%C3%A9", "/a%5Cb"})
    void passesPathAndQueryOnByteForByte(String target) throws Exception {
        assertEquals(200, get("/api" + target).status());
        // HttpClient drops the "?" of an empty query: the one byte that cannot pass (README says so).
        assertEquals(target.equals("/?") ? "/" : target, forwarded().target());
    }

    @Test
    void escapesUtf8ThatComesRawAsTheSameBytes() throws Exception {
        String euro = new String("€".getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        String e = new String("ï".getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        assertTrue(euro.chars().anyMatch(c -> c >= 0x80 && c <= 0xA0));
        // 0x80 to 0xA0 are not let in by java.net.URI; the others, such as in "ï" (C3 AF), are.
        assertEquals(400, get("/api/" + euro).status());
        assertNothingForwarded();
        assertEquals(200, get("/api/" + e + "?q=" + e).status());
        assertEquals("/%C3%AF?q=%C3%AF", forwarded().target());
    }

    @ParameterizedTest
    @ValueSource(strings = {"/..", "/../x", "/.", "/./x", "/x/..", "/x/../../secret", "/%2e%2e/x", "/%2E./x",
        "/.%2e/x",
        "/x%2f..%2fy", "/x%2F%2e%2e%2Fy", "/..%2fx", "/..%5cx", "/x%5c..%5cy", "/x%5C%2e%2E", "/.%2e;x/y",
            "/..;x/y", "/..;",
        "/..%3bx/y", "/%2e/", "/x/%2e%2e"})
    void refusesDotSegmentsInEveryDress(String path) throws Exception {
        Wire.Message answer = get("/api" + path);
        assertEquals(400, answer.status());
        assertEquals("bad-target", answer.gatewayError());
        assertNothingForwarded();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/api/x\\..\\y", "/api/%zz", "/api/100%", "/api/a|b", "/api/a^b", "/api/{x}",
        "/api/a\"b",
        "/api/<x>", "/api/a`b", "/api/[x]"})
    void refusesWhatNoUriHolds(String target) throws Exception {
        assertEquals(400, get(target).status());
        assertNothingForwarded();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/api/%00", "/api/a%00b", "/api%00/x", "//api/x", "//evil.test/api/x", "///api/x",
        "/api/x#y",
        "/api/x%23#", "api/x", "ftp://gateway.test/api/x", "mailto:x", "http:/api/x", "http:api"})
    void refusesTargetsThatOthersReadAnotherWay(String target) throws Exception {
        try (WireClient client = connect()) {
            client.send("GET " + target + " HTTP/1.1\r\n" + HOST + "Connection: close\r\n\r\n");
            String all = new String(client.in.readAllBytes(), StandardCharsets.ISO_8859_1);
            // HttpServer itself answers 404 where the path does not begin with /, and nothing where there is
            // none.
            assertTrue(all.isEmpty() || all.startsWith("HTTP/1.1 40"), all);
        }
        assertNothingForwarded();
    }

    @ParameterizedTest
    @CsvSource({"http://gateway.test/api/x?y, /x?y", "HTTP://other.test:81/api, /",
        "https://gateway.test/api/a%2Fb, /a%2Fb"})
    void takesTheAbsoluteFormForWhatItNames(String target, String forwarded) throws Exception {
        assertEquals(200, get(target).status());
        assertEquals(forwarded, forwarded().target());
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://gateway.test/api/../x", "http://gateway.test//api/x",
        "http://gateway.test/api/%2e%2e/x"})
    void refusesInTheAbsoluteFormWhatItRefusesElsewhere(String target) throws Exception {
        assertEquals("bad-target", get(target).gatewayError());
        assertNothingForwarded();
    }

    @Test
    void believesTheAuthorityOfTheAbsoluteFormAndNotHost() throws Exception {
        // RFC 9112 section 3.2.2: who gets the absolute-form must ignore Host.
        assertEquals(200, get("http://named.test:81/api/x").status());
        assertEquals("named.test:81", forwarded().header("X-Forwarded-Host"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://user@gateway.test/api/x", "http://user:pw@gateway.test/api/x",
        "http://a,b/api/x",
        "http:///api/x"})
    void refusesAnAuthorityThatIsNoHostAndPort(String target) throws Exception {
        try (WireClient client = connect()) {
            client.send("GET " + target + " HTTP/1.1\r\n" + HOST + "Connection: close\r\n\r\n");
            assertTrue(new String(client.in.readAllBytes(), StandardCharsets.ISO_8859_1)
                .startsWith("HTTP/1.1 400 "));
        }
        assertNothingForwarded();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/%67ateway/status", "/gatewa%79/status", "/GATEWAY/status", "/gateway%2Fstatus",
        "/gateway;x/status",
        "/x/..%2fgateway/status", "//gateway/status", "/./gateway/status", "/gateway%00/status", "/gatewayx"})
    void knowsItsOwnPagesByTheirExactNameOnly(String target) throws Exception {
        int status = get(target).status();
        assertTrue(status == 404 || status == 400, target + " " + status);
        assertNothingForwarded();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/gateway", "/gateway/", "/gateway/status", "/gateway/status/",
        "/gateway/nothing", "/gateway/health/x",
        "/gateway/%73tatus", "/gateway//status", "http://gateway.test/gateway/status", "/gateway?x",
            "/proxy/status"})
    void keepsItsOwnPagesFromStrangers(String target) throws Exception {
        assertEquals("admin-only", get(target).gatewayError());
        assertNothingForwarded();
    }

    @Test
    void givesTheBackendOfTheRootNoneOfItsOwnPages() throws Exception {
        try (Lab other = new Lab()) {
            GatewayServer gateway = other.gateway();
            WireBackend root = other.keep(new WireBackend());
            other.register(gateway, "root", root.url(), "/");
            for (String target : new String[] {"/gateway/status", "/gateway/x", "/proxy/routing"}) {
                assertEquals("admin-only", Lab.header(Lab.raw(gateway.port(),
                    "GET " + target + " HTTP/1.1\r\n" + HOST + "Connection: close\r\n\r\n"),
                        "X-Gateway-Error"));
            }
            assertEquals(0, root.requests.size());
            // Which page this is, is for that backend to say: nothing here decodes it.
            Lab.raw(gateway.port(), "GET /%67ateway/status HTTP/1.1\r\n" + HOST
                + "Connection: close\r\n\r\n");
            assertEquals("/%67ateway/status", root.requests.getFirst().target());
        }
    }

    @Test
    void neverLeavesTheBasePathOfABackend() throws Exception {
        lab.register(gateway, "based", backend.url() + "/base/path", "/based");
        for (String path : new String[] {"/../x", "/..%2fx", "/%2e%2e/x", "/..;/x", "/x/../../../y"}) {
            assertEquals(400, get("/based" + path).status());
        }
        assertNothingForwarded();
        assertEquals(200, get("/based//x").status());
        assertEquals("/base/path//x", forwarded().target());
    }

    @Test
    void passesALongTargetOnAndRefusesOneThatIsTooLong() throws Exception {
        String target = "/" + "a".repeat(8000) + "?" + "b".repeat(8000);
        assertEquals(200, get("/api" + target).status());
        assertEquals(target, forwarded().target());
        backend.forget();
        try (WireClient client = connect()) {
            client.send("GET /api/" + "a".repeat(100_000));
            assertTrue(client.isClosed(), "HttpServer closes over 64 KiB of head, and says nothing");
        } catch (java.net.SocketException broken) {
            // It closed before all was sent.
        }
        assertNothingForwarded();
    }

}
