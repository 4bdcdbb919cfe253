import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** What is checked before anything is written: each fault has its sentence, and stops or is overridden. */
@ResourceLock("services of this machine")
class InstallChecksTest {
    @TempDir
    Path folder;
    private InstallLab lab;
    private Map<String, String> before;

    @BeforeEach
    void prepare() throws Exception {
        lab = new InstallLab(folder);
        before = lab.picture();
    }

    @Test
    void allIsWellWhereRegistryAndBackendAnswer() throws Exception {
        try (InstallLab.FakeRegistry registry = new InstallLab.FakeRegistry()) {
            lab.writeSettings(registry.url(), registry.url());
            InstallLab.Result result = lab.run("--yes", "--dry-run", "--system=cron");
            assertFalse(result.says("FAULT"), result.output());
            assertTrue(result.says("ok     " + registry.url() + " answers and takes the API key"),
                result.output());
        }
    }

    @Test
    void aWrongKeyIsNamedAndStopsWhatRunsUnattended() throws Exception {
        try (InstallLab.FakeRegistry registry = new InstallLab.FakeRegistry()) {
            lab.writeSettings(registry.url(), registry.url());
            InstallLab.Result result = lab.run("--yes", "--api-key=another", "--system=cron");
            assertEquals(1, result.exit());
            assertTrue(result.says("it refused the API key; use the registry's own API_KEY."),
                result.output());
            assertTrue(result.says("Set right what is at fault, or go on with --force."), result.output());
            assertEquals(before, lab.picture());
        }
    }

    @Test
    void silenceOfRegistryAndBackendIsNamed() throws Exception {
        InstallLab.Result result = lab.run("--yes", "--registry-url=http://localhost:9", "--system=cron");
        assertEquals(1, result.exit());
        assertTrue(result.says("http://localhost:9 answers and takes the API key: it takes no connection"),
            result.output());
        assertTrue(result.says("the backend http://localhost:9: it takes no connection; start it"),
            result.output());
    }

    @Test
    void etcdIsTriedMemberByMember() throws Exception {
        try (ServerSocket member = new ServerSocket(0)) {
            InstallLab.Result result = lab.run("--yes", "--dry-run", "--system=cron",
                "--registry-url=etcd://localhost:" + member.getLocalPort() + ",localhost:9");
            assertTrue(result.says("localhost:9 takes no connection; start etcd"), result.output());
        }
    }

    @Test
    void aPortThatIsTakenIsNamed() throws Exception {
        try (ServerSocket taken = new ServerSocket(0)) {
            String port = "--proxy-port=" + taken.getLocalPort();
            InstallLab.Result result = lab.answer("", "gateway", "--yes", port);
            assertEquals(1, result.exit());
            assertTrue(result.says("port " + taken.getLocalPort() + ": it cannot be had"), result.output());
            assertTrue(result.says("choose another PROXY_PORT"), result.output());
            assertEquals(before, lab.picture());
        }
    }

    @Test
    void aFileWhereAFolderShouldBeIsNamed() throws Exception {
        Files.writeString(lab.root.resolve("opt"), "");
        InstallLab.Result result = lab.run("--yes", "--system=systemd");
        assertEquals(1, result.exit());
        assertTrue(result.says(lab.root.resolve("opt") + " is not a folder"), result.output());
    }
}
