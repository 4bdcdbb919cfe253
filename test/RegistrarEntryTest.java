import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a registration writes into an http registry. */
class RegistrarEntryTest {

    @Test
    void putsTheEntryUnderItsNameWithTheRegistrysKey() {
        try (RegistryStub registry = new RegistryStub()) {
            Registrar.Run run = Registrar.run(Registrar.sound(registry.url()));
            assertEquals("Registered shop at http://localhost:3000 for /api with " + registry.url() + ".\n",
                run.out());
            assertEquals("", run.err());
            assertEquals(0, run.code());
            RegistryStub.Request request = registry.last();
            assertEquals("PUT /collections/backends/shop", request.line());
            assertEquals("Bearer " + Registrar.API_KEY, request.authorization());
            assertEquals(Set.of("name", "url", "token", "prefix"), request.data().keySet());
            assertEquals("shop", request.data().get("name"));
            assertEquals("http://localhost:3000", request.data().get("url"));
            assertEquals("/api", request.data().get("prefix"));
        }
    }

    @Test
    void sealsTheTokenAsV2TiedToNameUrlAndPrefixAsEverybodyReadsThem() throws GeneralSecurityException {
        try (RegistryStub registry = new RegistryStub()) {
            Registrar.run(Registrar.sound(registry.url(), "--token-format=v2",
                "--backend-url=http://localhost:3000/v1/", "--prefix=api/"));
            String sealed = registry.last().data().get("token").toString();
            var cipher = new RegisterBackend.TokenCipher(
                List.of(RegisterBackend.TokenCipher.secretFrom(Registrar.API_KEY)));
            assertTrue(sealed.startsWith("v2."));
            assertEquals(Registrar.TOKEN, cipher.open(sealed, "shop\nhttp://localhost:3000/v1\n/api"));
            assertThrows(GeneralSecurityException.class,
                () -> cipher.open(sealed, "shop\nhttp://evil\n/api"));
        }
    }

    @Test
    void sealsWithTheFirstOfSeveralEncryptionKeys() throws GeneralSecurityException {
        try (RegistryStub registry = new RegistryStub()) {
            String keys = "--encryption-key=" + Registrar.ENCRYPTION_KEY + " , old";
            Registrar.run(Registrar.sound(registry.url(), keys));
            String sealed = registry.last().data().get("token").toString();
            assertFalse(sealed.startsWith("v2."));                  // sound() asks for v1
            assertEquals(Registrar.TOKEN,
                new RegisterBackend.TokenCipher(List.of(Registrar.ENCRYPTION_KEY)).open(sealed, ""));
        }
    }

    @Test
    void usesTheSaltOfTheFleetSoThatAGatewayDerivesOneKey() {
        try (RegistryStub registry = new RegistryStub()) {
            Registrar.run(Registrar.sound(registry.url()));
            String sealed = registry.last().data().get("token").toString();
            assertArrayEquals(RegisterBackend.TokenCipher.sharedSalt(Registrar.API_KEY),
                Arrays.copyOf(Base64.getDecoder().decode(sealed), 16));
        }
    }

    @Test
    void tellsTheRegistryWhoRegisteredAndWhen() {
        try (RegistryStub registry = new RegistryStub()) {
            Instant before = Instant.now().minusMillis(1);
            Registrar.run(Registrar.sound(registry.url()));
            Map<?, ?> metadata = registry.last().metadata();
            assertEquals(Set.of("registeredAt", "lastUpdate", "system"), metadata.keySet());
            assertTrue(Instant.parse(metadata.get("lastUpdate").toString()).isAfter(before));
            assertEquals(Set.of("hostname", "os", "arch", "javaVersion"), registry.last().system().keySet());
        }
    }

    @Test
    void writesHealthPathWeightAndTtlWhereTheyAreGiven() {
        try (RegistryStub registry = new RegistryStub()) {
            Registrar.run(
                Registrar.sound(registry.url(), "--health-path=/ready", "--weight", "3", "--ttl-ms=90000"));
            assertEquals("/ready", registry.last().data().get("healthPath"));
            assertEquals(3L, registry.last().data().get("weight"));
            assertEquals(90_000L, registry.last().data().get("ttlMs"));
        }
    }

    @Test
    void aRegistrationThatNobodyRepeatsNeverExpires() {
        try (RegistryStub registry = new RegistryStub()) {
            Registrar.run(Registrar.sound(registry.url()));
            assertNull(registry.last().data().get("ttlMs"));
        }
    }

    @Test
    void postsTheEntryWithItsKeyToARegistryThatKnowsNoPut() {
        for (int unknown : new int[] {404, 405, 501}) {
            RegistryStub.Answer no = new RegistryStub.Answer(unknown, "");
            try (RegistryStub registry = new RegistryStub().answering(
                    request -> request.method().equals("PUT") ? no : RegistryStub.STORED)) {
                assertEquals(0, Registrar.run(Registrar.sound(registry.url())).code());
                assertEquals("POST /collections/backends", registry.last().line());
                assertEquals(Set.of("key", "data", "metadata"), registry.last().json().keySet());
                assertEquals("shop", registry.last().json().get("key"));
            }
        }
    }

    @Test
    void findsARegistryBelowAPath() {
        try (RegistryStub registry = new RegistryStub()) {
            assertEquals(0, Registrar.run(Registrar.sound(registry.url() + "/registry/")).code());
            assertEquals("/registry/collections/backends/shop", registry.last().path());
        }
    }

    @Test
    void takesEverySettingFromTheEnvironmentAndFromAFile(@TempDir Path folder) throws IOException {
        try (RegistryStub registry = new RegistryStub()) {
            Path file = Files.writeString(folder.resolve("shop.env"), """
                BACKEND_NAME=other
                BACKEND_URL="http://localhost:3000"
                BACKEND_TOKEN=%s
                BACKEND_PREFIX=/api
                BACKEND_WEIGHT=7
                """.formatted(Registrar.TOKEN));
            Map<String, String> environment = Map.of("BACKEND_NAME", "shop", "API_KEY", Registrar.API_KEY,
                "BACKENDS_REGISTRY_URL", registry.url(), "BACKEND_HEALTH_PATH", "/up");
            Registrar.Run run =
                Registrar.run(environment, "--env-file", file.toString(), "--token-format=v1");
            assertEquals(0, run.code(), run.err());
            assertEquals("shop", registry.last().data().get("name"));
            assertEquals("/up", registry.last().data().get("healthPath"));
            assertEquals(7L, registry.last().data().get("weight"));
        }
    }

    @Test
    void aDryRunShowsTheEntryAndSendsNothing() {
        try (RegistryStub registry = new RegistryStub()) {
            Registrar.Run run = Registrar.run(Registrar.sound(registry.url(), "--dry-run", "--daemon",
                "--token-format=v2"));
            List<String> lines = new ArrayList<>(run.out().lines().toList());
            assertEquals("PUT " + registry.url() + "/collections/backends/shop", lines.get(1));
            Map<?, ?> data = (Map<?, ?>) RegisterBackend.Json.parseObject(lines.get(2)).get("data");
            assertEquals("(sealed, v2)", data.get("token"));
            assertEquals(900_000L, data.get("ttlMs"));              // as the daemon would have it
            assertEquals(0, registry.requests.size());
            assertEquals(0, run.code());
        }
    }
}
