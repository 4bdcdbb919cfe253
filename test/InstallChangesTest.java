import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** What is undone, kept, renewed and removed; upgrades, files changed by hand, two backends on one machine. */
@ResourceLock("services of this machine")
class InstallChangesTest {
    private static final String UNIT = "etc/systemd/system/backend-gateway-register@api.service";
    private static final String SETTINGS = "opt/backend-gateway/backend-gateway-register@api.env";

    @TempDir
    static Path installed;
    private static InstallLab old;             // where one service is installed, for all tests to go on from

    @TempDir
    Path folder;
    private InstallLab lab;

    @BeforeAll
    static void installOne() throws Exception {
        old = new InstallLab(installed);
        assertEquals(0, old.run("--yes", "--force", "--system=systemd").exit());
    }

    @BeforeEach
    void prepare() throws Exception {
        lab = new InstallLab(folder);
    }

    private InstallLab.Result install(InstallLab lab, String... more) throws Exception {
        String[] options = List.of(more).toArray(new String[more.length + 2]);
        options[more.length] = "--yes";
        options[more.length + 1] = "--system=systemd";
        return lab.run(options);
    }

    @Test
    void aFailureHalfWayLeavesNothing() throws Exception {
        Map<String, String> before = lab.picture();
        Files.writeString(lab.home.resolve("RegisterBackend.java"), "public class RegisterBackend { oops }");
        InstallLab.Result result = install(lab, "--force");
        assertEquals(1, result.exit());
        assertTrue(result.says("does not compile"), result.output());
        assertTrue(result.says("Nothing is left of this attempt."), result.output());
        assertEquals(InstallLab.lines(before), InstallLab.lines(lab.picture()));
    }

    @Test
    void aFailedUpgradeLeavesTheInstalledOneAsItWas() throws Exception {
        Map<String, String> before = old.picture();
        Path program = old.home.resolve("RegisterBackend.java");
        String text = Files.readString(program);
        Files.writeString(program, "public class RegisterBackend { oops }");
        InstallLab.Result result = install(old, "--force", "--prefix=/new");
        Files.writeString(program, text);
        assertEquals(1, result.exit());
        assertEquals(InstallLab.lines(before), InstallLab.lines(old.picture()));
    }

    @Test
    void aSignalHalfWayLeavesNothing() throws Exception {
        Map<String, String> before = lab.picture();
        Process process = lab.start(lab.withSettings("--yes", "--force", "--system=cron"));
        try (BufferedReader lines = process.inputReader()) {
            String line = lines.readLine();
            while (line != null && !line.contains("RegisterBackend.jar")) line = lines.readLine();
            process.toHandle().destroy();       // a signal, as Ctrl-C is one
            String rest = String.join("\n", lines.lines().toList());
            assertTrue(rest.contains("Undo "), rest);
        }
        assertEquals(143, process.waitFor());
        assertEquals(InstallLab.lines(before), InstallLab.lines(lab.picture()));
    }

    @Test
    void anUpgradeKeepsTheSettingsAndWhatWasAddedToThem() throws Exception {
        Path settings = old.root.resolve(SETTINGS);
        Files.writeString(settings, Files.readString(settings)
            + "# mine\nPUBLIC_IP_URLS=https://ip.example\n");
        old.writePrograms("newer");
        InstallLab.Result result = old.answer("", "--yes", "--force", "--system=systemd", "--prefix=/v2");
        assertEquals(0, result.exit(), result.output());
        assertTrue(result.says("renewed"), result.output());
        String after = Files.readString(settings);
        assertTrue(after.contains("BACKEND_PREFIX='/v2'\n"), "what was given now is renewed");
        assertTrue(after.contains("BACKEND_NAME='api'\n") && after.contains("ENCRYPTION_KEY="),
            "the rest is kept");
        assertTrue(after.contains("# mine\n") && after.contains("https://ip.example"), "and what was added");
        assertTrue(old.read("opt/backend-gateway/RegisterBackend.java").contains("// newer"));
    }

    @Test
    void aFileChangedByHandIsOverwrittenOnlyWhenAsked() throws Exception {
        try (InstallLab.FakeRegistry registry = new InstallLab.FakeRegistry()) {
            Path unit = old.root.resolve(UNIT);
            String ours = Files.readString(unit);
            Files.writeString(unit, ours + "# mine\n");
            String[] addresses = {"--registry-url=" + registry.url(), "--backend-url=" + registry.url()};
            assertTrue(install(old, addresses).says("kept " + unit + ", changed by hand"));
            assertTrue(Files.readString(unit).endsWith("# mine\n"));
            String[] asked = old.withSettings(addresses[0], addresses[1], "--system=systemd", "--name=api",
                "--prefix=/api", "--backend-token=t", "--api-key=" + InstallLab.API_KEY, "--encryption-key=");
            assertTrue(old.answer("no\n", asked).says(unit + " was changed by hand"));
            assertTrue(Files.readString(unit).endsWith("# mine\n"));
            assertEquals(0, old.answer("yes\n", asked).exit());
            assertEquals(ours, Files.readString(unit));
        }
    }

    @Test
    void twoBackendsShareTheProgramAndGoOneByOne() throws Exception {
        Map<String, String> before = lab.picture();
        try (InstallLab.FakeRegistry registry = new InstallLab.FakeRegistry()) {
            lab.writeTalkingPrograms();
            lab.writeSettings(registry.url(), registry.url());
            assertEquals(0, install(lab).exit());
            Map<String, String> one = lab.picture();
            InstallLab.Result second = install(lab, "--name=otra.2");
            assertEquals(0, second.exit(), second.output());
            assertTrue(second.says("left "
                + lab.root.resolve("opt/backend-gateway/lib/RegisterBackend.jar")));
            InstallLab.Result which = lab.answer("", "uninstall", "--system=systemd");
            assertEquals(2, which.exit());
            assertTrue(which.says("backend-gateway-register@otra.2"), which.output());
            assertEquals(0, lab.answer("", "uninstall", "otra.2", "--system=systemd").exit());
            assertEquals(InstallLab.lines(one), InstallLab.lines(lab.picture()));
            InstallLab.Result last = lab.answer("", "uninstall", "--system=systemd");
            assertTrue(last.says("took api out of " + registry.url()), last.output());
            assertEquals(List.of("/collections/backends/otra.2", "/collections/backends/api"),
                registry.deleted);
        }
        assertEquals(InstallLab.lines(before), InstallLab.lines(lab.picture()));
    }

    @Test
    void statusSaysWhatTheRegistryHas() throws Exception {
        try (InstallLab.FakeRegistry registry = new InstallLab.FakeRegistry()) {
            assertEquals(0, install(old, "--force", "--registry-url=" + registry.url()).exit());
            InstallLab.Result status = old.answer("", "status", "--system=systemd");
            assertTrue(status.says(registry.url()
                + " has it, since 2026-01-02T03:04:05Z, renewed 2026-02-03"),
                status.output());
            assertTrue(status.says("backend-gateway-register@api: does not run"), status.output());
            assertEquals(1, status.exit());
            for (String secret : InstallLab.SECRETS) assertFalse(status.says(secret));
        }
        assertTrue(lab.answer("", "status", "--system=systemd").says("No service is installed"));
    }

    @Test
    void aServiceOfAnotherSystemIsNotInstalledBesides() throws Exception {
        InstallLab.Result result = old.run("--yes", "--force", "--system=openrc");
        assertEquals(1, result.exit());
        assertTrue(result.says("is installed with systemd: uninstall it first"), result.output());
    }
}
