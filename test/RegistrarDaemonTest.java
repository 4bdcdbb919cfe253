import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** --daemon: it keeps a backend registered, whatever the registry does, until a signal ends it. */
class RegistrarDaemonTest {

    @Test
    void registersAgainAtEachIntervalWithTheSameSealedTokenAndSaysItOnce() {
        try (RegistryStub registry = new RegistryStub();
             Registrar daemon = startHere(registry.url(), "--interval-ms=1000")) {
            Registrar.await("three registrations", () -> registry.count("PUT") == 3);
            assertEquals(registry.requests.get(0).data(), registry.requests.get(2).data());
            assertEquals(3000L, registry.last().data().get("ttlMs"));
            daemon.stop();
            assertEquals(1, daemon.output().lines().count(), daemon.output());
            assertTrue(daemon.output().endsWith("Z Registered shop at http://localhost:3000 for /api with "
                + registry.url() + "."), daemon.output());
        }
    }

    @Test
    void aShortTtlShortensTheInterval() {
        try (RegistryStub registry = new RegistryStub();
             Registrar daemon = startHere(registry.url(), "--ttl-ms=1500")) {
            Registrar.await("three registrations", () -> registry.count("PUT") == 3);
            assertTrue(daemon.isAlive());
        }
    }

    @Test
    void outlivesARegistryThatIsDown() throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        try (Registrar daemon = startHere("http://localhost:" + port)) {
            daemon.awaitLine("(nothing listens there): check that it runs and that BACKENDS_REGISTRY_URL is"
                + " right. Next try in ");
            try (RegistryStub registry = new RegistryStub(port)) {
                daemon.awaitLine("Registered shop");
                assertEquals(1, registry.requests.size());
            }
        }
    }

    @Test
    void outlivesARegistryThatRefuses() {
        try (RegistryStub registry = new RegistryStub().answering(401, "");
             Registrar daemon = startHere(registry.url())) {
            daemon.awaitLine("set API_KEY to the key that the registry has. Next try in ");
            registry.answering(request -> RegistryStub.STORED);
            daemon.awaitLine("Registered shop");
        }
    }

    @Test
    void waitsLongerAfterEachFailureUpToAMinute() {
        long[] most = {2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000};
        for (int failures = 0; failures < 100; failures++) {
            long bound = most[Math.min(failures, most.length - 1)];
            for (int i = 0; i < 100; i++) {
                long pause = RegisterBackend.pauseMs(failures);
                assertTrue(pause >= bound / 2 && pause <= bound, failures + ": " + pause);
            }
        }
    }

    @Test
    void registersAtOnceWhenThePublicAddressChangedAndKeepsItWhileNobodyTellsOne() {
        AtomicReference<String> told = new AtomicReference<>("203.0.113.7");
        try (RegistryStub registry = new RegistryStub();
             RegistryStub service = new RegistryStub().answering(
                 request -> new RegistryStub.Answer(told.get().isEmpty() ? 503 : 200, told.get()));
             Registrar daemon = Registrar.startHere(Registrar.publicIp(registry.url(), service.url(),
                 "--daemon", "--interval-ms=1000"))) {
            daemon.awaitLine("Registered shop at http://203.0.113.7:3000");
            told.set("2001:db8::7");
            daemon.awaitLine("Registered shop at http://[2001:db8:0:0:0:0:0:7]:3000");
            told.set("");
            daemon.awaitLine("Keeping http://[2001:db8:0:0:0:0:0:7]:3000.");
            long before = registry.count("PUT");
            Registrar.await("two more registrations", () -> registry.count("PUT") >= before + 2);
            assertEquals("http://[2001:db8:0:0:0:0:0:7]:3000", registry.last().data().get("url"));
            assertEquals(1, daemon.output().lines().filter(line -> line.contains("Keeping")).count());
        }
    }

    @Test
    void waitsForAServiceThatTellsThePublicAddress() {
        try (RegistryStub registry = new RegistryStub();
             RegistryStub service = new RegistryStub().answering(200, "unknown");
             Registrar daemon = Registrar.startHere(
                 Registrar.publicIp(registry.url(), service.url(), "--daemon"))) {
            daemon.awaitLine("No service told the public IP address");
            assertEquals(0, registry.requests.size());
            service.answering(200, "203.0.113.7");
            daemon.awaitLine("Registered shop at http://203.0.113.7:3000");
        }
    }

    @Test
    void aSignalEndsItWithinASecondWhileItWaits() {
        try (RegistryStub registry = new RegistryStub()) {
            Registrar daemon = endsWithinASecond(() -> start(registry.url()).awaitLine("Registered shop"));
            assertEquals(143, daemon.exitCode());
            assertEquals(0, registry.count("DELETE"));
        }
    }

    @Test
    void aSignalEndsItWithinASecondWhileTheRegistryDoesNotAnswer() {
        try (RegistryStub registry = new RegistryStub().hanging()) {
            endsWithinASecond(() -> {
                long before = registry.count("PUT");
                Registrar daemon = start(registry.url());
                Registrar.await("a request", () -> registry.count("PUT") > before);
                return daemon;
            });
        }
    }

    @Test
    void aSignalEndsItWithinASecondBetweenTwoTries() {
        try (RegistryStub registry = new RegistryStub().answering(500, "")) {
            endsWithinASecond(() -> start(registry.url()).awaitLine("Next try in"));
        }
    }

    @Test
    void takesTheEntryAlongIfItIsToldTo() {
        try (RegistryStub registry = new RegistryStub()) {
            Registrar daemon = endsWithinASecond(
                () -> start(registry.url(), "--deregister-on-exit").awaitLine("Registered shop"));
            assertEquals("DELETE /collections/backends/shop", registry.last().line());
            daemon.awaitLine("Z Took shop out of " + registry.url() + ".");
        }
    }

    @Test
    void doesNotWaitForARegistryThatDoesNotLetTheEntryGo() {
        try (RegistryStub registry = new RegistryStub()) {
            Registrar daemon = endsWithinASecond(() -> {
                registry.answering(request -> RegistryStub.STORED);
                Registrar started = start(registry.url(), "--deregister-on-exit");
                started.awaitLine("Registered shop");
                registry.hanging();
                return started;
            });
            assertEquals("DELETE", registry.last().method());
            daemon.awaitLine("The registry took too long: shop may still be registered.");
        }
    }

    @Test
    void runsFromItsSourceAsACommandWithExitCodes() {
        assertTrue(Path.of("RegisterBackend.java").toFile().exists());
        try (RegistryStub registry = new RegistryStub();
             Registrar done = Registrar.startFromSource(Registrar.sound(registry.url()))) {
            assertEquals(0, done.exitCode(), done.output());
            assertEquals("shop", registry.last().data().get("name"));
        }
    }

    @Test
    void exitCodesAreThoseOfTheProcess() {
        try (RegistryStub registry = new RegistryStub().answering(401, "");
             Registrar refused = Registrar.start(Registrar.sound(registry.url()));
             Registrar misused = Registrar.start("--nonsense")) {
            assertEquals(1, refused.exitCode());
            assertEquals(2, misused.exitCode());
            assertFalse(misused.output().isEmpty());
        }
    }

    private static Registrar startHere(String registryUrl, String... more) {
        return Registrar.startHere(daemon(registryUrl, more));
    }

    private static Registrar start(String registryUrl, String... more) {
        return Registrar.start(daemon(registryUrl, more));
    }

    private static String[] daemon(String registryUrl, String... more) {
        String[] all = Arrays.copyOf(more, more.length + 1);
        all[more.length] = "--daemon";
        return Registrar.sound(registryUrl, all);
    }

    /** Three tries, for a machine that is busy with other things may be late once. Returns what was ended. */
    private static Registrar endsWithinASecond(Supplier<Registrar> running) {
        Duration taken = Duration.ZERO;
        for (int tries = 0; tries < 3; tries++) {
            try (Registrar daemon = running.get()) {
                taken = daemon.terminate();
                if (taken.toMillis() < 1000) return daemon;
            }
        }
        return fail("it took " + taken.toMillis() + " ms");
    }
}
