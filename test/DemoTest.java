import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The first minute of a user: one file in an empty folder, one command, and the lines it says to try. */
class DemoTest {
    private static final Map<String, String> FREE_PORTS = Map.of("PROXY_PORT", "0", "REGISTRY_PORT", "0");
    private static final Pattern CURL = Pattern.compile("curl (?:-i )?http://localhost:(\\d+)(/\\S*)");

    private Lab lab;
    private Path folder;
    private Path temporary;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
        folder = Files.createDirectory(lab.folder.resolve("home"));
        temporary = Files.createDirectory(lab.folder.resolve("tmp"));
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private static List<Path> filesIn(Path folder) throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    @Test
    void worksFromTheOneFileInAnEmptyFolder() throws Exception {
        GatewayProcess demo = lab.keep(GatewayProcess.startFromSource(folder, FREE_PORTS, "--demo"));
        demo.await("Try, in another terminal");
        demo.await("curl \\S+/gateway/status\\R");
        Matcher lines = CURL.matcher(demo.out());
        List<String> paths = new ArrayList<>();
        while (lines.find()) {
            paths.add(lines.group(2));
            Lab.Answer answer = lab.send(Integer.parseInt(lines.group(1)), "GET", lines.group(2), null);
            assertEquals(200, answer.status(), lines.group());
            answer.json();
        }
        assertEquals(3, paths.size(), demo::out);
        assertTrue(paths.containsAll(List.of("/gateway/health", "/gateway/status")), paths::toString);
    }

    @Test
    void takesTurnsBetweenTwoBackendsThatGetTheirTokensAndLeavesNothingBehind() throws Exception {
        Files.writeString(folder.resolve("backends.json"), "precious");
        Files.writeString(folder.resolve(".env"), "ACCESS_LOG=off\n");
        GatewayProcess demo = lab.keep(GatewayProcess.start(folder, FREE_PORTS,
            List.of("-Djava.io.tmpdir=" + temporary, "-XX:TieredStopAtLevel=4"), "--demo"));
        demo.await("Try, in another terminal");
        int port = demo.port();
        Lab.until("both are there", () ->
            lab.send(port, "GET", "/gateway/health", null).json().get("healthy").equals(2L));
        List<String> names = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            Lab.Answer answer = lab.send(port, "POST", "/api/hello?x=1", "body");
            assertEquals(200, answer.status());
            assertEquals(answer.header("X-Backend-Name"), answer.json().get("backend"));
            assertEquals("POST", answer.json().get("method"));
            assertEquals("/hello?x=1", answer.json().get("path"));
            assertEquals(true, answer.json().get("tokenArrived"));
            names.add(answer.header("X-Backend-Name"));
        }
        for (int i = 2; i < names.size(); i++) assertEquals(names.get(i - 2), names.get(i), names::toString);
        assertFalse(names.get(0).equals(names.get(1)), names::toString);

        Path registry = filesIn(filesIn(temporary).getFirst()).stream()
            .filter(file -> file.endsWith("backends.json")).findFirst().orElseThrow();
        assertFalse(Files.readString(registry).contains("token of"), "tokens are not encrypted");

        demo.terminate();
        demo.exitCode();
        assertEquals(List.of(), filesIn(temporary));
        assertEquals(2, filesIn(folder).size());
        assertEquals("precious", Files.readString(folder.resolve("backends.json")));
        assertEquals("ACCESS_LOG=off\n", Files.readString(folder.resolve(".env")));
        assertEquals("", demo.err());
    }
}
