import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Document;

/**
 * On each system: installed twice under a fake root; what was written is run as that system would run it,
 * and the service prints the values that reached it; then uninstalled, and the tree is as before.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@ResourceLock("services of this machine")
class InstallSystemsTest {
    private static final String UNIT = "backend-gateway-register@api";
    private static final String FOREIGN = "# mine\n5 4 * * * /bin/true # backend-gateway-register@api2\n";
    private static final String CRONTAB = "var/spool/cron/crontabs/" + System.getProperty("user.name");
    private static final Map<String, Case> CASES = new ConcurrentHashMap<>();

    @TempDir
    static Path folder;

    /** One system, with all that happened there. */
    private record Case(InstallLab lab, Map<String, String> before, InstallLab.Result first,
                        Map<String, String> once, InstallLab.Result second, Map<String, String> twice) {
        Path installed() {
            return lab.root.resolve(lab.root.resolve("opt").toFile().exists() ? "opt/backend-gateway"
                : lab.root.resolve("ProgramData").toFile().exists() ? "ProgramData/backend-gateway"
                : System.getProperty("user.home").substring(1) + "/.local/share/backend-gateway");
        }
    }

    @BeforeAll
    static void installTwiceOnEach() throws Exception {
        // The account that cron's service runs as has to look in.
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        twoAtATime(system -> CASES.put(system, install(system)));
    }

    private interface Action {
        void run(String system) throws Exception;
    }

    private static void twoAtATime(Action action) throws Exception {
        try (ExecutorService two = Executors.newFixedThreadPool(2)) {
            List<Future<?>> runs = new ArrayList<>();
            for (String system : List.of("systemd", "systemd-user", "openrc", "cron", "launchd", "windows")) {
                runs.add(two.submit(() -> {
                    action.run(system);
                    return null;
                }));
            }
            for (Future<?> run : runs) run.get();
        }
    }

    private static Case install(String system) throws Exception {
        InstallLab lab = system.equals("windows")      // where no path has quotes
            ? new InstallLab(folder.resolve(system), "ro ot 'q' $HOME %h% & x")
            : new InstallLab(folder.resolve(system));
        lab.writeTalkingPrograms();
        Files.createDirectories(lab.root.resolve(CRONTAB).getParent());
        Files.writeString(lab.root.resolve(CRONTAB), FOREIGN);
        Files.setPosixFilePermissions(lab.root.resolve(CRONTAB),
            PosixFilePermissions.fromString("rw-------"));
        Map<String, String> before = lab.picture();
        InstallLab.Result first = lab.run("--yes", "--force", "--system=" + system);
        Map<String, String> once = lab.picture();
        InstallLab.Result second = lab.run("--yes", "--force", "--system=" + system);
        return new Case(lab, before, first, once, second, lab.picture());
    }

    @AfterAll
    static void endWhatCronStarted() throws IOException {
        Stream<ProcessHandle> ours = ProcessHandle.allProcesses().filter(process ->
            process.info().commandLine().orElse("").contains(folder.toString()));
        ours.forEach(ProcessHandle::destroyForcibly);
    }

    @ParameterizedTest
    @ValueSource(strings = {"systemd", "systemd-user", "openrc", "cron", "launchd", "windows"})
    void installsAndTheSecondTimeChangesNothing(String system) {
        Case it = CASES.get(system);
        assertEquals(0, it.first().exit(), it.first().output());
        assertEquals(0, it.second().exit(), it.second().output());
        assertEquals(InstallLab.lines(it.once()), InstallLab.lines(it.twice()));
        assertTrue(it.first().says("skipped"), "it tells which calls it left out");
    }

    @ParameterizedTest
    @ValueSource(strings = {"systemd", "systemd-user", "openrc", "cron", "launchd", "windows"})
    void aSecretIsInTheFileOfSettingsOnly(String system) throws IOException {
        Case it = CASES.get(system);
        Path settings = it.installed().resolve(UNIT + ".env");
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(settings)));
        for (String secret : InstallLab.SECRETS) {
            for (String part : List.of(secret, secret.substring(2, 9))) {
                assertFalse(it.first().says(part) || it.second().says(part), "in the output");
                for (Path file : files(it.lab().root)) {
                    String text = Files.readString(file, StandardCharsets.ISO_8859_1).replace("\0", "");
                    String bytes = new String(part.getBytes(StandardCharsets.UTF_8),
                        StandardCharsets.ISO_8859_1);
                    assertFalse(!file.equals(settings) && text.contains(bytes), "in " + file);
                }
            }
        }
    }

    private static List<Path> files(Path root) throws IOException {
        try (Stream<Path> paths = Files.walk(root)) {
            return paths.filter(Files::isRegularFile).toList();
        }
    }

    @Test
    void theManifestHasTheHashOfEachFile() throws IOException {
        Case it = CASES.get("systemd");
        String json = Files.readString(it.installed().resolve("manifest.json"));
        Map<?, ?> manifest = Install.Json.parseObject(json);
        Map<?, ?> files = (Map<?, ?>) manifest.get("files");
        assertEquals(5, files.size());
        for (Map.Entry<?, ?> file : files.entrySet()) {
            byte[] bytes = Files.readAllBytes(Path.of((String) file.getKey()));
            assertEquals(InstallLab.hash(bytes), ((Map<?, ?>) file.getValue()).get("sha256"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"systemd", "systemd-user"})
    void systemdFindsNoFaultInTheUnit(String system) throws Exception {
        assumeTrue(InstallLab.has("systemd-analyze"), "there is no systemd-analyze here");
        Case it = CASES.get(system);
        String folder = system.equals("systemd") ? "etc/systemd/system/"
            : System.getProperty("user.home").substring(1) + "/.config/systemd/user/";
        Path unit = it.lab().root.resolve(folder + UNIT + ".service");
        assertEquals("", InstallLab.output("systemd-analyze", "verify", unit.toString()));
        if (system.equals("systemd-user")) return;
        String exposure = InstallLab.output("systemd-analyze", "--no-pager", "security", "--offline=true",
            "--threshold=30", unit.toString());
        assertTrue(exposure.contains("Overall exposure level"), exposure);
    }

    @Test
    void cronStartsALoopThatRestartsTheServiceAndRunsOnlyOnce() throws Exception {
        Case it = CASES.get("cron");
        Path log = it.installed().resolve("state").resolve(UNIT + ".log");
        Path script = it.installed().resolve(UNIT + ".sh");
        start(cronCommand(it));
        InstallLab.await("the service", () -> count(log, "ready") == 1);
        assertValues(Files.readString(log));
        start(cronCommand(it)).waitFor();
        ProcessHandle service = running().getFirst();
        service.destroyForcibly();
        InstallLab.await("its restart", () -> count(log, "ready") == 2);
        assertEquals(1, running().size(), "one service, however often it was started");
        InstallLab.output("sh", script.toString(), "stop");
        InstallLab.await("its end", () -> running().isEmpty());
        assertFalse(Files.exists(it.installed().resolve("state").resolve(UNIT + ".pid")));
    }

    /** The crontab's line for us, of which there is one, as cron reads it: a backslash before % goes. */
    private static String cronCommand(Case it) throws IOException {
        String crontab = it.lab().read(CRONTAB);
        assertTrue(crontab.startsWith(FOREIGN), "the lines of others are as they were");
        List<String> ours = crontab.lines().filter(line -> line.startsWith("@reboot ")).toList();
        assertEquals(1, ours.size());
        return ours.getFirst().substring("@reboot ".length()).replace("\\%", "%");
    }

    private static Process start(String shellCommand) throws IOException {
        return InstallLab.process(List.of("sh", "-c", shellCommand)).start();
    }

    private static List<ProcessHandle> running() {
        return ProcessHandle.allProcesses().filter(process -> {
            List<String> words = List.of(process.info().arguments().orElse(new String[0]));
            return words.contains("-Dservice=" + UNIT) && String.join(" ", words).contains(folder.toString());
        }).toList();
    }

    private static int count(Path file, String line) {
        try {
            return (int) Files.readString(file).lines().filter(line::equals).count();
        } catch (IOException e) {
            return 0;                                     // not there yet
        }
    }

    @Test
    void openrcStartsTheServiceWithItsValues() throws Exception {
        Case it = CASES.get("openrc");
        Path script = it.lab().root.resolve("etc/init.d/" + UNIT);
        // As OpenRC's supervise-daemon.sh does it: expanded, and evaluated once more.
        String openrc = """
            show() { for word in "$@"; do printf '%s\\n' "$word"; done; }
            . "$0"; depend_is=$(command -V depend)
            eval show ${output_log+--stdout} ${output_log} $respawn_max \
                ${command_user+--user} $command_user -- $command $command_args""";
        List<String> words = InstallLab.output("sh", "-c", openrc, script.toString()).lines().toList();
        Path log = it.installed().resolve("state").resolve(UNIT + ".log");
        assertEquals(List.of("--stdout", log.toString(), "0", "--user", "daemon:daemon", "--"),
            words.subList(0, 6));
        assertValuesOf(words.subList(6, words.size()));
    }

    @Test
    void launchdsPlistStartsTheServiceWithItsValues() throws Exception {
        assumeTrue(InstallLab.has("python3"), "there is no python3 here");
        Case it = CASES.get("launchd");
        String folder = it.installed().startsWith(it.lab().root.resolve("opt")) ? "Library/LaunchDaemons/"
            : System.getProperty("user.home").substring(1) + "/Library/LaunchAgents/";
        String json = InstallLab.output("python3", "-c",
            "import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))",
            it.lab().root.resolve(folder + UNIT + ".plist").toString());
        Map<?, ?> plist = Install.Json.parseObject(json);
        assertEquals(UNIT, plist.get("Label"));
        assertEquals(true, plist.get("KeepAlive"));
        assertEquals(it.installed().resolve("state").resolve(UNIT + ".log").toString(),
            plist.get("StandardOutPath"));
        assertValuesOf(((List<?>) plist.get("ProgramArguments")).stream().map(String.class::cast).toList());
    }

    @Test
    void windowsTaskStartsTheServiceWithItsValues() throws Exception {
        Case it = CASES.get("windows");
        byte[] bytes = Files.readAllBytes(it.installed().resolve(UNIT + ".xml"));
        assertEquals("fffe", "%02x%02x".formatted(bytes[0], bytes[1]), "UTF-16, the low byte first");
        Document task = DocumentBuilderFactory.newInstance().newDocumentBuilder()
            .parse(it.installed().resolve(UNIT + ".xml").toFile());
        assertEquals("PT0S", text(task, "ExecutionTimeLimit"));
        assertEquals("999", text(task, "Count"));
        List<String> words = new ArrayList<>(List.of(text(task, "Command")));
        Matcher word = Pattern.compile("\"([^\"]*)\"|(\\S+)").matcher(text(task, "Arguments"));
        while (word.find()) words.add(word.group(1) == null ? word.group(2) : word.group(1));
        assertValuesOf(words);
    }

    private static String text(Document document, String element) {
        return document.getElementsByTagName(element).item(0).getTextContent();
    }

    private static void assertValuesOf(List<String> words) throws Exception {
        Process process = InstallLab.process(words).start();
        StringBuilder output = new StringBuilder();
        try (var lines = process.inputReader(StandardCharsets.UTF_8)) {
            String line = "";
            while (line != null && !line.equals("ready")) {
                line = lines.readLine();
                output.append(line).append('\n');
            }
        } finally {
            process.destroyForcibly();
        }
        assertValues(output.toString());
    }

    /** The service has exactly the values that were installed, and is not told them on its command line. */
    private static void assertValues(String output) {
        Map<String, String> values = new HashMap<>();
        for (String line : output.lines().toList()) {
            int equals = line.indexOf('=');
            if (equals > 0) values.put(line.substring(0, equals), line.substring(equals + 1));
        }
        assertTrue(values.getOrDefault("args", "").startsWith("--daemon --env-file="), output);
        Map<String, String> expected = new TreeMap<>(Map.of("BACKEND_NAME", "api", "BACKEND_PREFIX", "/api",
            "BACKEND_URL", "http://localhost:9", "BACKENDS_REGISTRY_URL", "http://localhost:9",
            "BACKEND_TOKEN", InstallLab.TOKEN, "API_KEY", InstallLab.API_KEY,
            "ENCRYPTION_KEY", InstallLab.ENCRYPTION_KEY));
        expected.forEach((name, value) -> assertEquals(value,
            new String(Base64.getDecoder().decode(values.get(name)), StandardCharsets.UTF_8), name));
    }

    @Test
    @Order(Integer.MAX_VALUE)
    void uninstallLeavesTheTreeAsItWas() throws Exception {
        twoAtATime(system -> {
            Case it = CASES.get(system);
            InstallLab.Result result = it.lab().answer("", "uninstall", "api", "--yes", "--system=" + system);
            assertEquals(0, result.exit(), result.output());
            assertEquals(InstallLab.lines(it.before()), InstallLab.lines(it.lab().picture()), system);
        });
    }
}
