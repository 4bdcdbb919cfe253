import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A headless Chromium, driven by its DevTools protocol. Each page has a context of its own, so that nothing
 * which one test stored is there for another.
 */
final class Browser implements AutoCloseable {
    private final Process process;
    private final Path profile;
    private final WebSocket socket;
    private final Map<Long, CompletableFuture<Map<?, ?>>> answers = new ConcurrentHashMap<>();
    private final Map<String, Page> pages = new ConcurrentHashMap<>();
    private long calls;

    /** The program, or null where there is none. */
    static String installed() {
        for (String name : List.of("chromium", "chromium-browser", "google-chrome")) {
            for (String folder : System.getenv().getOrDefault("PATH", "").split(":")) {
                Path program = Path.of(folder, name);
                if (Files.isExecutable(program)) return program.toString();
            }
        }
        return null;
    }

    Browser() throws Exception {
        profile = Files.createTempDirectory("browser");
        process = new ProcessBuilder(installed(), "--headless", "--no-sandbox", "--disable-gpu",
            "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--remote-debugging-port=0", "--user-data-dir=" + profile)
            .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        try {
            Path written = profile.resolve("DevToolsActivePort");      // the port, and a secret path
            Lab.until("Chromium listens", () -> Files.readAllLines(written).size() == 2);
            List<String> where = Files.readAllLines(written);
            socket = HttpClient.newHttpClient().newWebSocketBuilder()
                .buildAsync(URI.create("ws://127.0.0.1:" + where.get(0) + where.get(1)), new Listener())
                .get(Lab.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (Exception | Error e) {
            end();
            throw e;
        }
    }

    private final class Listener implements WebSocket.Listener {
        private final StringBuilder text = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
            text.append(part);
            if (last) {
                Map<?, ?> message = GatewayServer.Json.parseObject(text.toString());
                text.setLength(0);
                receive(message);
            }
            from.request(1);
            return null;
        }
    }

    private void receive(Map<?, ?> message) {
        if (message.get("id") instanceof Number id) answers.remove(id.longValue()).complete(message);
        else if (message.get("sessionId") instanceof String session && pages.containsKey(session)) {
            pages.get(session).note(message.get("method").toString(), (Map<?, ?>) message.get("params"));
        }
    }

    private Map<?, ?> call(String session, String method, Map<String, ?> params) throws Exception {
        CompletableFuture<Map<?, ?>> answer = new CompletableFuture<>();
        synchronized (this) {
            answers.put(++calls, answer);
            Map<String, Object> message = new LinkedHashMap<>(Map.of("id", calls, "method", method,
                "params", params));
            if (session != null) message.put("sessionId", session);
            socket.sendText(GatewayServer.Json.write(message), true).get();
        }
        Map<?, ?> got = answer.get(Lab.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        if (got.containsKey("error")) throw new AssertionError(method + ": " + got.get("error"));
        return (Map<?, ?>) got.get("result");
    }

    /** A new page of this size, in light or in dark, at this address. */
    Page open(String url, int width, int height, boolean dark) throws Exception {
        Object context = call(null, "Target.createBrowserContext", Map.of()).get("browserContextId");
        Object target = call(null, "Target.createTarget",
            Map.of("url", "about:blank", "browserContextId", context)).get("targetId");
        Object session = call(null, "Target.attachToTarget", Map.of("targetId", target, "flatten", true))
            .get("sessionId");
        Page page = new Page(session.toString());
        pages.put(page.session, page);
        for (String domain : List.of("Runtime", "Log", "Page")) page.call(domain + ".enable", Map.of());
        page.size(width, height);
        page.dark(dark);
        page.call("Page.navigate", Map.of("url", url));
        return page;
    }

    final class Page implements AutoCloseable {
        private final String session;
        private final Queue<String> complaints = new ConcurrentLinkedQueue<>();

        private Page(String session) {
            this.session = session;
        }

        /** A command of the DevTools protocol for this page. */
        Map<?, ?> call(String method, Map<String, ?> params) throws Exception {
            return Browser.this.call(session, method, params);
        }

        private void note(String method, Map<?, ?> params) {
            boolean complaint = switch (method) {
                case "Runtime.exceptionThrown" -> true;
                case "Runtime.consoleAPICalled" -> List.of("error", "warning").contains(params.get("type"));
                case "Log.entryAdded" -> !"verbose".equals(((Map<?, ?>) params.get("entry")).get("level"));
                default -> false;
            };
            if (complaint) complaints.add(method + " " + GatewayServer.Json.write(params));
        }

        /** The errors and warnings on the console: exceptions, failed requests, breaches of the policy. */
        List<String> complaints() {
            return new ArrayList<>(complaints);
        }

        void size(int width, int height) throws Exception {
            call("Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
        }

        void dark(boolean dark) throws Exception {
            call("Emulation.setEmulatedMedia", Map.of("features",
                List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
        }

        /** The value of an expression, awaited where it is a promise. */
        Object eval(String expression) throws Exception {
            Map<?, ?> answer = call("Runtime.evaluate",
                Map.of("expression", expression, "returnByValue", true, "awaitPromise", true));
            if (answer.containsKey("exceptionDetails")) {
                throw new IllegalStateException(expression + ": " + answer.get("exceptionDetails"));
            }
            return ((Map<?, ?>) answer.get("result")).get("value");
        }

        boolean is(String expression) throws Exception {
            return Boolean.TRUE.equals(eval(expression));
        }

        /** The text that the element shows, spaces and line ends as one space; empty where it is hidden. */
        String text(String selector) throws Exception {
            Object text = eval("(node => node.checkVisibility() ? node.innerText : '')"
                + "(document.querySelector(" + GatewayServer.Json.write(selector) + "))");
            return text.toString().replaceAll("\\s+", " ").strip();
        }

        void awaitText(String selector, String part) throws Exception {
            until(selector + " shows: " + part, () -> text(selector).contains(part));
        }

        /** Waits as {@link Lab#until} does, and on failure tells what the page shows. */
        void until(String what, Callable<Boolean> condition) throws Exception {
            try {
                Lab.until(what, condition);
            } catch (AssertionError e) {
                String shown = text("body");
                shown = shown.substring(0, Math.min(shown.length(), 1000));
                throw new AssertionError(e.getMessage() + "\n" + shown + "\n" + complaints, e);
            }
        }

        void type(String text) throws Exception {
            call("Input.insertText", Map.of("text", text));
        }

        /** Presses and releases a key that types nothing, or Enter. */
        void press(String key, int code) throws Exception {
            Map<String, Object> event = new LinkedHashMap<>(Map.of("type", "keyDown", "key", key,
                "code", key, "windowsVirtualKeyCode", code));
            if (key.equals("Enter")) event.put("text", "\r");
            call("Input.dispatchKeyEvent", event);
            event.put("type", "keyUp");
            call("Input.dispatchKeyEvent", event);
        }

        @Override
        public void close() throws Exception {
            call("Page.close", Map.of());
            pages.remove(session);
        }
    }

    private void end() throws IOException, InterruptedException {
        List<ProcessHandle> helpers = process.descendants().toList();
        process.destroyForcibly().waitFor();
        helpers.forEach(ProcessHandle::destroyForcibly);
        delete(profile);
    }

    static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.deleteIfExists(file);
        }
    }

    @Override
    public void close() throws Exception {
        socket.abort();
        end();
    }
}
