import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The gateway as a command: what it prints, how it ends, and what it leaves in its folder. */
class CommandLineTest {
    private static final Map<String, String> FREE_PORTS =
        Map.of("PROXY_PORT", "0", "REGISTRY_PORT", "0", "BIND_ADDRESS", "127.0.0.1");

    private Lab lab;
    private Path folder;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
        folder = Files.createDirectory(lab.folder.resolve("home"));
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private GatewayProcess run(Map<String, String> environment, String... options) throws IOException {
        return lab.keep(GatewayProcess.start(folder, environment, options));
    }

    private void assertRefused(String word, GatewayProcess process) throws Exception {
        assertEquals(2, process.exitCode());
        assertEquals(1, process.err().lines().count(), process::err);
        assertTrue(process.err().contains(word), process::err);
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(), files.toList(), "it leaves nothing behind");
        }
    }

    private int list(int registry, String apiKey) throws Exception {
        return lab.send(registry, "GET", "/collections/backends", null, "X-API-Key", apiKey).status();
    }

    @Test
    void helpListsEverySettingWithItsDefault() throws Exception {
        GatewayProcess process = run(Map.of("CACHE_TTL_MS", "nonsense"), "--help");
        assertEquals(0, process.exitCode());
        assertEquals("", process.err());
        for (GatewayServer.Env.Setting setting : GatewayServer.Config.SETTINGS) {
            assertTrue(process.out().contains("--" + setting.option()), setting.option());
            for (String name : setting.variables()) assertTrue(process.out().contains(name), name);
            assertTrue(process.out().contains(setting.meaning()), setting.option());
            if (!setting.isFlag()) assertTrue(process.out().contains(setting.fallback()), setting.option());
        }
    }

    @Test
    void wrongUsageIsOneSentenceAndExitCode2() throws Exception {
        assertRefused("--proxyport", run(FREE_PORTS, "--proxyport=8080"));
    }

    @Test
    void aMissingKeyOfAnotherRegistryIsNotInvented() throws Exception {
        assertRefused("API_KEY", run(Map.of("BACKENDS_REGISTRY_URL", "http://h", "PROXY_PORT", "0")));
    }

    @Test
    void aPortInUseIsNamedWithItsSetting() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String port = taken.getLocalPort() + "";
            assertRefused("PROXY_PORT " + port, run(FREE_PORTS, "--proxy-port=" + port));
            assertTrue(refusalHere("--registry-port=" + port).contains("REGISTRY_PORT " + port));
        }
    }

    @Test
    void anAddressThatIsNotThisMachinesIsNamedWithItsSetting() throws Exception {
        assertTrue(refusalHere("--bind-address=192.0.2.1").contains("BIND_ADDRESS"));
        assertTrue(refusalHere("--registry-bind=no-such-host.invalid").contains("REGISTRY_BIND"));
    }

    /** Within this process, which is quicker: what the command would print. */
    private String refusalHere(String option) {
        return assertThrows(GatewayServer.Env.Refused.class, () -> lab.gateway(option)).getMessage();
    }

    @Test
    void theFirstStartMakesKeysAndTheNextOneUsesThem() throws Exception {
        Path file = folder.resolve(".env");
        Files.writeString(file, "ACCESS_LOG=off");         // without an end of line
        GatewayProcess first = run(FREE_PORTS);
        int registry = first.registryPort();
        first.port();
        List<String> lines = Files.readAllLines(file);
        assertEquals(3, lines.size());
        assertEquals("ACCESS_LOG=off", lines.get(0));
        assertTrue(lines.get(1).matches("API_KEY=[A-Za-z0-9_-]{32,}"));
        assertTrue(lines.get(2).matches("ENCRYPTION_KEY=[A-Za-z0-9_-]{32,}"));
        if (FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        }
        String apiKey = lines.get(1).substring("API_KEY=".length());
        assertEquals(200, list(registry, apiKey));
        first.await("API_KEY and ENCRYPTION_KEY made and written to \\.env");
        first.kill();

        GatewayProcess second = run(FREE_PORTS);
        registry = second.registryPort();
        assertEquals(200, list(registry, apiKey));
        second.kill();
        assertEquals(lines, Files.readAllLines(file));
        assertFalse(second.out().contains("New keys"), second::out);
        for (String line : lines.subList(1, 3)) {
            String key = line.substring(line.indexOf('=') + 1);
            assertFalse((first.out() + first.err() + second.out() + second.err()).contains(key));
        }
    }

    @Test
    void theRegistryAloneServesNoGateway() throws Exception {
        GatewayProcess registry = run(FREE_PORTS, "--registry-only");
        int port = registry.registryPort();
        assertEquals(200, lab.send(port, "GET", "/health", null).status());
        assertEquals(401, lab.send(port, "GET", "/gateway/status", null).status());
        registry.terminate();
        assertEquals(128 + 15, registry.exitCode());
        assertFalse(registry.out().contains("Gateway   http"), registry::out);
    }

    @Test
    void theBannerNamesItsAddressesAndItsRegistry() throws Exception {
        GatewayProcess gateway = run(Map.of("BACKENDS_REGISTRY_URL", "http://127.0.0.1:1", "API_KEY", "a",
            "PROXY_PORT", "0"));
        int port = gateway.port();
        gateway.await("Registry  http://127\\.0\\.0\\.1:1");
        gateway.await("http://localhost:" + port + "/gateway/status");
        gateway.await("The gateway waits for it");
        gateway.kill();
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(Set.of(), Set.copyOf(files.toList()), "a gateway of another registry keeps nothing");
        }
    }
}
