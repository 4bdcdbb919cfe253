import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** --list and --deregister: looking at what a registry holds, and taking something out. */
class RegistrarListTest {
    private static final String DATA = "{\"name\":\"shop\",\"url\":\"http://shop:3000\",\"prefix\":\"/api\","
        + "\"token\":\"" + Registrar.TOKEN + "\"}";

    @ParameterizedTest
    @ValueSource(strings = {
        "[{\"key\":\"shop\",\"data\":%s,\"metadata\":{\"lastUpdate\":\"-\"}}]",
        "{\"items\":[{\"key\":\"shop\",\"data\":%s,\"metadata\":{}}]}",
        "{\"backends:shop\":%s}"})
    void readsAllThreeShapesOfAList(String shape) {
        try (RegistryStub registry = new RegistryStub().answering(200, shape.formatted(DATA))) {
            Registrar.Run run = list(registry);
            assertEquals("""
                NAME  URL               PREFIX  LAST UPDATE
                shop  http://shop:3000  /api    -
                """, run.out());
            assertEquals(0, run.code());
            assertEquals("GET /collections/backends", registry.last().line());
        }
    }

    @Test
    void sortsByNameAndShowsTheLastUpdate() {
        try (RegistryStub registry = new RegistryStub().answering(200, """
                [{"key":"b","data":{"url":"http://b","prefix":"/"},
                  "metadata":{"lastUpdate":"2026-01-02T03:04:05Z"}},
                 {"key":"a","data":{"url":"http://a","prefix":"/long/prefix"}}, 7, {"data":null}]""")) {
            assertEquals("""
                NAME  URL       PREFIX        LAST UPDATE
                -     -         -             -
                a     http://a  /long/prefix  -
                b     http://b  /             2026-01-02T03:04:05Z
                """, list(registry).out());
        }
    }

    @Test
    void saysThatThereIsNone() {
        try (RegistryStub registry = new RegistryStub().answering(200, "[]")) {
            assertEquals("No backend is registered with " + registry.url() + ".\n", list(registry).out());
        }
    }

    @Test
    void letsNoEntryWriteToTheTerminal() {
        try (RegistryStub registry = new RegistryStub().answering(200,
                "{\"backends:\\u001b[31m\":"
                + "{\"url\":\"http://user:secret@h/\\u202e\\u0007\",\"prefix\":\"\\n\"}}")) {
            String out = list(registry).out();
            assertFalse(out.contains("\u001b") || out.contains("\u202e") || out.contains("\u0007"), out);
            assertFalse(out.contains("secret"), out);
            assertTrue(out.contains("\\u001b[31m  http://...@h/\\u202e\\u0007  \\u000a"), out);
        }
    }

    @Test
    void saysWhenTheAnswerIsNoList() {
        try (RegistryStub registry = new RegistryStub().answering(200, "<html>")) {
            assertEquals(1, list(registry).code());
        }
    }

    @Test
    void takesABackendOut() {
        try (RegistryStub registry = new RegistryStub()) {
            Registrar.Run run = deregister(registry);
            assertEquals("Took shop out of " + registry.url() + ".\n", run.out());
            assertEquals(0, run.code());
            assertEquals("DELETE /collections/backends/shop", registry.last().line());
            assertEquals("Bearer " + Registrar.API_KEY, registry.last().authorization());
        }
    }

    @Test
    void takingOutWhatIsNotThereIsNoFault() {
        try (RegistryStub registry = new RegistryStub().answering(404, "{\"error\":\"not found\"}")) {
            Registrar.Run run = deregister(registry);
            assertEquals("shop is not registered with " + registry.url() + ": nothing to take out.\n",
                run.out());
            assertEquals(0, run.code());
        }
    }

    @Test
    void saysWhenTheRegistryDoesNotLetItGo() {
        try (RegistryStub registry = new RegistryStub().answering(401, "")) {
            Registrar.Run run = deregister(registry);
            assertTrue(run.err().contains("set API_KEY"), run.err());
            assertEquals(1, run.code());
        }
    }

    private static Registrar.Run list(RegistryStub registry) {
        return Registrar.run("--list", "--registry-url=" + registry.url(), "--api-key=" + Registrar.API_KEY);
    }

    private static Registrar.Run deregister(RegistryStub registry) {
        return Registrar.run("--deregister", "--name=shop", "--registry-url=" + registry.url(),
            "--api-key=" + Registrar.API_KEY);
    }
}
