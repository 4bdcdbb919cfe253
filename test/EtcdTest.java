import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/** The client of etcd, against a real one. */
class EtcdTest {
    private static EtcdNode node;
    private final RegisterBackend.Etcd etcd = new RegisterBackend.Etcd(node.url(), "", "");
    private String prefix;

    @BeforeAll
    static void start() {
        node = EtcdNode.start();
    }

    @AfterAll
    static void stop() {
        if (node != null) node.close();
    }

    @BeforeEach
    void takeAPrefixOfItsOwn(TestInfo test) {
        prefix = "/" + test.getTestMethod().orElseThrow().getName() + "/";
    }

    @Test
    void readsWhatItWrote() throws Exception {
        assertNull(etcd.get(prefix + "a"));
        etcd.put(prefix + "a", "uno, dos: ñ \ud83d\ude00 \n", 0);
        assertEquals("uno, dos: ñ \ud83d\ude00 \n", etcd.get(prefix + "a"));
        etcd.put(prefix + "a", "", 0);
        assertEquals("", etcd.get(prefix + "a"));
        assertTrue(etcd.delete(prefix + "a"));
        assertFalse(etcd.delete(prefix + "a"));
        assertNull(etcd.get(prefix + "a"));
    }

    @Test
    void readsAllThatBeginsWithAPrefixAndNothingElse() throws Exception {
        etcd.put(prefix + "b", "2", 0);
        etcd.put(prefix + "a", "1", 0);
        etcd.put(prefix.replace("/", "!") + "a", "no", 0);
        etcd.put(prefix.substring(0, prefix.length() - 1) + "0", "no", 0);
        assertEquals(Map.of(prefix + "a", "1", prefix + "b", "2"), all(etcd));
    }

    @Test
    void readsMorePagesThanOne() throws Exception {
        for (int i = 0; i < 260; i++) etcd.put(prefix + i, "value " + i, 0);
        Map<String, String> all = all(etcd);
        assertEquals(260, all.size());
        for (int i = 0; i < 260; i++) assertEquals("value " + i, all.get(prefix + i));
    }

    @Test
    void watchesFromTheRevisionAfterWhatItRead() throws Exception {
        etcd.put(prefix + "a", "before", 0);
        long revision = etcd.range(prefix).revision();
        etcd.put(prefix + "a", "after", 0);                     // between reading and watching
        BlockingQueue<RegisterBackend.Etcd.Item> seen = new LinkedBlockingQueue<>();
        Thread watcher = Thread.startVirtualThread(() -> watch(revision + 1, seen));
        assertEquals(new RegisterBackend.Etcd.Item(prefix + "a", "after"), next(seen));
        etcd.put(prefix + "b", "new", 0);
        etcd.put("/elsewhere", "unseen", 0);
        etcd.delete(prefix + "a");
        assertEquals(new RegisterBackend.Etcd.Item(prefix + "b", "new"), next(seen));
        assertEquals(new RegisterBackend.Etcd.Item(prefix + "a", null), next(seen));
        watcher.interrupt();
        watcher.join();
        assertTrue(seen.isEmpty());
    }

    private void watch(long revision, BlockingQueue<RegisterBackend.Etcd.Item> seen) {
        try {
            etcd.watch(prefix, revision, Duration.ofMinutes(1), seen::addAll);
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            // as it should
        }
    }

    @Test
    void aSilentWatchTellsWhereToGoOn() throws Exception {
        etcd.put(prefix + "a", "1", 0);
        long read = etcd.range(prefix).revision();
        Duration patience = Duration.ofMillis(200);
        assertEquals(read + 1, etcd.watch(prefix, read + 1, patience, items -> true));
        etcd.put(prefix + "a", "2", 0);
        List<RegisterBackend.Etcd.Item> seen = new ArrayList<>();
        long next = etcd.watch(prefix, read + 1, patience, seen::addAll);
        assertTrue(next > read + 1);
        assertEquals(next, etcd.watch(prefix, next, patience, seen::addAll));
        assertEquals(1, seen.size());
    }

    @Test
    void aWatchEndsWhenItIsToldTo() throws Exception {
        long read = etcd.range(prefix).revision();
        etcd.put(prefix + "a", "1", 0);
        etcd.put(prefix + "b", "1", 0);
        long next = etcd.watch(prefix, read + 1, Duration.ofMinutes(1), items -> false);
        assertTrue(next == read + 2 || next == read + 3, "one message holds one change, or both: " + next);
    }

    @Test
    void aWatchFromARevisionThatIsGoneEnds() throws Exception {
        etcd.put(prefix + "a", "1", 0);
        long old = etcd.range(prefix).revision();
        etcd.put(prefix + "a", "2", 0);
        node.ctl("compact", String.valueOf(etcd.range(prefix).revision()));
        IOException gone = assertThrows(IOException.class,
            () -> etcd.watch(prefix, old, Duration.ofSeconds(20), items -> true));
        assertEquals("it ended the watch", gone.getMessage());
        assertEquals(Map.of(prefix + "a", "2"), all(etcd));
    }

    @Test
    void aKeyLivesAsLongAsItsLease() throws Exception {
        long lease = etcd.grant(60);
        etcd.put(prefix + "a", "1", lease);
        assertTrue(etcd.keepAlive(lease));
        etcd.revoke(lease);
        assertNull(etcd.get(prefix + "a"));
        assertFalse(etcd.keepAlive(lease));
        assertThrows(RegisterBackend.Etcd.Refused.class, () -> etcd.put(prefix + "b", "1", lease));
    }

    @Test
    void saysWhatIsWrongWhereNoEtcdIs() {
        try (RegistryStub web = new RegistryStub().answering(404, "404 page not found")) {
            assertFault("status 404", "etcd://localhost:" + web.port());
            for (String nonsense : List.of("<html>", "{\"kvs\":[{\"key\":\"%\"}]}")) {
                web.answering(200, nonsense);
                assertFault("it does not answer as etcd does", "etcd://localhost:" + web.port());
            }
        }
        assertFault("nothing listens there", "etcd://localhost:1");
        assertFault("its host name is not known", "etcd://etcd.invalid");
        assertFault("there is no TLS", "etcds://" + node.endpoint());
    }

    private static void assertFault(String message, String url) {
        RegisterBackend.Etcd etcd = new RegisterBackend.Etcd(url, "", "");
        String said = assertThrows(IOException.class, () -> etcd.get("a")).getMessage();
        assertTrue(said.startsWith(message), said);
    }

    @Test
    void passesOverADeadMemberToTheNext() throws Exception {
        String url = "etcd://localhost:1,etcd.invalid:2379," + node.endpoint();
        var withDead = new RegisterBackend.Etcd(url, "", "");
        withDead.put(prefix + "a", "1", 0);
        assertEquals("1", withDead.get(prefix + "a"));
    }

    @Test
    void showsItsUrlWithoutUserAndPassword() {
        assertEquals("etcd://a:2379,[::1]:1",
            new RegisterBackend.Etcd("etcd://root:pa%40ss@a,[::1]:1/", "", "").toString());
        assertEquals("etcds://a:2379", new RegisterBackend.Etcd("etcds://a", "u", "p").toString());
    }

    @Test
    void signsInAndAgainWhenTheTokenIsNoLongerGood() throws Exception {
        try (EtcdNode guarded = EtcdNode.start()) {
            guarded.ctl("user", "add", "root:root");
            guarded.ctl("user", "grant-role", "root", "root");
            guarded.ctl("user", "add", "gateway:p@ss/word+1");
            guarded.ctl("role", "add", "gateway");
            guarded.ctl("role", "grant-permission", "gateway", "--prefix=true", "readwrite", prefix);
            guarded.ctl("user", "grant-role", "gateway", "gateway");
            String open = "etcd://gateway:p%40ss%2Fword+1@" + guarded.endpoint();
            var early = new RegisterBackend.Etcd(open, "", "");
            early.put(prefix + "a", "before there is a guard", 0);
            guarded.ctl("auth", "enable");

            var user = new RegisterBackend.Etcd(open, "", "");
            user.put(prefix + "a", "1", 0);
            early.put(prefix + "a", "2", 0);
            guarded.kill();
            guarded.restart();                                  // forgets the tokens it gave
            user.put(prefix + "a", "3", user.grant(60));
            assertEquals(Map.of(prefix + "a", "3"), all(user));
            long next = user.range(prefix).revision() + 1;
            assertEquals(next, user.watch(prefix, next, Duration.ofMillis(200), items -> true));

            assertRefused(open, "/other");
            assertRefused("etcd://gateway:wrong@" + guarded.endpoint(), prefix);
            assertRefused(guarded.url(), prefix);
        }
    }

    private static void assertRefused(String url, String key) {
        var etcd = new RegisterBackend.Etcd(url, "", "");
        assertThrows(RegisterBackend.Etcd.Refused.class, () -> etcd.get(key));
    }

    @Test
    void aClusterThatLosesAMemberServesOnAndAWatchFindsTheOthers() throws Exception {
        List<EtcdNode> nodes = EtcdNode.cluster(3);
        try {
            var client = new RegisterBackend.Etcd(EtcdNode.url(nodes), "", "");
            client.put(prefix + "a", "1", 0);
            AtomicReference<Map<String, String>> table = new AtomicReference<>(Map.of());
            Thread follower = Thread.startVirtualThread(() -> follow(client, table));
            Registrar.await("the first entry", () -> "1".equals(table.get().get(prefix + "a")));
            nodes.getFirst().kill();
            client.put(prefix + "a", "2", 0);
            Registrar.await("the second value", () -> "2".equals(table.get().get(prefix + "a")));
            follower.interrupt();
            follower.join();
        } finally {
            nodes.forEach(EtcdNode::close);
        }
    }

    /** As a gateway follows its registry: read all, watch, read again when the watch ends. */
    private void follow(RegisterBackend.Etcd client, AtomicReference<Map<String, String>> table) {
        while (true) {
            try {
                RegisterBackend.Etcd.Snapshot snapshot = client.range(prefix);
                Map<String, String> now = new TreeMap<>();
                snapshot.items().forEach(item -> now.put(item.key(), item.value()));
                table.set(Map.copyOf(now));
                client.watch(prefix, snapshot.revision() + 1, Duration.ofSeconds(5), items -> {
                    for (var item : items) {
                        if (item.value() == null) now.remove(item.key());
                        else now.put(item.key(), item.value());
                    }
                    table.set(Map.copyOf(now));
                    return true;
                });
            } catch (IOException e) {
                Thread.onSpinWait();
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private Map<String, String> all(RegisterBackend.Etcd client) throws IOException, InterruptedException {
        Map<String, String> all = new TreeMap<>();
        RegisterBackend.Etcd.Snapshot snapshot = client.range(prefix);
        snapshot.items().forEach(item -> all.put(item.key(), item.value()));
        assertEquals(all.size(), snapshot.items().size());
        assertNotEquals(0, snapshot.revision());
        return all;
    }

    private static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
        return queue.poll(10, TimeUnit.SECONDS);
    }
}
