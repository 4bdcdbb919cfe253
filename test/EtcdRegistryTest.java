import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Gateways that share an etcd: what is written there is served, whatever goes away. */
class EtcdRegistryTest {
    private static final String FOLDER = "/backend-gateway/backends/";

    private Lab lab;
    private List<EtcdNode> nodes = List.of();

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
        nodes.forEach(EtcdNode::close);
    }

    private String startEtcd(int size) {
        nodes = EtcdNode.cluster(size);
        return EtcdNode.url(nodes);
    }

    private static void put(String url, String name, String backend, String prefix) throws Exception {
        String value = GatewayServer.Json.write(Map.of("data", Lab.data(name, backend, prefix)));
        new GatewayServer.Etcd(url, "", "").put(FOLDER + name, value, 0);
    }

    private String ask(GatewayServer gateway, String path) throws Exception {
        Lab.Answer answer = lab.get(gateway, path);
        return answer.status() == 200 ? answer.body() : answer.status() + "";
    }

    @Test
    void servesWhatWasThereAndWhatComesAndForgetsWhatGoes() throws Exception {
        String etcd = startEtcd(1);
        put(etcd, "early", lab.saying("early"), "/early");
        GatewayServer gateway = lab.gateway("--registry-url=" + etcd);
        assertEquals("early", ask(gateway, "/early/x"));
        put(etcd, "late", lab.saying("late"), "/late");
        long written = System.nanoTime();
        Lab.until("the new backend is in the table",
            () -> lab.get(gateway, "/gateway/routing").body().contains("/late"));
        assertTrue(System.nanoTime() - written < 2_000_000_000L, "a change arrives within a second, by far");
        assertEquals("late", ask(gateway, "/late/x"));
        new GatewayServer.Etcd(etcd, "", "").delete(FOLDER + "early");
        Lab.until("the old one is gone", () -> ask(gateway, "/early/x").equals("404"));
    }

    @Test
    void skipsAValueThatIsNoEntryAndSaysSo() throws Exception {
        String etcd = startEtcd(1);
        new GatewayServer.Etcd(etcd, "", "").put(FOLDER + "junk", "no json", 0);
        put(etcd, "good", lab.saying("good"), "/good");
        GatewayServer gateway = lab.gateway("--registry-url=" + etcd);
        assertEquals("good", ask(gateway, "/good"));
        assertTrue(lab.get(gateway, "/gateway/status").body().contains("\"skipped\":{\"junk\":\""));
    }

    @Test
    void aRegistrarsEntryGoesWithItsLease() throws Exception {
        String etcd = startEtcd(1);
        GatewayServer gateway = lab.gateway("--registry-url=" + etcd);
        GatewayServer.Etcd client = new GatewayServer.Etcd(etcd, "", "");
        long lease = client.grant(60);
        Map<String, Object> data = Lab.data("leased", lab.saying("leased"), "/leased");
        String value = GatewayServer.Json.write(Map.of("data", data));
        client.put(FOLDER + "leased", value, lease);
        Lab.until("it is served", () -> ask(gateway, "/leased").equals("leased"));
        client.revoke(lease);
        Lab.until("it is gone", () -> ask(gateway, "/leased").equals("404"));
    }

    @Test
    void servesOnWhileEtcdIsAwayAndCatchesUpAfterwards() throws Exception {
        String etcd = startEtcd(1);
        put(etcd, "a", lab.saying("a"), "/a");
        GatewayServer gateway = lab.gateway("--registry-url=" + etcd, "--cache-ttl-ms=1000");
        assertEquals("a", ask(gateway, "/a"));
        nodes.getFirst().kill();
        Lab.until("the gateway knows", () -> lab.get(gateway, "/gateway/status").body().contains("registryError"));
        assertEquals("a", ask(gateway, "/a"));
        nodes.getFirst().restart();
        put(etcd, "b", lab.saying("b"), "/b");
        Lab.until("it caught up", () -> ask(gateway, "/b").equals("b"));
        assertFalse(lab.get(gateway, "/gateway/status").body().contains("registryError"));
    }

    @Test
    void threeGatewaysServeOnWhenOneOfThemAMemberAndABackendAreKilled() throws Exception {
        String etcd = startEtcd(3);
        String first = lab.saying("up");
        BackendThatDies second = new BackendThatDies(lab);
        put(etcd, "first", first, "/api");
        put(etcd, "second", second.url(), "/api");
        List<GatewayServer> gateways = new ArrayList<>();
        for (int i = 0; i < 3; i++) gateways.add(lab.gateway("--registry-url=" + etcd, "--cache-ttl-ms=1000"));
        for (GatewayServer gateway : gateways) Lab.until("served", () -> ask(gateway, "/api").equals("up"));

        ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
        AtomicBoolean done = new AtomicBoolean();
        List<Thread> clients = new ArrayList<>();
        for (GatewayServer gateway : gateways.subList(1, 3)) {
            clients.add(Thread.startVirtualThread(() -> {
                while (!done.get()) {
                    try {
                        String answer = ask(gateway, "/api");
                        if (!answer.equals("up")) wrong.add(answer);
                    } catch (Exception e) {
                        wrong.add(e.toString());
                    }
                }
            }));
        }
        gateways.getFirst().close();
        nodes.getFirst().kill();
        second.die();
        put(etcd, "third", lab.saying("third"), "/third");
        for (GatewayServer gateway : gateways.subList(1, 3)) {
            Lab.until("news arrive all the same", () -> ask(gateway, "/third").equals("third"));
        }
        done.set(true);
        for (Thread client : clients) client.join();
        assertEquals(List.of(), List.copyOf(wrong));
    }

    /** A backend that can be stopped in mid-test: its port refuses connections from then on. */
    private static final class BackendThatDies {
        private final HttpServer server;

        BackendThatDies(Lab lab) throws Exception {
            server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 100);
            server.createContext("/", exchange -> Lab.answer(exchange, 200, "up"));
            server.start();
            lab.keep(() -> server.stop(0));
        }

        String url() {
            return "http://127.0.0.1:" + server.getAddress().getPort();
        }

        void die() {
            server.stop(0);
        }
    }
}
