import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The registrar with etcd as its registry, a real one. */
class RegistrarEtcdTest {
    private static final String KEY = "/backend-gateway/backends/shop";
    private static EtcdNode node;
    private static final String[] TTL = {"--daemon", "--ttl-ms=1500"};
    private final RegisterBackend.Etcd etcd = new RegisterBackend.Etcd(node.url(), "", "");

    @BeforeAll
    static void start() {
        node = EtcdNode.start();
    }

    @AfterAll
    static void stop() {
        if (node != null) node.close();
    }

    @AfterEach
    void leaveNothingBehind() throws Exception {
        etcd.delete(KEY);
    }

    @Test
    void writesTheEntryUnderItsNameForGood() throws Exception {
        Registrar.Run run = Registrar.run(Registrar.sound(node.url()));
        assertEquals("Registered shop at http://localhost:3000 for /api with " + node.url() + ".\n",
            run.out());
        assertEquals(0, run.code());
        Map<?, ?> data = (Map<?, ?>) value().get("data");
        assertEquals("http://localhost:3000", data.get("url"));
        assertNull(data.get("ttlMs"));
        assertEquals("", leases());
    }

    @Test
    void aSecondRegistrationKeepsTheTimeOfTheFirst() throws Exception {
        Registrar.run(Registrar.sound(node.url()));
        Map<?, ?> first = (Map<?, ?>) value().get("metadata");
        Registrar.run(Registrar.sound(node.url()));
        Map<?, ?> second = (Map<?, ?>) value().get("metadata");
        assertEquals(first.get("registeredAt"), second.get("registeredAt"));
        assertNotEquals(first.get("lastUpdate"), second.get("lastUpdate"));
    }

    @Test
    void writesOverAValueThatIsNoEntry() throws Exception {
        etcd.put(KEY, "[not] an entry", 0);
        assertEquals(0, Registrar.run(Registrar.sound(node.url())).code());
        assertEquals("shop", ((Map<?, ?>) value().get("data")).get("name"));
    }

    @Test
    void theDaemonRegistersAgainWhenItsLeaseIsLost() throws Exception {
        try (Registrar daemon = Registrar.startHere(Registrar.sound(node.url(), TTL))) {
            daemon.awaitLine("Registered shop");
            String lost = leases();
            node.ctl("lease", "revoke", lost);
            Registrar.await("the second line", () -> daemon.output().lines().count() == 2);
            assertNotEquals(lost, leases());
        }
    }

    @Test
    void theEntryLivesLongerThanItsTtlWhileTheDaemonDoesAndGoesAfterIt() throws Exception {
        try (Registrar daemon = Registrar.startHere(Registrar.sound(node.url(), TTL))) {
            daemon.awaitLine("Registered shop");
            String lease = leases();
            long end = System.nanoTime() + 2_500_000_000L;          // a lease has whole seconds: here two
            Registrar.await("the ttl to pass", () -> {
                assertNotNull(etcdGet());
                return System.nanoTime() > end;
            });
            assertEquals(lease, leases());
            assertEquals(1, daemon.output().lines().count(), daemon.output());
        }
        Registrar.await("the entry to expire", () -> etcdGet() == null);
    }

    @Test
    void theDaemonTakesItsEntryAlongButNotOneThatAnotherWrote() throws Exception {
        String[] options = Registrar.sound(node.url(), "--daemon", "--deregister-on-exit");
        try (Registrar daemon = Registrar.startHere(options)) {
            daemon.awaitLine("Registered shop");
        }
        assertNull(etcd.get(KEY));
        try (Registrar daemon = Registrar.startHere(options)) {
            daemon.awaitLine("Registered shop");
            etcd.put(KEY, "another's", 0);
        }
        assertEquals("another's", etcd.get(KEY));
    }

    @Test
    void listsAndDeregistersWithoutAnApiKey() throws Exception {
        Registrar.run(Registrar.sound(node.url()));
        Registrar.Run list = Registrar.run("--list", "--registry-url=" + node.url());
        String line = list.out().lines().toList().get(1);
        assertTrue(line.startsWith("shop  http://localhost:3000  /api    20"), line);
        Registrar.Run gone = Registrar.run("--deregister", "--name=shop", "--registry-url=" + node.url());
        assertEquals("Took shop out of " + node.url() + ".\n", gone.out());
        assertNull(etcd.get(KEY));
        gone = Registrar.run("--deregister", "--name=shop", "--registry-url=" + node.url());
        assertEquals("shop is not registered with " + node.url() + ": nothing to take out.\n", gone.out());
        assertEquals(0, gone.code());
    }

    @Test
    void saysThatEtcdIsNotThere() {
        Registrar.Run run = Registrar.run(Registrar.sound("etcd://user:hunter2@localhost:1,localhost:2"));
        assertEquals("The registry at etcd://localhost:1,localhost:2 cannot be reached (nothing listens"
            + " there): check that it runs and that BACKENDS_REGISTRY_URL is right.\n", run.err());
        assertEquals(1, run.code());
    }

    private Map<?, ?> value() throws IOException, InterruptedException {
        return RegisterBackend.Json.parseObject(etcd.get(KEY));
    }

    private String etcdGet() {
        try {
            return etcd.get(KEY);
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** The lease that the key hangs on; empty where there is none. */
    private static String leases() {
        String fields = node.ctl("get", KEY, "--write-out=fields");
        String lease = fields.replaceAll("(?s).*\"Lease\" : (\\d+).*", "$1");
        return lease.equals("0") ? "" : Long.toHexString(Long.parseLong(lease));
    }
}
