import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whose word counts: proxies', operators', registered urls'. */
class TrustTest {

    private static GatewayServer.Config config(String... options) {
        String[] all = new String[options.length + 2];
        all[0] = "--api-key=x";
        all[1] = "--encryption-key=x";
        System.arraycopy(options, 0, all, 2, options.length);
        return GatewayServer.Config.read(all, Map.of());
    }

    /** Where a registered url may lead. */
    @Nested
    class AllowedBackends {

        private boolean permits(String patterns, String host, String address) throws Exception {
            return config("--allowed-backends=" + patterns).allowed().permits(host,
                InetAddress.getByName(address));
        }

        @ParameterizedTest
        @ValueSource(strings = {"169.254.169.254", "169.254.0.1", "fe80::1", "fd00:ec2::254",
            "100.100.100.200",
            "::ffff:169.254.169.254", "0.0.0.0", "::", "2852039166"})
        void areNoPlacesWhereCloudsKeepCredentials(String address) throws Exception {
            assertFalse(permits("", "named.test", address));
            assertFalse(permits("named.test,10.0.0.0/8", "named.test", address));
        }

        @ParameterizedTest
        @ValueSource(strings = {"127.0.0.1", "::1", "10.1.2.3", "192.168.1.1", "93.184.216.34", "2001:db8::1",
            "169.253.255.255",
            "169.255.0.0"})
        void areAnyOthersUnlessSomethingIsSet(String address) throws Exception {
            assertTrue(permits("", "named.test", address));
        }

        @ParameterizedTest
        @CsvSource(delimiter = '|', textBlock = """
            10.0.0.0/8          | any.test     | 10.255.0.1   | true
            10.0.0.0/8          | any.test     | 11.0.0.1     | false
            10.0.0.0/8          | any.test     | ::1          | false
            10.128.0.0/9        | any.test     | 10.127.0.1   | false
            10.128.0.0/9        | any.test     | 10.128.0.1   | true
            10.1.2.3            | any.test     | 10.1.2.3     | true
            10.1.2.3            | any.test     | 10.1.2.4     | false
            2001:db8::/32       | any.test     | 2001:db8::1  | true
            2001:db8::/32       | any.test     | 2001:db9::1  | false
            *.lan               | api.lan      | 10.0.0.1     | true
            *.lan               | API.LAN      | 10.0.0.1     | true
            *.lan               | a.b.lan      | 10.0.0.1     | true
            *.lan               | lan          | 10.0.0.1     | false
            *.lan               | evillan      | 10.0.0.1     | false
            *.lan               | lan.evil     | 10.0.0.1     | false
            api.lan             | api.lan      | 10.0.0.1     | true
            api.lan             | xapi.lan     | 10.0.0.1     | false
            api.lan             | xapi-lan     | 10.0.0.1     | false
            api.lan, 10.0.0.0/8 | other.test   | 10.0.0.1     | true
            api.lan, 10.0.0.0/8 | other.test   | 12.0.0.1     | false
            169.254.1.0/24      | any.test     | 169.254.1.9  | true
            169.254.1.0/24      | any.test     | 169.254.2.9  | false
            """)
        void areThoseThatFit(String patterns, String host, String address,
            boolean permitted) throws Exception {
            assertEquals(permitted, permits(patterns, host, address));
        }

        @ParameterizedTest
        @ValueSource(strings = {"10.0.0.0/33", "10.0.0/8", "*", "*lan", "a b", "http://x", "::/129",
            "10.0.0.0/-1", "1.2.3.4/"})
        void areNamedWell(String pattern) {
            try {
                config("--allowed-backends=" + pattern);
                throw new AssertionError(pattern + " was taken");
            } catch (GatewayServer.Env.Refused refused) {
                assertTrue(refused.getMessage().contains("ALLOWED_BACKENDS"), refused.getMessage());
            }
        }

        @Test
        void areNotAskedWhereTheirNamesLeadElsewhere() throws Exception {
            Path folder = Files.createTempDirectory("trust");
            Path hosts = Files.writeString(folder.resolve("hosts"),
                "169.254.169.254 metadata.test\n127.0.0.1 good.test localhost\n");
            try (WireBackend backend = new WireBackend()) {
                String port = backend.url().substring(backend.url().lastIndexOf(':'));
                Files.writeString(folder.resolve("backends.json"), GatewayServer.Json.write(List.of(
                    item("good", "http://good.test" + port, "/good"), item("other", "http://localhost" + port,
                        "/other"),
                    item("meta", "http://metadata.test" + port, "/meta"), item("number",
                        "http://169.254.169.254", "/number"))));
                try (GatewayProcess process = GatewayProcess.start(folder, Map.of("API_KEY", Lab.API_KEY,
                    "ENCRYPTION_KEY", "k",
                        "PROXY_PORT", "0", "REGISTRY_PORT", "0", "ALLOWED_BACKENDS", "*.test"),
                        List.of("-Djdk.net.hosts.file=" + hosts), "--health-failures=1000")) {
                    int gateway = process.port();
                    assertEquals(200, ask(gateway, "/good/x").status());
                    assertEquals("address-forbidden", ask(gateway, "/other/x").gatewayError());
                    assertEquals("address-forbidden", ask(gateway, "/meta/x").gatewayError());
                    assertEquals("address-forbidden", ask(gateway, "/number/x").gatewayError());
                    assertFalse(ask(gateway, "/meta/x").body().contains("169.254"));
                    assertEquals(1, backend.requests.size());
                }
            }
        }

        private static Map<String, Object> item(String name, String url, String prefix) {
            return Map.of("key", name, "data", Lab.data(name, url, prefix), "metadata", Map.of());
        }

        private static Wire.Message ask(int port, String target) throws Exception {
            try (WireClient client = new WireClient(port)) {
                return client.ask("GET " + target + " HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
            }
        }
    }

    /** What a proxy in front of the gateway says about its clients. */
    @Nested
    class TrustedProxies extends OnTheWire {

        @Override
        String[] options() {
            return new String[] {"--trusted-proxies=10.0.0.0/8, 127.0.0.1"};
        }

        @Test
        void areBelieved() throws Exception {
            get("/api/x", "X-Forwarded-For: 6.6.6.6, 10.0.0.1\r\n", "X-Forwarded-For: 10.0.0.2\r\n",
                "X-Forwarded-Proto: https\r\n",
                "X-Forwarded-Host: shop.test\r\n", "X-Forwarded-Prefix: /outer\r\n");
            assertEquals("6.6.6.6, 10.0.0.1, 10.0.0.2, 127.0.0.1", forwarded().header("X-Forwarded-For"));
            assertEquals("https", forwarded().header("X-Forwarded-Proto"));
            assertEquals("shop.test", forwarded().header("X-Forwarded-Host"));
            assertEquals("/outer/api", forwarded().header("X-Forwarded-Prefix"));
        }

        @Test
        void needNotSayAnything() throws Exception {
            get("/api/x");
            assertEquals("127.0.0.1", forwarded().header("X-Forwarded-For"));
            assertEquals("http", forwarded().header("X-Forwarded-Proto"));
            assertEquals("gateway.test", forwarded().header("X-Forwarded-Host"));
            assertEquals("/api", forwarded().header("X-Forwarded-Prefix"));
        }

        @Test
        void mayNotPassOnWhatNoHeaderCanCarry() throws Exception {
            assertEquals(400, get("/api/x", "X-Forwarded-For: caf\u00e9\r\n").status());
            assertNothingForwarded();
        }

        @Test
        void areBelievedOnlyWhereTheySpeakThemselves() throws Exception {
            get("/api/x", "Connection: X-Forwarded-For, X-Forwarded-Proto\r\n",
                "X_Forwarded_For: 6.6.6.6\r\n",
                "Forwarded: for=6.6.6.6\r\n", "X-Real-IP: 6.6.6.6\r\n");
            assertEquals("127.0.0.1", forwarded().header("X-Forwarded-For"));
            assertFalse(forwarded().head().contains("6.6.6.6"), forwarded().head());
        }
    }

    /** Who may read the gateway's own pages while no ADMIN_TOKEN is set. */
    @Nested
    class ThisMachineOnly extends OnTheWire {

        private int status(String host, String... lines) throws Exception {
            return ask("GET /gateway/status HTTP/1.1\r\nHost: " + host + "\r\n" + String.join("", lines)
                + "\r\n").status();
        }

        @ParameterizedTest
        @ValueSource(strings = {"localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.1.2.3", "[::1]",
            "[::1]:8080"})
        void readsThemByItsOwnName(String host) throws Exception {
            assertEquals(200, status(host));
        }

        @ParameterizedTest
        @ValueSource(strings = {"rebound.test", "localhost.rebound.test", "127.0.0.1.rebound.test",
            "127.0.0.1rebound.test", "", "0.0.0.0",
            "localhost.", "[::2]", "128.0.0.1", "10.0.0.1", "notlocalhost"})
        void isNotAPageWhoseNameWasMadeToPointHere(String host) throws Exception {
            assertEquals(403, status(host));
        }

        @ParameterizedTest
        @ValueSource(strings = {"X-Forwarded-For: 1.2.3.4", "X-Real-IP: 1.2.3.4", "Forwarded: for=1.2.3.4",
            "Via: 1.1 proxy",
            "X-Forwarded-Host: x", "X-Forwarded-Proto: https", "X-Forwarded-For:"})
        void isNotAProxyOnIt(String line) throws Exception {
            assertEquals(403, status("localhost", line + "\r\n"));
        }

        @Test
        void isNotWhomTheAbsoluteFormNamesOtherwise() throws Exception {
            assertEquals(403,
                ask("GET http://rebound.test/gateway/status HTTP/1.1\r\nHost: localhost\r\n\r\n").status());
        }

        @ParameterizedTest
        @CsvSource({"http://evil.test, 403", "null, 403", "http://localhost.evil.test, 403",
            "http://localhost:1, 403",
            "http://localhost, 200"})
        void isNotAForeignPageThatPostsToIt(String origin, int status) throws Exception {
            // A browser lets any page send this without asking, with the right Host; only Origin tells.
            assertEquals(status, ask("POST /gateway/reload HTTP/1.1\r\nHost: localhost\r\nOrigin: " + origin
                + "\r\nContent-Length: 0\r\n\r\n").status());
        }

        @Test
        void isToldHowToLetOthersIn() throws Exception {
            Wire.Message answer = get("/gateway/status");
            assertTrue(answer.body().contains("ADMIN_TOKEN"));
            assertFalse(answer.body().contains("raw"), "names no backend");
        }

        @Test
        void doesNotKeepItsHealthToItself() throws Exception {
            assertEquals(200, get("/gateway/health").status());
            assertFalse(get("/gateway/health").body().contains("raw"), "names no backend");
        }
    }

    /** Who may read the gateway's own pages once ADMIN_TOKEN is set. */
    @Nested
    class AdminToken extends OnTheWire {

        @Override
        String[] options() {
            return new String[] {"--admin-token=s3cret:token"};
        }

        @ParameterizedTest
        @ValueSource(strings = {"Bearer s3cret:token", "bearer s3cret:token", "BEARER s3cret:token"})
        void opensThemFromAnywhere(String authorization) throws Exception {
            assertEquals(200, get("/gateway/status", "Authorization: " + authorization + "\r\n",
                "X-Forwarded-For: 1.2.3.4\r\n")
                .status());
        }

        @ParameterizedTest
        @ValueSource(strings = {"", "Bearer", "Bearer s3cret", "Bearer s3cret:tokens", "Bearer S3cret:token",
            "s3cret:token",
            "Basic czNjcmV0OnRva2Vu", "Bearer " + Lab.TOKEN, "Bearer " + Lab.API_KEY})
        void mustBeTheRightOne(String authorization) throws Exception {
            Wire.Message answer = get("/gateway/status", "Authorization: " + authorization + "\r\n");
            assertEquals("401 admin-token-wrong", answer.status() + " " + answer.gatewayError());
            assertEquals("Bearer", answer.header("WWW-Authenticate"));
        }

        @Test
        void isNeededOnThisMachine() throws Exception {
            assertEquals(401, ask("GET /gateway/status HTTP/1.1\r\nHost: localhost\r\n\r\n").status());
        }

        @Test
        void reachesNoBackend() throws Exception {
            get("/api/x", "Authorization: Bearer s3cret:token\r\n");
            assertFalse(forwarded().head().contains("s3cret"));
        }
    }

    /** What a client sends cannot look like a line that the gateway wrote. */
    @Nested
    class LogLines {

        @ParameterizedTest
        @ValueSource(strings = {"text", "json"})
        void areOneForEachRequestWhateverItHolds(String kind) throws Exception {
            Path folder = Files.createTempDirectory("log");
            try (GatewayProcess process = GatewayProcess.startWithKeys(folder, "--access-log=" + kind)) {
                int port = process.port();
                process.await("Status ");
                int before = process.out().split("\n").length;
                List<String> requests = List.of("GET /a%0d%0aFORGED HTTP/1.1\r\nHost: a\r\n\r\n",
                    "GET /a\u00e9\u00ad HTTP/1.1\r\nHost: a\r\nX-Request-Id: x\u00e9FORGED\r\n\r\n",
                    "G\u001b[31mET /x HTTP/1.1\r\nHost: a\r\n\r\n",
                        "GET /x HTTP/1.1\u0007\r\nHost: a\r\n\r\n",
                    "GET /x HTTP/1.1\r\nHost: a\r\nX-Request-Id: a FORGED\r\nX-Forwarded-For: \"\r\n\r\n",
                    "GET /\"},{\" HTTP/1.1\r\nHost: a\r\n\r\n", "GET /last HTTP/1.1\r\nHost: a\r\n\r\n");
                for (String request : requests) {
                    try (WireClient client = new WireClient(port)) {
                        client.send(request);
                        client.in.read();
                    }
                }
                process.await("/last");
                for (String line : process.out().split("\n")) {
                    assertTrue(line.matches("[ -~\u2026]*"), line);
                    assertTrue(line.matches(line.startsWith("{") ? "\\{\"time\":\"20.*}"
                        : "20\\d\\d-\\d\\d-\\d\\dT.*"), line);
                }
                assertTrue(process.out().split("\n").length - before <= requests.size(), process.out());
            }
        }
    }
}
