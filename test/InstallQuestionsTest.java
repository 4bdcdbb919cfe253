import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** The questions: answered line by line or not at all, wrong answers, and the end of the input. */
@ResourceLock("services of this machine")
class InstallQuestionsTest {
    private static final List<String> REGISTRAR = List.of("tienda", "http://localhost:1", InstallLab.TOKEN,
        "/tienda", "http://localhost:1", InstallLab.API_KEY, InstallLab.ENCRYPTION_KEY);

    @TempDir
    Path folder;
    private InstallLab lab;
    private Map<String, String> before;

    @BeforeEach
    void prepare() throws Exception {
        lab = new InstallLab(folder);
        before = lab.picture();
    }

    private static String lines(List<String> answers) {
        return String.join("\n", answers) + "\n";
    }

    @Test
    void installsWhatWasAnsweredLineByLine() throws Exception {
        InstallLab.Result result = lab.answer(lines(REGISTRAR) + "yes\n", "--system=systemd");
        assertEquals(0, result.exit(), result.output());
        Path file = lab.root.resolve("opt/backend-gateway/backend-gateway-register@tienda.env");
        Install.Env settings = new Install.Env(List.of(
            Install.Env.Setting.of("token", "BACKEND_TOKEN", "", ""),
            Install.Env.Setting.of("key", "API_KEY", "", ""),
            Install.Env.Setting.of("encryption", "ENCRYPTION_KEY", "", ""),
            Install.Env.Setting.of("name", "BACKEND_NAME", "", ""),
            Install.Env.Setting.of("env-file", "", "", "")),
            new String[] {"--env-file=" + file}, Map.of());
        assertEquals("tienda", settings.text("name"));
        assertEquals(InstallLab.TOKEN, settings.text("token"));
        assertEquals(InstallLab.API_KEY, settings.text("key"));
        assertEquals(InstallLab.ENCRYPTION_KEY, settings.text("encryption"));
        for (String secret : InstallLab.SECRETS) assertFalse(result.says(secret));
    }

    @Test
    void asksAgainAfterAWrongAnswerAndSaysWhy() throws Exception {
        List<String> answers = List.of("two words", "ok", "localhost:3000", "http://localhost:1", "",
            "a b", "t", "", "nowhere", "http://localhost:1", "k", "", "no");
        InstallLab.Result result = lab.answer(lines(answers), "--system=systemd");
        assertEquals(1, result.exit(), result.output());
        assertTrue(result.says("It must be 1 to 64 of the characters A-Z a-z 0-9 . _ -"), result.output());
        assertTrue(result.says("It must be http:// or https:// with a host"), result.output());
        assertTrue(result.says("It is needed"), result.output());
        assertTrue(result.says("It must be visible ASCII characters"), result.output());
        assertTrue(result.says("It must be http(s)://… or etcd://HOST:2379"), result.output());
        assertTrue(result.says("Nothing was installed."), result.output());
        assertEquals(before, lab.picture());
    }

    @Test
    void theEndOfTheInputLeavesNothing() throws Exception {
        for (int answered : List.of(0, 3, 7)) {        // the last is before the word on failed checks
            InstallLab.Result result = lab.answer(lines(REGISTRAR.subList(0, answered)), "--system=cron");
            assertEquals(1, result.exit(), result.output());
            assertTrue(result.says("The input ended"), result.output());
            assertEquals(before, lab.picture());
        }
    }

    @Test
    void withoutQuestionsAMissingSecretIsNamed() throws Exception {
        InstallLab.Result result = lab.answer("", "--yes", "--name=api", "--prefix=/a b", "--system=cron");
        assertEquals(2, result.exit());
        assertTrue(result.says("BACKEND_TOKEN is needed"), result.output());
        assertTrue(result.says("API_KEY is needed"), result.output());
        assertTrue(result.says("BACKEND_PREFIX must be clean path segments"), result.output());
        assertEquals(before, lab.picture());
    }

    @Test
    void refusesWhatItDoesNotKnow() throws Exception {
        assertTrue(lab.answer("", "gateway", "--prefix=/api")
            .says("BACKEND_PREFIX is not a setting of the gateway."));
        assertTrue(lab.answer("", "--nonsense").says("--nonsense is not an option of this program"));
        assertTrue(lab.answer("", "purge").says("\"purge\" is not a command"));
        assertTrue(lab.answer("", "--system=upstart").says("must be one of systemd, systemd-user"));
        assertTrue(lab.answer("", "--source=gone.java", "--system=cron").says("gone.java not found"));
    }

    @Test
    void aDryRunShowsAllAndChangesNothing() throws Exception {
        InstallLab.Result result = lab.run("--yes", "--dry-run", "--system=systemd");
        assertEquals(0, result.exit(), result.output());
        for (String shown : List.of("would make", "would write", "ExecStart=", "BACKEND_NAME='api'",
            "API_KEY=(not shown)",
                "would run systemctl enable", "Nothing was changed.")) {
            assertTrue(result.says(shown), shown + " in " + result.output());
        }
        for (String secret : InstallLab.SECRETS) assertFalse(result.says(secret));
        assertEquals(before, lab.picture());
    }

    @Test
    void aGatewayWithItsOwnRegistryGetsKeysAndAPlaceForIt() throws Exception {
        InstallLab.Result result = lab.answer("\n\n\n18080\n\n", "gateway", "--system=systemd");
        assertEquals(0, result.exit(), result.output());
        String settings = lab.read("opt/backend-gateway/backend-gateway.env");
        assertTrue(settings.contains("PROXY_PORT='18080'"), "the port that was answered");
        assertTrue(settings.contains("/var/lib/backend-gateway/backends.json"), "the registry's file");
        assertTrue(lab.read("etc/systemd/system/backend-gateway.service")
            .contains("\nStateDirectory=backend-gateway\n"));
        Matcher key = Pattern.compile("(?:API_KEY|ENCRYPTION_KEY)='([0-9a-f]{64})'").matcher(settings);
        for (int i = 0; i < 2; i++) {
            assertTrue(key.find(), "a random key");
            assertFalse(result.says(key.group(1)));
        }
        lab.answer("", "gateway", "--system=systemd", "--yes", "--force");
        assertEquals(settings, lab.read("opt/backend-gateway/backend-gateway.env"),
            "the keys of before are kept");
    }

    @Test
    void aPublicAddressIsLeftToTheRegistrarToFind() throws Exception {
        InstallLab.Result result = lab.run("--yes", "--dry-run", "--system=cron", "--use-public-ip",
            "--backend-port=3000");
        assertTrue(result.says("BACKEND_PORT='3000'"), result.output());
        assertTrue(result.says("--daemon --use-public-ip "), result.output());
        assertFalse(result.says("BACKEND_URL="), result.output());
    }

    @Test
    void aSecretIsNotEchoedAtATerminal() throws Exception {
        assumeTrue(InstallLab.has("python3"), "there is no python3 here");
        String terminal = """
            import os, pty, sys
            pid, fd = pty.fork()
            if pid == 0:
                os.execv(sys.argv[1], sys.argv[1:])
            seen, answers = b"", [b"api", b"", b"s3cret-token", b"\\x04"]
            prompts = [b"Name of", b"URL of the backend", b"Token that", b"Prefix of"]
            try:
                while True:
                    seen += os.read(fd, 1000)
                    if prompts and prompts[0] in seen and seen.endswith(b": "):
                        prompts.pop(0)
                        os.write(fd, answers.pop(0) + (b"\\n" if prompts else b""))
            except OSError:
                pass
            print(seen.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            """;
        List<String> words = new ArrayList<>(List.of("python3", "-c", terminal));
        words.addAll(lab.command("--system=cron"));
        Process process = InstallLab.process(words).directory(lab.home.toFile()).start();
        String seen = new String(process.getInputStream().readAllBytes());
        assertTrue(seen.contains("Prefix of") && seen.contains("ended too early"), seen);
        assertFalse(seen.contains("s3cret"), seen);
        assertEquals(before, lab.picture());
    }

    @Test
    void helpListsEveryQuestion() throws Exception {
        InstallLab.Result result = lab.answer("", "--help");
        assertEquals(0, result.exit());
        for (String option : List.of("--name=", "--backend-token=", "--proxy-port=", "--yes", "--dry-run",
            "--root=")) {
            assertTrue(result.says(option), option);
        }
    }

    @Test
    void runsAloneFromItsSourceInAnEmptyFolder() throws Exception {
        Path alone = Files.createDirectory(folder.resolve("alone"));
        Files.copy(Path.of("Install.java"), alone.resolve("Install.java"));
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        List<String> words = List.of(java, "-XX:TieredStopAtLevel=1", "Install.java", "--yes");
        Process process = InstallLab.process(words).directory(alone.toFile()).start();
        String output = new String(process.getInputStream().readAllBytes());
        assertEquals(2, process.waitFor(), output);
        assertTrue(output.contains("put RegisterBackend.java beside Install.java"), output);
    }
}
