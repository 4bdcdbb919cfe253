import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Wrong input of every option: exit code 2, one clear sentence for each fault, and nothing is sent. */
class RegistrarWrongUsageTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--name=my shop               | BACKEND_NAME must be 1 to 64 of the characters",
        "--backend-url=localhost:3000 | BACKEND_URL must be http:// or https:// with a host",
        "--backend-url=http://u:p@h   | BACKEND_URL must be http:// or https:// with a host",
        "--backend-url=http://h:99999 | BACKEND_URL must have a port from 1 to 65535",
        "--backend-token=two words    | BACKEND_TOKEN must be 1 to 4096 visible ASCII characters",
        "--backend-token=señal        | BACKEND_TOKEN must be 1 to 4096 visible ASCII characters",
        "--prefix=/a//b               | BACKEND_PREFIX must be clean path segments",
        "--prefix=/gateway/x          | BACKEND_PREFIX /gateway belongs to the gateway itself",
        "--registry-url=file:x.json   | BACKENDS_REGISTRY_URL must be http(s)://",
        "--registry-url=http://       | BACKENDS_REGISTRY_URL must be http(s)://",
        "--registry-url=http://h/?a   | BACKENDS_REGISTRY_URL must be http(s)://",
        "--registry-url=http://h:0    | BACKENDS_REGISTRY_URL must be http(s)://",
        "--registry-url=http://u:p@h  | BACKENDS_REGISTRY_URL must be http(s)://",
        "--registry-url=etcd://       | BACKENDS_REGISTRY_URL must be http(s)://",
        "--registry-url=etcd://a,,b   | BACKENDS_REGISTRY_URL must be http(s)://",
        "--registry-url=etcd://a:b    | BACKENDS_REGISTRY_URL must be http(s)://",
        "--registry-url=etcd://%@a    | BACKENDS_REGISTRY_URL must be http(s)://",
        "--api-key=zwölf              | API_KEY must be 1 to 4096 visible ASCII characters",
        "--encryption-key=,           | ENCRYPTION_KEY has commas but no key",
        "--public-ip-urls=a,b         | PUBLIC_IP_URLS must be http:// or https:// urls",
        "--public-ip-urls=            | PUBLIC_IP_URLS must be http:// or https:// urls",
        "--interval-ms=5m             | --interval-ms must be a whole number from 1000",
        "--interval-ms=999            | --interval-ms must be a whole number from 1000",
        "--ttl-ms=1                   | --ttl-ms must be a whole number from 1000",
        "--health-path=up             | BACKEND_HEALTH_PATH must begin with /",
        "--weight=0                   | BACKEND_WEIGHT must be a whole number from 1 to 100",
        "--token-format=v3            | --token-format must be one of v1, v2",
        "--daemon=maybe               | --daemon must be true or false",
        "--deregister-on-exit         | --deregister-on-exit is for --daemon",
        "--frobnicate=1               | --frobnicate is not an option of this program",
        "stray                        | --help lists the options: an argument without dashes is none of them",
        "--env-file=/nowhere/at/all   | /nowhere/at/all cannot be read"})
    void namesTheSettingAndWhatItMustBe(String option, String sentence) {
        try (RegistryStub registry = new RegistryStub()) {
            Registrar.Run run = Registrar.run(Registrar.sound(registry.url(), option));
            assertEquals(2, run.code(), run.out() + run.err());
            assertTrue(run.err().startsWith(sentence), run.err());
            assertEquals(1, run.err().lines().count(), run.err());
            assertTrue(run.err().endsWith(".\n"), run.err());
            assertEquals("", run.out());
            assertEquals(0, registry.requests.size());
        }
    }

    @Test
    void namesAllThatIsMissingAtOnce() {
        Registrar.Run run = Registrar.run();
        assertEquals(2, run.code());
        for (String name : List.of("BACKEND_NAME", "BACKEND_URL", "BACKEND_TOKEN", "BACKEND_PREFIX",
                "BACKENDS_REGISTRY_URL", "API_KEY")) {
            assertTrue(run.err().contains(name + " is not set: give --"), name);
        }
        assertEquals(6, run.err().lines().count());
    }

    @Test
    void aPublicIpAddressNeedsAPort() {
        Registrar.Run run = Registrar.run("--use-public-ip", "--name=shop", "--backend-token=t",
            "--prefix=/api", "--registry-url=http://localhost:1", "--api-key=k");
        assertEquals("BACKEND_PORT is not set: give --backend-port=... or put it into .env.\n", run.err());
        assertEquals(2, run.code());
    }

    @Test
    void aPublicIpAddressAndAUrlExcludeEachOther() {
        Registrar.Run run =
            Registrar.run(Registrar.sound("http://localhost:1", "--use-public-ip", "--backend-port=1"));
        assertEquals("BACKEND_URL and --use-public-ip exclude each other: give one of them.\n", run.err());
        assertEquals(2, run.code());
    }

    @ParameterizedTest
    @CsvSource({"--daemon, --list", "--list, --deregister", "--deregister, --dry-run",
        "--daemon, --deregister"})
    void doesOneThingAtATime(String one, String other) {
        Registrar.Run run = Registrar.run(Registrar.sound("http://localhost:1", one, other));
        assertEquals("--help says what each command does: give one of --daemon, --dry-run, --deregister and"
            + " --list.\n", run.err());
        assertEquals(2, run.code());
    }

    @Test
    void doesNotRepeatAPasswordInAWrongUrl() {
        Registrar.Run run = Registrar.run(Registrar.sound("http://root:hunter2@registry:8000"));
        assertEquals(2, run.code());
        assertFalse(run.err().contains("hunter2"));
    }

    @Test
    void helpNamesEveryOptionAndItsVariable() {
        Registrar.Run run = Registrar.run(Map.of(), "--help");
        assertEquals(0, run.code());
        for (RegisterBackend.Env.Setting setting : RegisterBackend.Options.SETTINGS) {
            assertTrue(run.out().contains("--" + setting.option()), setting.option());
            for (String variable : setting.variables()) assertTrue(run.out().contains(variable), variable);
        }
    }
}
