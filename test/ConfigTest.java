import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What can be set, where from, and what the gateway says of a value that will not do. */
class ConfigTest {
    /** For each setting that has rules, values that break one. */
    private static final Map<String, List<String>> WRONG = new LinkedHashMap<>();

    /** Settings that take any text: what is wrong with one shows when it is used. */
    private static final List<String> FREE = List.of("env-file", "etcd-username", "etcd-password",
        "bind-address", "tls-cert", "tls-key", "tls-keystore", "tls-keystore-password", "backend-ca",
        "registry-bind", "registry-file");

    static {
        List<String> numbers = List.of("x", "-1", "1.5", "1e3", " ", "9".repeat(20), "0x10", "10 000");
        for (String option : List.of("cache-ttl-ms", "health-interval-ms", "health-timeout-ms",
                "health-failures", "connect-timeout-ms", "upstream-timeout-ms")) {
            WRONG.put(option, with(numbers, "0"));
        }
        WRONG.put("max-body-bytes", numbers);
        WRONG.put("shutdown-grace-ms", with(numbers, "86400001"));
        WRONG.put("proxy-port", with(numbers, "65536"));
        WRONG.put("registry-port", with(numbers, "65536"));
        WRONG.put("registry-url", List.of("localhost:8000", "ftp://h", "http://", "http:///x", "http://u:p@h",
            "http://h?q", "http://h#f", "http://a b", "http://[bad", "http://h:99999", "http://h:x",
            "http://my_registry:8000", "file:", "etcd://", "HTTP"));
        WRONG.put("api-key", List.of("ñ", "a\tb"));
        WRONG.put("encryption-key", List.of("ñ", "a\tb"));
        WRONG.put("admin-token", List.of("ñ", "a\tb"));
        WRONG.put("trusted-proxies", List.of("10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "localhost", "::1/129",
            "10.0.0.1;10.0.0.2", "256.0.0.1"));
        WRONG.put("allowed-backends", List.of("10.0.0.0/33", "*", "http://h", "a b", "::1/129"));
        WRONG.put("rewrite-redirects", List.of("yes", "1", "TRUE"));
        WRONG.put("access-log", List.of("all", "TEXT", "on"));
        GatewayServer.Config.SETTINGS.stream().filter(setting -> setting.isFlag())
            .forEach(flag -> WRONG.put(flag.option(), List.of("yes", "1")));
        WRONG.remove("help");                              // is looked for before anything is read
    }

    private static List<String> with(List<String> values, String more) {
        List<String> all = new ArrayList<>(values);
        all.add(more);
        return all;
    }

    private Lab lab;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private GatewayServer.Config read(Map<String, String> environment, String... options) throws Exception {
        List<String> all = new ArrayList<>(List.of(options));
        if (all.stream().noneMatch(o -> o.startsWith("--env-file"))) all.add("--env-file=" + lab.emptyFile());
        return GatewayServer.Config.read(all.toArray(String[]::new), environment);
    }

    private String refusal(Map<String, String> environment, String... options) {
        return assertThrows(GatewayServer.Env.Refused.class, () -> read(environment, options),
            () -> List.of(options) + " in " + environment).getMessage();
    }

    private static String title(String option) {
        return GatewayServer.Config.SETTINGS.stream().filter(s -> s.option().equals(option)).findFirst()
            .orElseThrow().title();
    }

    // ---- Where from ------------------------------------------------------------------------------------

    @Test
    void prefersTheCommandLineThenTheEnvironmentThenTheFileThenTheDefault() throws Exception {
        Path file = lab.folder.resolve("settings");
        Files.writeString(file, "CACHE_TTL_MS=111\nHEALTH_TIMEOUT_MS=112\nCONNECT_TIMEOUT_MS=113\n");
        GatewayServer.Config config = read(Map.of("CACHE_TTL_MS", "221", "HEALTH_TIMEOUT_MS", "222"),
            "--cache-ttl-ms=331", "--env-file=" + file);
        assertEquals(331, config.cacheTtl());
        assertEquals(222, config.healthTimeout());
        assertEquals(113, config.connectTimeout());
        assertEquals(60_000, config.upstreamTimeout());
    }

    @Test
    void hasTheDefaultsThatItsManualNames() throws Exception {
        GatewayServer.Config config = read(Map.of());
        assertEquals("", config.registryUrl());
        assertTrue(config.embedded());
        assertEquals(30_000, config.cacheTtl());
        assertEquals(8080, config.port());
        assertEquals("0.0.0.0", config.bindAddress());
        assertEquals(List.of(10_000, 5_000, 3),
            List.of(config.healthInterval(), config.healthTimeout(), config.healthFailures()));
        assertEquals(List.of(5_000, 60_000), List.of(config.connectTimeout(), config.upstreamTimeout()));
        assertEquals(0, config.maxBody());
        assertEquals(10_000, config.shutdownGrace());
        assertEquals("", config.adminToken());
        assertEquals(List.of(), config.trustedProxies());
        assertTrue(config.rewriteRedirects());
        assertEquals("errors", config.accessLog());
        assertEquals(8000, config.registryPort());
        assertEquals("127.0.0.1", config.registryBind());
        assertEquals("backends.json", config.registryFile());
    }

    @Test
    void takesThePortFromTheNameThatContainerPlatformsGiveItUnlessItsOwnIsThere() throws Exception {
        assertEquals(5000, read(Map.of("PORT", "5000")).port());
        assertEquals(6000, read(Map.of("PORT", "5000", "PROXY_PORT", "6000")).port());
        assertEquals(6000, read(Map.of("PORT", "5000", "PROXY_PORT", "6000")).port());
        assertEquals(7000, read(Map.of("PORT", "5000", "PROXY_PORT", "6000"), "--proxy-port=7000").port());
    }

    @Test
    void takesAValueAsItsOwnWordAndWithEqualsSignsInIt() throws Exception {
        GatewayServer.Config config = read(Map.of(), "--api-key", "a=b==", "--encryption-key=c=d");
        assertEquals("a=b==", config.apiKey());
        assertEquals("c=d", config.secrets().getFirst());
    }

    // ---- Keys ------------------------------------------------------------------------------------------

    @Test
    void opensTokensWithEveryKeyThatIsSetAndWithTheOneThatFollowsFromTheRegistrysKey() throws Exception {
        GatewayServer.Config config = read(Map.of(), "--api-key=a", "--encryption-key= new , old ,");
        assertEquals(List.of("new", "old", GatewayServer.TokenCipher.secretFrom("a")), config.secrets());
        GatewayServer.Config derived = read(Map.of(), "--api-key=a", "--registry-url=http://h");
        assertEquals(List.of(GatewayServer.TokenCipher.secretFrom("a")), derived.secrets());
    }

    @Test
    void makesKeysForItsOwnRegistryOnly() throws Exception {
        GatewayServer.Config one = read(Map.of());
        GatewayServer.Config two = read(Map.of());
        assertEquals(List.of("API_KEY", "ENCRYPTION_KEY"), List.copyOf(one.newKeys().keySet()));
        assertTrue(one.apiKey().length() >= 32, "a key that nobody can guess");
        assertNotEquals(one.apiKey(), two.apiKey());
        assertNotEquals(one.apiKey(), one.newKeys().get("ENCRYPTION_KEY"));
        assertEquals(List.of("ENCRYPTION_KEY"), List.copyOf(read(Map.of("API_KEY", "a")).newKeys().keySet()));
        assertEquals(Map.of(), read(Map.of("API_KEY", "a", "ENCRYPTION_KEY", "e")).newKeys());
        assertEquals(Map.of(), read(Map.of("API_KEY", "a", "BACKENDS_REGISTRY_URL", "http://h")).newKeys());
    }

    @Test
    void namesTheKeyThatAnotherRegistryWants() {
        String refusal = refusal(Map.of("BACKENDS_REGISTRY_URL", "http://registry:8000"));
        assertTrue(refusal.startsWith("API_KEY "), refusal);
        assertEquals(1, refusal.lines().count(), refusal);
    }

    @Test
    void needsNoKeyForAFile() throws Exception {
        assertEquals(Map.of(), read(Map.of(), "--registry-url=file:list.json").newKeys());
    }

    @Test
    void leavesTheRegistryUrlAsideWhereItServesTheRegistryItself() throws Exception {
        assertTrue(read(Map.of("BACKENDS_REGISTRY_URL", "http://h"), "--registry-only").embedded());
        assertTrue(read(Map.of("BACKENDS_REGISTRY_URL", "http://h"), "--demo").embedded());
    }

    // ---- Wrong values ----------------------------------------------------------------------------------

    @Test
    void everySettingIsTriedWithWrongValuesOrTakesAnyText() {
        TreeSet<String> tried = new TreeSet<>(WRONG.keySet());
        tried.addAll(FREE);
        tried.add("help");
        TreeSet<String> all = new TreeSet<>();
        GatewayServer.Config.SETTINGS.forEach(setting -> all.add(setting.option()));
        assertEquals(all, tried);
    }

    @Test
    void namesTheSettingThatIsWrongInOneSentence() {
        List<String> accepted = new ArrayList<>();
        for (String option : WRONG.keySet()) {
            for (String value : WRONG.get(option)) {
                try {
                    read(Map.of("API_KEY", "a", "ENCRYPTION_KEY", "e"), "--" + option + "=" + value);
                    accepted.add("--" + option + "=" + value);
                } catch (GatewayServer.Env.Refused e) {
                    assertTrue(e.getMessage().startsWith(title(option) + " "), e.getMessage());
                    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
                } catch (Exception e) {
                    accepted.add("--" + option + "=" + value + " " + e);
                }
            }
        }
        assertEquals(List.of(), accepted);
    }

    @Test
    void namesAllThatIsWrongAtOnce() {
        String refusal = refusal(Map.of("CACHE_TTL_MS", "soon", "ACCESS_LOG", "loud"), "--proxy-port=99999");
        assertEquals(3, refusal.lines().count(), refusal);
        for (String name : List.of("CACHE_TTL_MS", "ACCESS_LOG", "PROXY_PORT")) {
            assertTrue(refusal.contains(name), refusal);
        }
    }

    @Test
    void neverShowsAKeyThatIsWrong() {
        for (String option : List.of("api-key", "encryption-key", "admin-token")) {
            assertFalse(refusal(Map.of(), "--" + option + "=secretñ").contains("secret"));
        }
    }

    @Test
    void refusesWhatIsNoOption() {
        assertTrue(refusal(Map.of(), "--proxyport=8080").contains("--proxyport"));
        assertTrue(refusal(Map.of(), "8080").contains("--help"));
        assertTrue(refusal(Map.of(), "--env-file=no-such-file").contains("no-such-file"));
        assertTrue(refusal(Map.of(), "--proxy-port").contains("--proxy-port"));
    }

    // ---- The manual ------------------------------------------------------------------------------------

    @Test
    void theExampleFileNamesExactlyTheSettingsWithTheirDefaults() throws Exception {
        Map<String, String> inFile = new TreeMap<>();
        Pattern assignment = Pattern.compile("#? ?([A-Z][A-Z0-9_]*)=(.*)");
        for (String line : Files.readAllLines(Path.of(".env.example"))) {
            Matcher parts = assignment.matcher(line);
            if (parts.matches()) inFile.put(parts.group(1), parts.group(2));
        }
        Map<String, String> ours = new TreeMap<>();
        for (GatewayServer.Env.Setting setting : GatewayServer.Config.SETTINGS) {
            if (!setting.variables().isEmpty()) ours.put(setting.title(), setting.fallback());
        }
        inFile.keySet().removeIf(name -> !ours.containsKey(name) && name.matches("BACKEND_.*|PUBLIC_.*"));
        assertEquals(ours.keySet(), inFile.keySet());
        for (String name : List.copyOf(ours.keySet())) {
            if (ours.get(name).isEmpty()) inFile.put(name, "");       // an example of what may be there
        }
        assertEquals(ours, inFile, "defaults");
    }
}
