import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the embedded registry has answered as written is on the disk; what is on the disk is not harmed. */
class RegistryDurabilityTest {
    private Lab lab;
    private Path folder;
    private Path file;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
        folder = Files.createDirectory(lab.folder.resolve("home"));
        file = folder.resolve("backends.json");
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private GatewayProcess registry() throws IOException {
        return lab.keep(GatewayProcess.startWithKeys(folder, "--registry-only"));
    }

    private Lab.Answer put(int port, String name) throws Exception {
        Map<String, Object> data = Lab.data(name, "http://localhost:3000", "/api");
        String body = GatewayServer.Json.write(Map.of("data", data));
        return lab.send(port, "PUT", "/collections/backends/" + name, body, "X-API-Key", Lab.API_KEY);
    }

    private Set<String> names(int port) throws Exception {
        Lab.Answer answer = lab.send(port, "GET", "/collections/backends", null, "X-API-Key", Lab.API_KEY);
        Set<String> names = new HashSet<>();
        for (Object item : (List<?>) GatewayServer.Json.parse(answer.body())) {
            names.add((String) ((Map<?, ?>) item).get("key"));
        }
        return names;
    }

    @Test
    void losesNoAnsweredWriteWhenItIsKilled() throws Exception {
        Set<String> answered = ConcurrentHashMap.newKeySet();
        for (int round = 0; round < 3; round++) {
            GatewayProcess registry = registry();
            int port = registry.registryPort();
            assertEquals(answered, intersection(answered, names(port)));
            String prefix = "r" + round + "-";
            int before = answered.size();
            try (ExecutorService writers = Executors.newFixedThreadPool(4)) {
                for (int writer = 0; writer < 4; writer++) {
                    String mine = prefix + writer + "-";
                    writers.submit(() -> writeUntilItDies(port, mine, answered));
                }
                int enough = before + 40 + 17 * round;     // another moment each time
                Lab.until("some were written", () -> answered.size() >= enough);
                registry.kill();
            }
        }
        GatewayProcess registry = registry();
        Set<String> found = names(registry.registryPort());
        assertEquals(answered, intersection(answered, found));
        assertTrue(found.size() <= answered.size() + 3 * 4, "what was under way may be there, no more");
    }

    private void writeUntilItDies(int port, String prefix, Set<String> answered) {
        try {
            for (int i = 0; put(port, prefix + i).status() == 200; i++) answered.add(prefix + i);
        } catch (Exception e) {
            // It was killed.
        }
    }

    private static Set<String> intersection(Set<String> some, Set<String> others) {
        Set<String> both = new HashSet<>(some);
        both.retainAll(others);
        return both;
    }

    @Test
    void remembersAcrossAnOrderlyRestart() throws Exception {
        GatewayProcess first = registry();
        put(first.registryPort(), "shop");
        String before = Files.readString(file);
        first.terminate();
        first.exitCode();
        assertEquals(before, Files.readString(file));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(Set.of(file, folder.resolve("backends.json.lock")), Set.copyOf(files.toList()));
        }
        GatewayProcess second = registry();
        assertEquals(Set.of("shop"), names(second.registryPort()));
        assertEquals(200, put(second.registryPort(), "shop").status());
        String registeredAt = "\"registeredAt\":\"[^\"]*\"";
        assertEquals(before.replaceAll("(?s).*(" + registeredAt + ").*", "$1"),
            Files.readString(file).replaceAll("(?s).*(" + registeredAt + ").*", "$1"));
    }

    @Test
    void takesInWhatManyWritersSendAtOnce() throws Exception {
        GatewayServer registry = lab.gateway("--registry-only");
        List<Future<Lab.Answer>> answers = new ArrayList<>();
        Set<String> names = new HashSet<>();
        try (ExecutorService writers = Executors.newFixedThreadPool(16)) {
            for (int i = 0; i < 200; i++) {
                String name = "backend-" + i;
                names.add(name);
                answers.add(writers.submit(() -> put(registry.registryPort(), name)));
            }
        }
        for (Future<Lab.Answer> answer : answers) assertEquals(200, answer.get().status());
        assertEquals(names, names(registry.registryPort()));
    }

    @Test
    void keepsTheFileForItsOwnerAlone() throws Exception {
        if (!FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) return;
        GatewayServer registry = lab.gateway("--registry-only", "--registry-file=" + file);
        put(registry.registryPort(), "shop");
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    }

    @Test
    void reportsADamagedFileAndLeavesItAsItIs() throws Exception {
        String sound = GatewayServer.Json.write(List.of(Map.of("key", "shop", "data",
            Lab.data("shop", "http://localhost:3000", "/api"), "metadata", Map.of())));
        List<byte[]> damaged = new ArrayList<>();
        for (String text : List.of("", "\0\0\0\0", "garbage", "{}", "[7]", "[{}]", "[null]",
                sound.substring(0, sound.length() / 2), sound.replace("\"shop\"", "7"), sound + sound)) {
            damaged.add(text.getBytes());
        }
        damaged.add(new byte[] {'[', '"', (byte) 0xFF, '"', ']'});
        for (byte[] content : damaged) {
            Files.write(file, content);
            String refused = openStore().getMessage();
            assertTrue(refused.contains("is damaged and was left as it is"), refused);
            assertTrue(refused.contains(file.toString()), refused);
            assertArrayEquals(content, Files.readAllBytes(file));
        }
    }

    /** As a gateway opens it: without the process, for there are many to be tried. */
    private IOException openStore() {
        try {
            new GatewayServer.Store(file).close();
        } catch (IOException e) {
            return e;
        }
        throw new AssertionError("it was opened");
    }

    @Test
    void endsWithOneSentenceWhenTheFileIsDamaged() throws Exception {
        Files.writeString(file, "[{\"key\":\"shop\",\"da");
        GatewayProcess registry = registry();
        assertEquals(1, registry.exitCode());
        assertEquals(1, registry.err().lines().count(), registry::err);
        assertTrue(registry.err().contains("is damaged"), registry::err);
        assertEquals("[{\"key\":\"shop\",\"da", Files.readString(file));
    }

    @Test
    void takesAFileThatWasWrittenByHand() throws Exception {
        Files.writeString(file, "[{\"key\": \"shop\", \"data\": {\"url\": \"http://localhost:3000\","
            + " \"prefix\": \"/api\"}}]");
        GatewayServer registry = lab.gateway("--registry-only", "--registry-file=" + file);
        assertEquals(Set.of("shop"), names(registry.registryPort()));
        assertEquals(200, put(registry.registryPort(), "shop").status());
        assertEquals(200, put(registry.registryPort(), "blog").status());
    }

    @Test
    void refusesASecondRegistryOnTheSameFile() throws Exception {
        GatewayProcess first = registry();
        put(first.registryPort(), "shop");
        GatewayProcess second = registry();
        assertEquals(1, second.exitCode());
        assertEquals(1, second.err().lines().count(), second::err);
        assertTrue(second.err().contains("REGISTRY_FILE"), second::err);
        assertEquals(200, put(first.registryPort(), "shop").status());
        first.kill();
        assertEquals(Set.of("shop"), names(registry().registryPort()), "a lock ends with its process");
    }

    @Test
    void saysWhatIsWrongWithAFolderThatIsNotThere() throws Exception {
        String refused = assertThrows(GatewayServer.Env.Refused.class, () -> lab.gateway("--registry-only",
            "--registry-file=" + folder.resolve("none/backends.json"))).getMessage();
        assertTrue(refused.startsWith("REGISTRY_FILE "), refused);
        assertEquals(1, refused.lines().count(), refused);
    }

    @Test
    void writesThroughALinkToTheFileAndNotOverIt() throws Exception {
        Path real = Files.createDirectory(folder.resolve("data")).resolve("real.json");
        Files.writeString(real, "[]");
        Files.createSymbolicLink(file, real);
        GatewayServer registry = lab.gateway("--registry-only", "--registry-file=" + file);
        put(registry.registryPort(), "shop");
        assertTrue(Files.isSymbolicLink(file));
        assertTrue(Files.readString(real).contains("shop"));
    }
}
