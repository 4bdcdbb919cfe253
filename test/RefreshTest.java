import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** How the gateway follows what its registry holds, and goes on when that is away or talks nonsense. */
@Isolated("It reads what is printed")
class RefreshTest {
    private final PrintStream console = System.out;
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private Lab lab;
    private String shop;

    @BeforeEach
    void start() throws Exception {
        System.setOut(new PrintStream(printed, true));
        lab = new Lab();
        shop = lab.saying("shop");
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
        GatewayServer.Log.flush();
        System.setOut(console);
    }

    // ---- The parts -------------------------------------------------------------------------------------

    /** A registry by itself; the same one again where port and file are the same. */
    private GatewayServer registry(int port) throws Exception {
        return lab.gateway("--registry-only", "--registry-port=" + port,
            "--registry-file=" + lab.folder.resolve("registry.json"));
    }

    private GatewayServer gatewayOf(String registryUrl, String... options) throws Exception {
        List<String> all = new ArrayList<>(List.of("--registry-url=" + registryUrl));
        all.addAll(List.of(options));
        return lab.gateway(all.toArray(String[]::new));
    }

    /** Any registry that answers the list by HTTP; counts how often it is asked. */
    private final class Stub {
        final AtomicInteger asked = new AtomicInteger();
        volatile Lab.Handler list;
        final String url;

        Stub(String json) throws Exception {
            list = e -> Lab.answer(e, 200, json);
            url = lab.backend(e -> {
                asked.incrementAndGet();
                list.handle(e);
            });
        }
    }

    private static String listOf(Object... items) {
        return GatewayServer.Json.write(List.of(items));
    }

    private static Map<String, Object> item(Map<String, ?> data) {
        return Map.of("key", data.get("name"), "data", data);
    }

    private Map<String, Object> item(String name, String prefix) {
        return item(Lab.data(name, shop, prefix));
    }

    private int ask(GatewayServer gateway, String path) throws Exception {
        return lab.get(gateway, path).status();
    }

    private void awaitAnswer(GatewayServer gateway, String path) throws Exception {
        Lab.until(path + " is served", () -> ask(gateway, path) == 200);
    }

    private Lab.Answer reload(GatewayServer gateway) throws Exception {
        return lab.send(gateway.port(), "POST", "/gateway/reload", null);
    }

    private Map<?, ?> status(GatewayServer gateway) throws Exception {
        return lab.get(gateway, "/gateway/status").json();
    }

    private long age(GatewayServer gateway) throws Exception {
        return (Long) lab.get(gateway, "/gateway/health").json().get("cacheAge");
    }

    private long timesPrinted(String part) {
        GatewayServer.Log.flush();
        return printed.toString().lines().filter(line -> line.contains(part)).count();
    }

    // ---- The registry is away --------------------------------------------------------------------------

    @Test
    void servesOnWhileTheRegistryIsAwayAndPicksUpWhenItIsBack() throws Exception {
        GatewayServer registry = registry(0);
        int port = registry.registryPort();
        GatewayServer gateway = gatewayOf("http://127.0.0.1:" + port, "--cache-ttl-ms=500");
        lab.put(registry, Lab.data("shop", shop, "/api"));
        awaitAnswer(gateway, "/api/x");
        GatewayServer.Log.flush();
        printed.reset();
        registry.close();
        Lab.until("it was noticed", () -> status(gateway).get("registryError") != null);
        for (int i = 0; i < 3; i++) assertEquals(502, reload(gateway).status());
        assertEquals(200, ask(gateway, "/api/x"));
        assertEquals(404, ask(gateway, "/none"));
        Lab.until("the age of the table tells", () -> age(gateway) > 500);
        assertEquals(1, timesPrinted("WARNING"), printed::toString);
        assertEquals(1, timesPrinted("The gateway serves on with its last table"), printed::toString);

        GatewayServer again = registry(port);
        lab.put(again, Lab.data("late", shop, "/late"));
        awaitAnswer(gateway, "/late/x");
        assertEquals(200, ask(gateway, "/api/x"));
        assertEquals(null, status(gateway).get("registryError"));
    }

    @Test
    void saysWhatItWaitsForWhenItStartsWithoutItsRegistryAndWorksAsSoonAsThatIsBack() throws Exception {
        GatewayServer registry = registry(0);
        int port = registry.registryPort();
        lab.put(registry, Lab.data("shop", shop, "/api"));
        registry.close();

        GatewayServer gateway = gatewayOf("http://127.0.0.1:" + port);
        Lab.until("it says so", () -> timesPrinted("http://127.0.0.1:" + port) > 0
            && timesPrinted("The gateway waits for it") > 0);
        assertEquals(200, ask(gateway, "/gateway/health"));
        assertEquals(-1, age(gateway));
        Lab.Answer answer = lab.get(gateway, "/api/x");
        assertEquals(503, answer.status());
        assertEquals("registry-unavailable", answer.header("X-Gateway-Error"));
        assertEquals("1", answer.header("Retry-After"));

        registry(port);
        long back = System.nanoTime();
        assertEquals(200, ask(gateway, "/api/x"));
        long millis = (System.nanoTime() - back) / 1_000_000;
        assertTrue(millis < 2500, "it took " + millis + " ms");
    }

    @Test
    void letsTheFirstRequestsWaitForTheTable() throws Exception {
        CountDownLatch ready = new CountDownLatch(1);
        Stub registry = new Stub("");
        registry.list = e -> {
            ready.await();
            Lab.answer(e, 200, listOf(item("shop", "/api")));
        };
        GatewayServer gateway = gatewayOf(registry.url);
        CompletableFuture<Integer> first = CompletableFuture.supplyAsync(() -> {
            try {
                return ask(gateway, "/api/x");
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        Lab.until("the registry is asked", () -> registry.asked.get() > 0);
        assertFalse(first.isDone());
        ready.countDown();
        assertEquals(200, first.get());
    }

    // ---- It talks nonsense -----------------------------------------------------------------------------

    @Test
    void keepsTheLastGoodTableWhenTheRegistryTalksNonsense() throws Exception {
        Stub registry = new Stub(listOf(item("shop", "/api")));
        GatewayServer gateway = gatewayOf(registry.url);
        awaitAnswer(gateway, "/api/x");
        for (String nonsense : List.of("", "garbage", "[", "7", "\"x\"", "null", "[{}", "{\"items\":7}")) {
            registry.list = e -> Lab.answer(e, 200, nonsense);
            Lab.Answer answer = reload(gateway);
            assertEquals(502, answer.status(), nonsense);
            assertEquals(false, answer.json().get("success"));
            assertEquals(200, ask(gateway, "/api/x"), nonsense);
        }
        for (int status : List.of(204, 302, 400, 401, 403, 404, 500, 503)) {
            registry.list = e -> {
                e.getResponseHeaders().set("Location", registry.url + "/elsewhere");
                Lab.answer(e, status, "");
            };
            Lab.Answer answer = reload(gateway);
            assertEquals(502, answer.status());
            String told = status == 401 || status == 403 ? "API_KEY" : status + "";
            assertTrue(answer.json().get("message").toString().contains(told), answer::body);
            assertEquals(200, ask(gateway, "/api/x"));
        }
    }

    @Test
    void saysThatItsKeyIsRefused() throws Exception {
        GatewayServer registry = registry(0);
        gatewayOf("http://127.0.0.1:" + registry.registryPort(), "--api-key=wrong");
        Lab.until("it says so", () -> timesPrinted("refuses our API_KEY") == 1);
    }

    @Test
    void skipsMalformedEntriesOneByOneAndSaysWhy() throws Exception {
        List<Object> items = new ArrayList<>(List.of(item("good", "/good"), 7, "text", List.of(), Map.of(),
            Map.of("key", "nothing"),
            item(Lab.data("bad-url", "ftp://h", "/x")), item(Lab.data("bad-prefix", shop, "/a/../b")),
            Map.of("key", "other-key", "data", Lab.data("name", shop, "/x")),
            Map.of("key", "line\nfeed", "data", Map.of("url", shop)), item("last", "/last")));
        Map<String, Object> badToken = Lab.data("bad-token", shop, "/x");
        badToken.put("token", "line\nfeed");
        items.add(item(badToken));
        Stub registry = new Stub(GatewayServer.Json.write(items));
        GatewayServer gateway = gatewayOf(registry.url);
        awaitAnswer(gateway, "/good/x");
        awaitAnswer(gateway, "/last/x");
        assertEquals(2L, status(gateway).get("total"));
        Map<?, ?> skipped = (Map<?, ?>) status(gateway).get("skipped");
        assertTrue(skipped.get("bad-url").toString().startsWith("url "), skipped::toString);
        assertTrue(skipped.get("bad-prefix").toString().startsWith("prefix "), skipped::toString);
        assertTrue(skipped.get("bad-token").toString().startsWith("token "), skipped::toString);
        assertTrue(skipped.get("other-key").toString().startsWith("name "), skipped::toString);
        assertFalse(skipped.get("nothing").toString().isEmpty(), skipped::toString);
        assertTrue(skipped.containsKey("line?feed"), skipped::toString);
    }

    @Test
    void doesNotWaitForAnAnswerThatNeverEnds() throws Exception {
        String url = lab.rawBackend(socket -> {
            Lab.readHead(socket.getInputStream());
            Lab.write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[");
            socket.getInputStream().read();
        });
        HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
        try (HttpClient client = HttpClient.newHttpClient()) {
            assertThrows(IOException.class, () ->
                GatewayServer.Reply.to(request, client, 1000, Duration.ofMillis(200)));
        }
    }

    // ---- What registries answer with -------------------------------------------------------------------

    @Test
    void readsAllThreeShapesOfAList() throws Exception {
        Map<String, Object> data = Lab.data("shop", shop, "/api");
        for (Object list : List.of(List.of(item(data)), List.of(Map.of("data", data)),
                Map.of("items", List.of(Map.of("key", "shop", "data", data, "metadata", Map.of()))),
                Map.of("backends:shop", data))) {
            Stub registry = new Stub(GatewayServer.Json.write(list));
            GatewayServer gateway = gatewayOf(registry.url);
            assertEquals(200, ask(gateway, "/api/x"), list.toString());
        }
        assertEquals(404, ask(gatewayOf(new Stub("{}").url), "/api/x"));
    }

    @Test
    void servesABackendThatWasRegisteredByHandInPlainOrOldForm() throws Exception {
        GatewayServer gateway = lab.gateway();
        String echo = lab.backend(e -> Lab.answer(e, 200, e.getRequestHeaders().getFirst("Authorization")));
        lab.register(gateway, "plain", echo, "/plain");
        GatewayServer.TokenCipher cipher = new GatewayServer.TokenCipher(List.of(Lab.ENCRYPTION_KEY));
        Map<String, Object> v1 = Lab.data("v1", echo, "/v1");
        v1.put("token", cipher.sealV1("token-of-v1", new byte[16]));
        lab.register(gateway, v1);
        assertEquals("Bearer " + Lab.TOKEN, lab.get(gateway, "/plain/x").body());
        assertEquals("Bearer token-of-v1", lab.get(gateway, "/v1/x").body());
        assertEquals(1, timesPrinted("plain has its token in plain text"), printed::toString);
    }

    // ---- When it asks ----------------------------------------------------------------------------------

    @Test
    void followsARegistryThatCanTellItWithoutDelay() throws Exception {
        GatewayServer registry = registry(0);
        GatewayServer gateway = gatewayOf("http://127.0.0.1:" + registry.registryPort());
        lab.put(registry, Lab.data("shop", shop, "/api"));
        awaitAnswer(gateway, "/api/x");
        lab.put(registry, Lab.data("shop", shop, "/new"));
        long changed = System.nanoTime();
        Lab.until("the old path is gone", () -> ask(gateway, "/api/x") == 404);
        long millis = (System.nanoTime() - changed) / 1_000_000;
        assertTrue(millis < 1000, "it took " + millis + " ms");
    }

    @Test
    void asksAnyOtherRegistryAsOftenAsTheTableMayGetOld() throws Exception {
        Stub registry = new Stub(listOf(item("shop", "/api")));
        GatewayServer gateway = gatewayOf(registry.url, "--cache-ttl-ms=200");
        awaitAnswer(gateway, "/api/x");
        registry.list = e -> Lab.answer(e, 200, listOf(item("shop", "/new")));
        Lab.until("the old prefix is gone", () -> ((List<?>) status(gateway).get("backends")).stream()
            .allMatch(backend -> ((Map<?, ?>) backend).get("prefix").equals("/new")));
    }

    @Test
    void looksForAPathWithoutARouteAtOnceAndNotMoreThanOnceASecond() throws Exception {
        Stub registry = new Stub(listOf(item("shop", "/api")));
        GatewayServer gateway = gatewayOf(registry.url);   // the table may get 30 seconds old
        assertEquals(200, ask(gateway, "/api/x"));
        registry.list = e -> Lab.answer(e, 200, listOf(item("shop", "/api"), item("late", "/late")));
        Lab.until("a second has passed since the table was loaded", () -> age(gateway) > 1000);
        registry.asked.set(0);
        long start = System.nanoTime();
        assertEquals(200, ask(gateway, "/late/x"));
        for (int i = 0; i < 30; i++) assertEquals(404, ask(gateway, "/none-" + i));
        long seconds = (System.nanoTime() - start) / 1_000_000_000;
        assertTrue(registry.asked.get() <= 1 + seconds, registry.asked + " times in " + seconds + " s");
    }

    @Test
    void givesNoRestlessRegistryMoreToDoThanASteadyOne() throws Exception {
        AtomicInteger version = new AtomicInteger();
        for (Lab.Handler answer : List.<Lab.Handler>of(e -> tagged(e, "\"same\""),
                e -> tagged(e, "\"" + version.incrementAndGet() + "\""))) {
            Stub registry = new Stub("");
            registry.list = answer;                        // never 304, and ?wait does not hold it
            GatewayServer gateway = gatewayOf(registry.url);
            awaitAnswer(gateway, "/api/x");
            long start = System.nanoTime();
            Lab.until("a while has passed", () -> System.nanoTime() - start > 700_000_000);
            assertTrue(registry.asked.get() < 12, registry.asked + " times");
            gateway.close();
        }
    }

    private void tagged(HttpExchange exchange, String tag) throws Exception {
        exchange.getResponseHeaders().set("ETag", tag);
        Lab.answer(exchange, 200, listOf(item("shop", "/api")));
    }

    // ---- A file as the registry ------------------------------------------------------------------------

    @Test
    void followsAFileAndKeepsTheLastTableWhileThatIsHalfWritten() throws Exception {
        Path file = lab.folder.resolve("list.json");
        GatewayServer gateway = gatewayOf("file:" + file);
        Lab.until("it waits for it", () -> timesPrinted("The gateway waits for it") > 0);
        Files.writeString(file, listOf(item("shop", "/api")));
        awaitAnswer(gateway, "/api/x");

        String more = listOf(item("shop", "/api"), item("late", "/late"));
        Files.writeString(file, more.substring(0, more.length() / 2));
        Lab.until("it was noticed", () -> status(gateway).get("registryError") != null);
        assertEquals(200, ask(gateway, "/api/x"));
        Files.writeString(file, more);
        Lab.until("it was read", () -> status(gateway).get("total").equals(2L));

        Path fresh = Files.writeString(lab.folder.resolve("list.tmp"), listOf(item("shop", "/new")));
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        long changed = System.nanoTime();
        Lab.until("it follows", () -> status(gateway).get("total").equals(1L));
        long millis = (System.nanoTime() - changed) / 1_000_000;
        assertTrue(millis < 1000, "it took " + millis + " ms");
    }

    @Test
    void saysThatAFileIsNotThere() throws Exception {
        gatewayOf("file:" + lab.folder.resolve("none.json"));
        Lab.until("it says so", () -> timesPrinted("none.json is of no use: there is no such file") == 1);
    }

    // ---- Tokens ----------------------------------------------------------------------------------------

    @Test
    void takesABackendOutOfServiceWhoseTokenDoesNotOpenAndNeverSendsThat() throws Exception {
        SocketBackend backend = lab.keep(SocketBackend.saying("ok"));
        Map<String, Object> moved = Lab.sealedData("victim", shop, "/api");
        moved.put("name", "thief");
        moved.put("url", backend.url());
        Map<String, Object> cut = Lab.data("cut", backend.url(), "/cut");
        cut.put("token", "v2.AAAA");
        GatewayServer gateway = lab.gateway();
        lab.register(gateway, moved);
        lab.register(gateway, cut);
        for (String path : List.of("/api/x", "/cut/x")) {
            Lab.Answer answer = lab.get(gateway, path);
            assertEquals(503, answer.status());
            assertEquals("no-healthy-backend", answer.header("X-Gateway-Error"));
        }
        for (Object fields : (List<?>) status(gateway).get("backends")) {
            assertEquals(false, ((Map<?, ?>) fields).get("healthy"));
            assertTrue(((Map<?, ?>) fields).get("reason").toString().startsWith("its token does not open"));
            assertEquals("never", ((Map<?, ?>) fields).get("lastCheck"));
        }
        assertEquals(List.of(), backend.heads);
        assertEquals(1, timesPrinted("Backend thief is out of service"), printed::toString);
    }

    @Test
    void opensTokensOfTheOldAndTheNewKeyWhileTheyChange() throws Exception {
        String echo = lab.backend(e -> Lab.answer(e, 200, e.getRequestHeaders().getFirst("Authorization")));
        GatewayServer gateway = lab.gateway("--encryption-key=new-key, " + Lab.ENCRYPTION_KEY);
        String derived = GatewayServer.TokenCipher.secretFrom(Lab.API_KEY);
        for (String key : List.of("new-key", Lab.ENCRYPTION_KEY, derived)) {
            String name = "by-" + key.substring(0, 3);
            Map<String, Object> data = Lab.data(name, echo, "/" + name);
            GatewayServer.TokenCipher cipher = new GatewayServer.TokenCipher(List.of(key));
            data.put("token", cipher.sealV1("token " + name, new byte[16]));
            lab.register(gateway, data);
            assertEquals("Bearer token " + name, lab.get(gateway, "/" + name + "/x").body());
        }
    }

    /** README's three steps: both keys at the gateways, the new one at the registrars, the new one alone. */
    @Test
    void noRequestFailsWhileTheKeyIsChanged() throws Exception {
        String echo = lab.backend(e -> Lab.answer(e, 200, e.getRequestHeaders().getFirst("Authorization")));
        GatewayServer registry = registry(0);
        String url = "http://127.0.0.1:" + registry.registryPort();
        lab.put(registry, sealed(echo, Lab.ENCRYPTION_KEY));
        AtomicReference<GatewayServer> front = new AtomicReference<>(inService(url, Lab.ENCRYPTION_KEY));
        List<String> wrong = new CopyOnWriteArrayList<>();
        AtomicInteger asked = new AtomicInteger();
        AtomicBoolean over = new AtomicBoolean();
        Thread client = Thread.ofVirtual().start(() -> {
            while (!over.get()) {
                try {
                    Lab.Answer answer = lab.get(front.get(), "/api/x");
                    if (!answer.body().equals("Bearer " + Lab.TOKEN)) wrong.add(answer.body());
                } catch (Exception e) {
                    wrong.add(e.toString());
                }
                asked.incrementAndGet();
            }
        });
        front.set(inService(url, "new-key," + Lab.ENCRYPTION_KEY));
        lab.put(registry, sealed(echo, "new-key"));
        assertEquals(200, reload(front.get()).status());
        front.set(inService(url, "new-key"));
        int before = asked.get();
        Lab.until("the last of them is asked", () -> asked.get() > before + 20);
        over.set(true);
        client.join();
        assertEquals(List.of(), wrong);
    }

    private GatewayServer inService(String registryUrl, String keys) throws Exception {
        GatewayServer gateway = gatewayOf(registryUrl, "--encryption-key=" + keys);
        awaitAnswer(gateway, "/api/x");
        return gateway;
    }

    private static Map<String, Object> sealed(String backend, String key) {
        Map<String, Object> data = Lab.data("shop", backend, "/api");
        data.put("token", new GatewayServer.TokenCipher(List.of(key)).seal(Lab.TOKEN,
            GatewayServer.TokenCipher.sharedSalt(Lab.API_KEY),
            GatewayServer.TokenCipher.binding("shop", backend, "/api")));
        return data;
    }

    @Test
    void keepsWhatDidNotChangeFromTableToTable() {
        GatewayServer.TokenCipher cipher = new GatewayServer.TokenCipher(List.of(Lab.ENCRYPTION_KEY));
        AtomicInteger flips = new AtomicInteger();
        GatewayServer.RoutingTable first = GatewayServer.RoutingTable.EMPTY.next(listing(
            Lab.data("a", shop, "/a"), Lab.data("b", shop, "/b")), cipher, flips);
        GatewayServer.RoutingTable second = first.next(listing(
            Lab.data("a", shop, "/a"), Lab.data("b", shop, "/b2"), Lab.data("c", shop, "/c")), cipher, flips);
        assertSame(first.route("/a"), second.route("/a"), "whose turn it is, is kept");
        assertSame(first.route("/a").backends.getFirst(), second.route("/a").backends.getFirst());
        GatewayServer.Backend before = first.route("/b").backends.getFirst();
        GatewayServer.Backend moved = second.route("/b2").backends.getFirst();
        assertNotSame(before, moved);
        assertSame(before.health, moved.health);
    }

    @SafeVarargs
    private static GatewayServer.Listing listing(Map<String, Object>... entries) {
        List<GatewayServer.Listing.Item> items = new ArrayList<>();
        for (Map<String, Object> data : entries) {
            items.add(new GatewayServer.Listing.Item(data.get("name").toString(), data));
        }
        return new GatewayServer.Listing("", items);
    }
}
