import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The page /gateway/, as people see it in a browser. */
class DashboardTest {
    private static final String TOKEN = "lab-admin-token-4402";
    private static final int TAB = 9;
    private static final int ENTER = 13;

    private static Browser browser;
    private Lab lab;

    @BeforeAll
    static void startBrowser() throws Exception {
        assumeTrue(Browser.installed() != null, "skipped: no Chromium");
        browser = new Browser();
    }

    @AfterAll
    static void stopBrowser() throws Exception {
        if (browser != null) browser.close();
    }

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private static String address(int port) {
        return "http://127.0.0.1:" + port + "/gateway/";
    }

    private static Browser.Page open(GatewayServer gateway) throws Exception {
        return browser.open(address(gateway.port()), 1440, 900, false);
    }

    /** The row of this name in one of the page's tables, as text; empty where there is none. */
    private static String row(Browser.Page page, String table, String name) throws Exception {
        Object text = page.eval("[...document.querySelectorAll('#" + table + " tbody tr')]"
            + ".map(row => row.innerText)"
            + ".find(text => text.includes(" + GatewayServer.Json.write(name) + ")) || ''");
        return text.toString().replaceAll("\\s+", " ").strip();
    }

    private static void awaitRow(Browser.Page page, String table, String name, String part) throws Exception {
        page.until(name + " in " + table + " shows: " + part, () -> row(page, table, name).contains(part));
    }

    /** A gateway whose table is this many backends, all of them down, from a file. */
    private GatewayServer gatewayWithDeadBackends(int count) throws Exception {
        List<Object> entries = new ArrayList<>();
        int dead = Lab.deadPort();
        for (int i = 1; i <= count; i++) {
            String name = "a-backend-of-a-department-that-likes-names-to-be-long-number-" + i;
            entries.add(Map.of("key", name, "data", Lab.data(name, "http://127.0.0.1:" + dead + "/base/" + i,
                "/a-prefix-that-is-long-as-well/" + i % 7)));
        }
        return gatewayWithTable(entries);
    }

    private GatewayServer gatewayWithTable(List<?> entries) throws Exception {
        Path file = lab.folder.resolve("table.json");
        Files.writeString(file, GatewayServer.Json.write(entries));
        return lab.gateway("--registry-url=file:" + file, "--health-failures=1");
    }

    // ---- What it shows -------------------------------------------------------------------------------

    @Test
    void showsBackendsRoutesAndFailuresAndLeavesTheConsoleQuiet() throws Exception {
        GatewayServer gateway = lab.gateway();
        lab.register(gateway, "orders", lab.saying("hello"), "/orders");
        lab.register(gateway, "billing", lab.backend(exchange ->
            Lab.answer(exchange, exchange.getRequestURI().getPath().equals("/bad") ? 500 : 200, "")),
            "/billing");
        for (int i = 0; i < 3; i++) lab.get(gateway, "/orders/x");
        lab.get(gateway, "/billing/bad");
        lab.get(gateway, "/nobody/is/here");
        try (Browser.Page page = open(gateway)) {
            awaitRow(page, "backends", "orders", "Up");
            awaitRow(page, "backends", "orders", "3 in all");
            awaitRow(page, "backends", "orders", "75 %");
            awaitRow(page, "backends", "orders", " ms");
            awaitRow(page, "backends", "billing", "25 %");
            awaitRow(page, "backends", "billing", "5xx 1");
            awaitRow(page, "routing", "/orders", "/orders/example");
            awaitRow(page, "failures", "GET /nobody/is/here", "404");
            awaitRow(page, "failures", "GET /nobody/is/here", "no-route");
            assertEquals("2 of 2", page.text("#up"));
            assertEquals("Live", page.text("#live"));
            assertEquals(List.of(), page.complaints());
        }
    }

    @Test
    void showsABackendGoDownAndComeBack() throws Exception {
        AtomicInteger health = new AtomicInteger(200);
        GatewayServer gateway = lab.gateway("--health-interval-ms=100", "--health-failures=1");
        lab.register(gateway, "wobbly", lab.backend(e -> Lab.answer(e, health.get(), "")), "/wobbly");
        lab.register(gateway, "another", lab.saying("hello"), "/another");
        try (Browser.Page page = open(gateway)) {
            awaitRow(page, "backends", "wobbly", "Up");
            health.set(503);
            awaitRow(page, "backends", "wobbly", "Down");
            assertTrue(row(page, "backends", "wobbly").contains("503"), "it says why");
            assertTrue(page.text("#news").contains("wobbly went down"), page.text("#news"));
            assertTrue(page.is("document.querySelector('#backends tbody').innerText.startsWith('wobbly')"),
                "what is down comes first");
            assertTrue(page.is("document.title.startsWith('1 down')"));
            health.set(200);
            awaitRow(page, "backends", "wobbly", "Up");
            page.awaitText("#news", "wobbly is up again");
            assertEquals(List.of(), page.complaints());
        }
    }

    @Test
    void disturbsNobodyWhoReads() throws Exception {
        GatewayServer gateway = lab.gateway();
        lab.register(gateway, "orders", lab.saying("hello"), "/orders");
        try (Browser.Page page = open(gateway)) {
            awaitRow(page, "backends", "orders", "Up");
            page.size(360, 400);
            page.eval("""
                document.getElementById('filter').focus();
                getSelection().selectAllChildren(document.querySelector('#backends tbody th b'));
                scrollTo(0, 300);""");
            lab.get(gateway, "/orders/x");
            lab.get(gateway, "/nobody");
            awaitRow(page, "backends", "orders", "1 in all");
            assertEquals("orders", page.eval("getSelection().toString()"));
            assertEquals("filter", page.eval("document.activeElement.id"));
            assertEquals(300L, ((Number) page.eval("scrollY")).longValue());
        }
    }

    @Test
    void findsOneAmongMany() throws Exception {
        try (Browser.Page page = open(gatewayWithDeadBackends(310))) {
            page.awaitText("#backends", "And 10 more: filter to see them.");
            assertTrue(page.is("document.querySelectorAll('#backends tbody tr').length === 300"));
            page.eval("document.getElementById('filter').focus()");
            page.type("number-309");
            page.until("it alone is left", () -> row(page, "backends", "number-309").contains("/base/309")
                && page.is("document.querySelectorAll('#backends tbody tr').length === 1"));
            page.type("-nothing");
            page.awaitText("#backends", "No backend fits the filter.");
        }
    }

    // ---- Whom it trusts ------------------------------------------------------------------------------

    /** The registry lets no such name in; so the answers of a real gateway are spoilt on their way. */
    @Test
    void showsTheNameOfABackendThatIsAnAttackAsText() throws Exception {
        String attack = "<img src=x onerror=\"document.title='taken'\"><script>alert(1)</script>";
        String quoted = GatewayServer.Json.write(attack);
        String written = quoted.substring(1, quoted.length() - 1);
        GatewayServer gateway = lab.gateway("--health-failures=1");
        lab.register(gateway, "harmless", "http://127.0.0.1:" + Lab.deadPort(), "/harmless");
        lab.get(gateway, "/harmless/x");
        String spoilt = lab.backend(exchange -> {
            Lab.Answer answer = lab.get(gateway, exchange.getRequestURI().getPath());
            for (String header : List.of("Content-Type", "Content-Security-Policy")) {
                String value = answer.header(header);
                if (!value.isEmpty()) exchange.getResponseHeaders().set(header, value);
            }
            Lab.answer(exchange, answer.status(), answer.body().replace("harmless", written));
        });
        try (Browser.Page page = browser.open(spoilt + "/gateway/", 1440, 900, false)) {
            awaitRow(page, "backends", attack, "Down");
            awaitRow(page, "routing", attack, attack);
            awaitRow(page, "failures", attack, "GET");
            assertFalse(page.is("!!document.querySelector('main img, main script')"));
            assertFalse(page.is("document.title.includes('taken')"));
            assertEquals(List.of(), page.complaints());
        }
    }

    @Test
    void showsAnEntryThatIsAnAttackAsText() throws Exception {
        String attack = "<img src=x onerror=\"document.title='taken'\">";
        GatewayServer gateway = gatewayWithTable(List.of(Map.of("key", attack, "data",
            Lab.data(attack, "http://127.0.0.1:1", "/x"))));
        try (Browser.Page page = open(gateway)) {
            awaitRow(page, "skipped", attack, "name");
            assertFalse(page.is("!!document.querySelector('main img')"));
            assertEquals(List.of(), page.complaints());
        }
    }

    @Test
    void letsNoScriptInButItsOwn() throws Exception {
        try (Browser.Page page = open(lab.gateway())) {
            page.awaitText("#live", "Live");
            page.eval("""
                const script = document.createElement('script');
                script.textContent = 'document.title = "taken"';
                document.body.append(script);""");
            page.until("the browser refuses it",
                () -> page.complaints().toString().contains("Content Security Policy"));
            assertFalse(page.is("document.title === 'taken'"));
        }
    }

    @Test
    void asksForTheTokenAndKeepsItInItsTabOnly() throws Exception {
        GatewayServer gateway = lab.gateway("--admin-token=" + TOKEN);
        lab.put(gateway, Lab.data("orders", lab.saying("hello"), "/orders"));
        try (Browser.Page page = open(gateway)) {
            page.awaitText("#door", "This gateway asks for its ADMIN_TOKEN");
            assertEquals("", page.text("#data"));
            assertEquals("token", page.eval("document.activeElement.id"), "one can type at once");
            page.type("wrong");
            page.press("Enter", ENTER);
            page.awaitText("#door", "That token was not accepted.");
            page.type(TOKEN);
            page.press("Enter", ENTER);
            awaitRow(page, "backends", "orders", "Up");
            assertEquals("", page.text("#door"));

            page.eval("location.reload()");
            page.until("it is there again", () -> page.is("performance.getEntriesByType('navigation')[0].type"
                + " === 'reload'") && row(page, "backends", "orders").contains("Up"));
            assertTrue(page.is("localStorage.length === 0 && document.cookie === ''"));
            assertFalse(page.is("document.documentElement.outerHTML.includes('" + TOKEN + "')"));
            page.eval("document.getElementById('forget').click()");
            page.awaitText("#door", "This gateway asks for its ADMIN_TOKEN");
            assertTrue(page.is("sessionStorage.length === 0"));
        }
    }

    // ---- When the gateway goes away ------------------------------------------------------------------

    @Test
    void saysThatTheGatewayIsUnreachableAndRecovers() throws Exception {
        GatewayServer first = lab.gateway();
        int port = first.port();
        lab.register(first, "orders", lab.saying("hello"), "/orders");
        try (Browser.Page page = open(first)) {
            awaitRow(page, "backends", "orders", "Up");
            first.close();
            page.awaitText("#live", "Unreachable");
            page.awaitText("#notice", "The gateway cannot be reached since");
            assertTrue(row(page, "backends", "orders").contains("Up"), "what was last known stays");
            GatewayServer second = lab.gateway("--proxy-port=" + port);
            page.awaitText("#live", "Live");
            page.awaitText("#backends", "No backend is registered yet.");
            page.awaitText("#news", "the gateway answers again");
            assertEquals("", page.text("#notice"));
            assertEquals(port, second.port());
        }
    }

    // ---- For everybody -------------------------------------------------------------------------------

    @Test
    void fitsPhonesAndWideScreens() throws Exception {
        GatewayServer gateway = gatewayWithDeadBackends(20);
        lab.get(gateway, "/a-prefix-that-is-long-as-well/1/" + "no-end-in-sight".repeat(15));
        try (Browser.Page page = open(gateway)) {
            page.awaitText("#down", "20 down");
            page.awaitText("#failures", "no-end-in-sight");
            for (int width : List.of(320, 360, 768, 861, 1081, 1440)) {
                page.size(width, 800);
                assertTrue(page.is("document.documentElement.scrollWidth <= innerWidth"), width + " pixels");
                assertEquals("[]", page.eval("JSON.stringify([...document.querySelectorAll('main *')]"
                    + ".filter(node => node.checkVisibility() && !node.closest('caption, thead')"
                    + " && node.getBoundingClientRect().right > innerWidth).map(node => node.outerHTML))"),
                    "cut off at " + width + " pixels");
            }
        }
    }

    @Test
    void isReachedByKeyboardAlone() throws Exception {
        GatewayServer gateway = lab.gateway();
        lab.register(gateway, "orders", lab.saying("hello"), "/orders");
        try (Browser.Page page = open(gateway)) {
            awaitRow(page, "backends", "orders", "Up");
            for (String link : List.of("Backends", "Failures", "Routing")) {
                page.press("Tab", TAB);
                assertEquals(link, page.eval("document.activeElement.textContent"));
                assertTrue(page.is("getComputedStyle(document.activeElement).outlineStyle === 'solid'"),
                    "the focus shows");
            }
            page.press("Tab", TAB);
            page.type("nothing of this name");
            page.awaitText("#backends", "No backend fits the filter.");
        }
    }

    @Test
    void passesAxeInLightAndDark() throws Exception {
        String axe = Axe.script();
        assumeTrue(axe != null, "skipped: no axe-core, for npm is missing or cannot fetch it");
        GatewayServer gateway = lab.gateway("--health-failures=1", "--admin-token=" + TOKEN);
        lab.put(gateway, Lab.data("orders", lab.saying("hello"), "/orders"));
        lab.put(gateway, Lab.data("lost", "http://127.0.0.1:" + Lab.deadPort(), "/lost"));
        Lab.until("the table has both", () -> lab.get(gateway, "/orders/x").status() == 200
            && lab.get(gateway, "/lost/x").status() == 503);
        try (Browser.Page page = open(gateway)) {
            page.awaitText("#door", "ADMIN_TOKEN");
            page.eval(axe);
            passesAxe(page, false);
            page.type(TOKEN);
            page.press("Enter", ENTER);
            awaitRow(page, "backends", "lost", "Down");
            passesAxe(page, false);
            passesAxe(page, true);
            page.size(360, 800);
            gateway.close();
            page.awaitText("#live", "Unreachable");
            passesAxe(page, true);
        }
    }

    private static void passesAxe(Browser.Page page, boolean dark) throws Exception {
        page.dark(dark);
        assertEquals("", page.eval("""
            axe.run({ resultTypes: ['violations'] }).then(found => found.violations.map(violation =>
              violation.help + violation.nodes.map(node => ' ' + node.html + node.failureSummary)).join())
            """));
    }
}
