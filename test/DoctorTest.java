import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What --check finds, and that it changes nothing. */
class DoctorTest {
    private Lab lab;
    private Path folder;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
        folder = Files.createDirectory(lab.folder.resolve("here"));
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private record Report(int exit, String output) {
        /** The lines that begin with this level and speak of this. */
        boolean has(String level, String about, String what) {
            return output.lines().anyMatch(line ->
                line.startsWith(level) && line.contains(about) && line.contains(what));
        }
    }

    private Report check(String... options) throws Exception {
        List<String> all = new ArrayList<>(List.of("--check", "--api-key=" + Lab.API_KEY,
            "--encryption-key=" + Lab.ENCRYPTION_KEY, "--bind-address=127.0.0.1", "--proxy-port=0"));
        all.addAll(Arrays.asList(options));
        try (GatewayProcess process = GatewayProcess.start(folder, Map.of(), all.toArray(String[]::new))) {
            int exit = process.exitCode();
            return new Report(exit, process.out() + process.err());
        }
    }

    private String registryWith(List<Map<String, Object>> entries) throws Exception {
        List<Object> items = new ArrayList<>();
        for (Map<String, Object> data : entries) items.add(Map.of("key", data.get("name"), "data", data));
        Files.writeString(folder.resolve("list.json"), GatewayServer.Json.write(items));
        return "--registry-url=file:list.json";
    }

    @Test
    void findsNothingToFixWhereAllIsWell() throws Exception {
        Report report = check(registryWith(List.of(Lab.sealedData("good", lab.saying("x"), "/api"))));
        assertEquals(0, report.exit(), report.output());
        assertTrue(report.has("ok", "good", "answers 200"), report.output());
        assertFalse(report.output().contains(Lab.TOKEN) || report.output().contains(Lab.API_KEY));
        assertFalse(report.output().contains("\u001B"), "no colours where no terminal is");
    }

    @Test
    void namesEachFaultAndWhatToDo() throws Exception {
        Map<String, Object> moved = Lab.sealedData("moved", lab.saying("x"), "/api");
        moved.put("prefix", "/elsewhere");
        Map<String, Object> bad = Lab.data("bad", "ftp://x", "/api");
        Map<String, Object> sick = Lab.data("sick", lab.backend(e -> Lab.answer(e, 500, "")), "/api");
        Map<String, Object> dead = Lab.data("dead", "http://127.0.0.1:" + Lab.deadPort(), "/api");
        Report report = check(registryWith(List.of(moved, bad, sick, dead)));
        assertEquals(1, report.exit(), report.output());
        assertTrue(report.has("fix", "moved", "does not open"), report.output());
        assertTrue(report.has("fix", "bad", "url must be"), report.output());
        assertTrue(report.has("fix", "sick", "answers 500"), report.output());
        assertTrue(report.has("fix", "dead", "cannot be connected to"), report.output());
        assertTrue(report.has("warn", "sick", "plain text"), report.output());
    }

    @Test
    void warnsOfShortKeepAliveAndOfClocksThatAreOff() throws Exception {
        String url = lab.rawBackend(socket -> {
            Lab.readHead(socket.getInputStream());
            ZonedDateTime past = ZonedDateTime.now(ZoneOffset.UTC).minusHours(3);
            String date = DateTimeFormatter.RFC_1123_DATE_TIME.format(past);
            Lab.write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=2\r\nDate: " + date
                + "\r\n\r\n");
        });
        Report report = check(registryWith(List.of(Lab.data("old", url, "/api"))));
        assertEquals(0, report.exit(), report.output());
        assertTrue(report.has("warn", "old", "after 2 s"), report.output());
        assertTrue(report.has("warn", "old", "clock"), report.output());
    }

    @Test
    void saysThatARegistryIsAwayOrRefusesTheKey() throws Exception {
        Report away = check("--registry-url=http://127.0.0.1:" + Lab.deadPort());
        assertEquals(1, away.exit(), away.output());
        assertTrue(away.has("fix", "Registry", "nothing listens there"), away.output());
        GatewayServer gateway = lab.gateway();
        Report refused = check("--registry-url=http://127.0.0.1:" + gateway.registryPort(), "--api-key=wrong");
        assertTrue(refused.has("fix", "Registry", "refuses our API_KEY"), refused.output());
    }

    @Test
    void mindsAMissingFileOnlyWhereItWasToldOfIt() throws Exception {
        Report told = check("--registry-url=file:nowhere.json");
        assertEquals(1, told.exit(), told.output());
        assertTrue(told.has("fix", "Registry", "nowhere.json is not there"), told.output());
    }

    @Test
    void knowsItsOwnGatewayOnAPortFromAStranger() throws Exception {
        GatewayServer gateway = lab.gateway();
        String file = registryWith(List.of());
        assertTrue(check(file, "--proxy-port=" + gateway.port()).has("ok", "PROXY_PORT", "running gateway"));
        String stranger = lab.backend(e -> Lab.answer(e, 404, ""));
        Report report = check(file, "--proxy-port=" + stranger.substring(stranger.lastIndexOf(':') + 1));
        assertTrue(report.has("fix", "PROXY_PORT", "cannot be used"), report.output());
        assertEquals(1, report.exit());
    }

    @Test
    void tellsWhatARunningGatewayDoesNotKnowYet() throws Exception {
        GatewayServer gateway = lab.gateway();
        Map<String, Object> known = Lab.sealedData("known", lab.saying("x"), "/api");
        Lab.Answer put = lab.put(gateway, known);
        assertEquals(200, put.status(), put.body());
        Lab.until("it serves", () -> lab.send(gateway.port(), "GET", "/api/x", null).status() == 200);
        Map<String, Object> fresh = Lab.sealedData("fresh", lab.saying("x"), "/new");
        Map<String, Object> moved = Lab.sealedData("known", lab.saying("x"), "/api");
        String port = "--proxy-port=" + gateway.port();
        Report same = check(registryWith(List.of(known)), port);
        assertFalse(same.output().contains("newer"), same.output());
        Report report = check(registryWith(List.of(moved, fresh)), port);
        assertTrue(report.has("warn", "fresh", "newer in the registry"), report.output());
        assertTrue(report.has("warn", "known", "newer in the registry"), report.output());
    }

    @Test
    void tellsWhereASettingComesFromAndHidesSecrets() throws Exception {
        Files.writeString(folder.resolve("my.env"), "CACHE_TTL_MS=1234\nADMIN_TOKEN=hide-me\n");
        Report report = check(registryWith(List.of()), "--env-file=my.env");
        assertTrue(report.has("ok", "CACHE_TTL_MS", "1234, from my.env"), report.output());
        assertTrue(report.has("ok", "ADMIN_TOKEN", "set, from my.env"), report.output());
        assertFalse(report.output().contains("hide-me"));
    }

    @Test
    void writesNoFileAndMakesNoKeys() throws Exception {
        try (GatewayProcess process =
                GatewayProcess.start(folder, Map.of(), "--check", "--proxy-port=0", "--registry-port=0")) {
            assertEquals(0, process.exitCode(), process.out() + process.err());
        }
        try (var files = Files.list(folder)) {
            assertEquals(List.of(), files.toList());
        }
    }

    @Test
    void speaksJsonToMachines() throws Exception {
        Report report = check(registryWith(List.of()), "--json");
        List<?> findings = (List<?>) GatewayServer.Json.parse(report.output());
        assertEquals("ok", ((Map<?, ?>) findings.getFirst()).get("level"));
        assertEquals(0, report.exit());
    }
}
