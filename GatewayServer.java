/*
 * GatewayServer: one public address in front of many HTTP backends. One file, Java 21, no dependencies.
 *
 *     java GatewayServer.java --demo     a gateway, a registry and two backends to play with
 *     java GatewayServer.java            the real thing; settings come from options, the environment and .env
 *     java GatewayServer.java --help     all settings
 *
 * What happens to a request
 *
 *     client -> handle -> own endpoint?  yes: answer it
 *                            | no
 *                          route      the longest prefix that fits         404 when none does
 *                          pick       a healthy backend of that prefix     503 when there is none
 *                          attempt    send it there, with its token        502 / 504 when that fails
 *                          relay      stream status, headers and body back
 *
 * Where backends come from
 *
 *     registrar (RegisterBackend.java, curl) -> registry (embedded here, or elsewhere) -> table of routes
 *
 * What is always true
 *   1. The table of routes is never null and never changes: a refresh replaces it whole.
 *   2. A backend's token is never logged, never listed and never sent to a client.
 *   3. A request is sent twice only if it cannot have arrived the first time, or may safely arrive twice.
 *   4. An answer that breaks off at the backend breaks off at the client: never a short one that looks whole.
 *   5. What the registry has answered as written is on the disk.
 *
 * What it does not do: WebSocket, HTTP/2 to clients, trailers (the JDK's HttpServer has none of them).
 *
 * Contents
 *    1  Main            the parts, and how they are joined; signals
 *    2  Config          every setting, its default, its meaning
 *    3  One request     from the socket to the backend and back
 *    4  Bodies          streamed both ways, with time limits
 *    5  Routing         which backends serve a path
 *    6  Health          which of them are up
 *    7  Registries      where backends come from, and the table kept fresh
 *    8  The registry    the embedded one: its store and its protocol
 *    9  TLS             the certificate in front, the trust in backends behind
 *   10  Own endpoints   /gateway/health and its sisters
 *   11  What happened   counted, remembered, written down
 *   12  Doctor          what --check looks at
 *   13  Demo            two backends to play with
 *   14  Toolbox         addresses and logging; then what the three programs share
 */

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.ProtocolException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.URLDecoder;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.CertPathBuilderException;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509TrustManager;

public final class GatewayServer implements AutoCloseable {

    // ---- 1. Main -----------------------------------------------------------------------------------
    // Every part is built once, in the order in which a request meets them. Only main ends the process:
    // 0 it was told to stop, 1 it failed while running, 2 it was started wrongly.

    // What the heap has room for. A busy connection holds some 12 buffers, an idle one 16 KB: with 64 MB, the
    // least that is of use, 512 busy or 2,200 idle ones take some half of it.
    private static final long HEAP = Runtime.getRuntime().maxMemory();
    /** Bytes that are read from a backend, or written to a client, at once. */
    static final int BUFFER = Math.clamp(Long.highestOneBit(HEAP >> 14), 4 << 10, 128 << 10);
    private static final int MOST_CONNECTIONS = Math.clamp(HEAP / 30_000, 1024, 16 << 10);  // else EMFILE

    static {
        // HttpServer and HttpClient read these once, when they are first used; what -D gives wins.
        preset("sun.net.httpserver.nodelay", "true");              // 40 ms an answer on JDK 21 without it
        preset("sun.net.httpserver.maxIdleConnections", "100000");  // the default closes all but 200
        preset("jdk.httpserver.maxConnections", Integer.toString(MOST_CONNECTIONS));
        preset("sun.net.httpserver.idleInterval", "75");            // seconds
        preset("sun.net.httpserver.maxReqHeaderSize", "65536");     // bytes, request line included
        preset("sun.net.httpserver.maxReqHeaders", "100");
        preset("sun.net.httpserver.drainAmount", "1048576");        // so that a 404 reaches who still sends
        preset("jdk.httpclient.allowRestrictedHeaders", "host");
        preset("jdk.httpclient.keepalive.timeout", "4");            // seconds; Node closes after 5
        preset("jdk.httpclient.disableRetryConnect", "true");       // retries are decided here, not there
        preset("jdk.http.maxHeaderSize", "262144");                 // of a backend's answer, bytes
        preset("jdk.httpclient.bufsize", Integer.toString(BUFFER));
        // JDKs before the hardening of 2026 never leave a chunk of negative size (80000000), nor does the one
        // thread that reads from all backends. Their assertions see it: with them such an answer breaks off.
        ClassLoader jdk = ClassLoader.getPlatformClassLoader();
        jdk.setClassAssertionStatus("jdk.internal.net.http.ResponseContent", true);
    }

    private static void preset(String property, String value) {
        if (System.getProperty(property) == null) System.setProperty(property, value);
    }

    private static final int BACKLOG = 1024;             // connections that wait to be accepted

    private final Config config;
    private final Watched exchanges = new Watched();
    private final HttpServer server;                     // null with --registry-only, as the next four
    private final Gateway gateway;
    private final Backends backends;
    private final Routes routes;
    private final Prober prober;
    private final HttpServer registryServer;             // null where the registry is elsewhere, as the next
    private final Store store;

    public static void main(String[] args) {
        System.exit(run(args, System.getenv()));
    }

    /** Starts what the arguments ask for and waits until it ends; the answer is the process's exit code. */
    private static int run(String[] args, Map<String, String> environment) {
        try {
            if (List.of(args).contains("--help")) {
                System.out.print(Config.USAGE + Env.help(Config.SETTINGS));
                return 0;
            }
            Env env = new Env(Config.SETTINGS, args, environment);
            Config config = Config.read(env);
            if (config.check()) return new Doctor(config, env).report();
            GatewayServer running = config.demo() ? Demo.start(config) : new GatewayServer(config);
            Runtime.getRuntime().addShutdownHook(new Thread(running::drain, "drain"));
            new CountDownLatch(1).await();               // signals end the process, by the hook above
            return 0;
        } catch (Env.Refused e) {
            System.err.println(e.getMessage());
            return 2;
        } catch (IOException | InterruptedException e) {
            System.err.println(e.getMessage());
            return 1;
        }
    }

    /** Starts the gateway, and the embedded registry where the configuration names no other. */
    GatewayServer(Config config) throws IOException, InterruptedException {
        this.config = config;
        boolean proxies = !config.registryOnly();
        // All that can fail comes first: a gateway starts whole, or not at all.
        backends = proxies ? new Backends(config) : null;
        server = proxies
            ? listen("PROXY_PORT", config.port(), "BIND_ADDRESS", config.bindAddress(), config.tls()) : null;
        registryServer = config.embedded()
            ? listen("REGISTRY_PORT", config.registryPort(), "REGISTRY_BIND", config.registryBind(), Tls.NONE)
            : null;
        config.writeNewKeys();
        store = config.embedded() ? new Store(Path.of(config.registryFile())) : null;
        if (store != null) serve(registryServer, new RegistryProtocol(store, config.apiKey()), new Watched());
        AtomicInteger flips = new AtomicInteger();
        Registry registry = Registry.of(config, store);
        routes = proxies ? new Routes(registry, new TokenCipher(config.secrets()), config, flips) : null;
        prober = proxies ? new Prober(routes, backends, config) : null;
        gateway = proxies ? new Gateway(config, routes, backends) : null;
        if (proxies) {
            serve(server, gateway, exchanges);
            routes.start();
            prober.start();
        }
        printBanner();
    }

    private static HttpServer listen(String portSetting, int port, String addressSetting, String address,
                                     Tls.Source tls) {
        try {
            InetSocketAddress place = new InetSocketAddress(InetAddress.getByName(address), port);
            if (!tls.areSet()) return HttpServer.create(place, BACKLOG);
            HttpsServer server = HttpsServer.create(place, BACKLOG);
            server.setHttpsConfigurator(Tls.front(tls));
            return server;
        } catch (IOException e) {
            throw new Env.Refused(portSetting + " " + port + " on " + addressSetting + " " + address
                + " cannot be used (" + e.getMessage() + "): stop what uses it, or set another one.");
        }
    }

    private static void serve(HttpServer server, HttpHandler handler, Watched exchanges) {
        server.createContext("/", handler);
        server.setExecutor(exchanges);
        server.start();
    }

    /** The port that clients use: the system's choice where PROXY_PORT is 0. */
    int port() {
        return server.getAddress().getPort();
    }

    /** The port of the embedded registry. */
    int registryPort() {
        return registryServer.getAddress().getPort();
    }

    private void printBanner() {
        if (store != null) {
            Log.info("Registry  " + place(registryServer, config.registryBind()) + ", kept in "
                + config.registryFile());
        }
        if (server == null) return;
        if (store == null) Log.info("Registry  " + routes.registry().place());
        Log.info("Gateway   " + place(server, config.bindAddress()));
        String own = scheme(server) + "://localhost:" + port() + "/gateway/";
        Log.info("Status    " + own + "status, and as a page " + own);
    }

    private static String place(HttpServer server, String address) {
        String host = address.contains(":") ? "[" + address + "]" : address;
        return scheme(server) + "://" + host + ":" + server.getAddress().getPort();
    }

    private static String scheme(HttpServer server) {
        return server instanceof HttpsServer ? "https" : "http";
    }

    /**
     * Ends in good order: /gateway/health says 503, every answer closes its connection, and what is in flight
     * may end, for SHUTDOWN_GRACE_MS in all. The port stays open for the first half, for those who are about
     * to send, unless nothing goes on any more. A second signal ends the process at once.
     */
    private void drain() {
        long grace = config.shutdownGrace();
        Log.info("Stopping: requests in flight may take " + grace + " ms more.");
        if (gateway != null) {
            gateway.drain();
            awaitQuiet(grace / 2, 0);
            beginOurOwn();
            exchanges.hold();
            closePort((int) grace / 1000 + 1);
            exchanges.release();
            awaitQuiet(grace - grace / 2, ourOwn == null ? 0 : 1);
        }
        close();
        Log.flush();
    }

    /**
     * A request to ourselves of which only the first byte arrives. As long as it is there, HttpServer.stop
     * does not cut others: between a request's head and its exchange it counts it as neither.
     */
    private void beginOurOwn() {
        InetSocketAddress at = server.getAddress();
        boolean any = at.getAddress().isAnyLocalAddress();
        try {
            ourOwn = new Socket(any ? InetAddress.getLoopbackAddress() : at.getAddress(), at.getPort());
            ourOwn.getOutputStream().write('G');
        } catch (IOException e) {
            // Then the very last requests may be cut, if they arrive at an unlucky moment.
        }
    }

    private Socket ourOwn;                                 // the process's end closes it

    /**
     * Closes the port; what is under way has so many seconds more. While requests are held nobody is answered
     * and connects anew, so that nobody stands in the kernel's queue, unaccepted, when it is thrown away.
     */
    private void closePort(int seconds) {
        LockSupport.parkNanos(HOLD);
        Thread stopping = Thread.ofPlatform().daemon().start(() -> server.stop(seconds));
        while (stopping.isAlive() && stopping.getState() != Thread.State.TIMED_WAITING) {
            LockSupport.parkNanos(1_000_000);              // it closes the port first, and then waits
        }
    }

    private static final long HOLD = 50_000_000;           // ns: to accept who is in the queue

    /**
     * Waits until no more than {@code rest} exchanges are under way, at most so long. Quiet means twice in a
     * row: one may be arriving.
     */
    private void awaitQuiet(long millis, int rest) {
        long end = System.nanoTime() + millis * 1_000_000;
        for (int quiet = 0; quiet < 2 && System.nanoTime() - end < 0;) {
            if (isSignalledAgain()) Runtime.getRuntime().halt(130);
            LockSupport.parkNanos(20_000_000);
            quiet = exchanges.active() <= rest ? quiet + 1 : 0;
        }
    }

    /** The JVM gives each signal a thread of this name, and all but the first wait for us to end. */
    private static boolean isSignalledAgain() {
        ThreadGroup all = Thread.currentThread().getThreadGroup();
        while (all.getParent() != null) all = all.getParent();
        Thread[] threads = new Thread[all.activeCount() + 16];
        int count = all.enumerate(threads);
        int signals = 0;
        for (int i = 0; i < count; i++) {
            if (threads[i].getName().matches("SIG[A-Z]+ handler")) signals++;
        }
        return signals > 1;
    }

    /** Ends at once, whatever is in flight. */
    @Override
    public void close() {
        if (gateway != null) {
            routes.close();
            prober.close();
            server.stop(0);
            backends.close();
        }
        if (store != null) {
            registryServer.stop(0);
            store.close();
        }
    }

    // ---- 2. Config ---------------------------------------------------------------------------------
    // What can be set, and what each setting means. The list is the manual: --help prints it and
    // .env.example repeats it. A Config that breaks a rule cannot exist.

    /**
     * All settings, checked. Times are milliseconds. {@code newKeys} are those that were missing, made here.
     */
    record Config(String registryUrl, String apiKey, List<String> secrets, int port, String bindAddress,
                  int cacheTtl, int healthInterval, int healthTimeout, int healthFailures,
                  int connectTimeout, int upstreamTimeout, long maxBody, int shutdownGrace,
                  String adminToken, List<Cidr> trustedProxies, Allowed allowed, boolean rewriteRedirects,
                  Tls.Source tls, String backendCa, String etcdUser, String etcdPassword,
                  String accessLog, int registryPort, String registryBind, String registryFile,
                  boolean demo, boolean check, boolean registryOnly, Path envFile,
                  Map<String, String> newKeys) {

        static final String USAGE = """
            Usage: java GatewayServer.java [--option=value …]
            Each setting is looked for on the command line, in the environment, and in the file .env.

            """;

        static final List<Env.Setting> SETTINGS = List.of(
            Env.Setting.of("help", "", null, "prints this list"),
            Env.Setting.of("demo", "", null, "a gateway, a registry and two backends to play with"),
            Env.Setting.of("check", "", null, "looks at everything, says what is wrong, and serves nothing"),
            Env.Setting.of("json", "", null, "with --check: as JSON"),
            Env.Setting.of("registry-only", "", null, "serves the embedded registry and no gateway"),
            Env.Setting.of("env-file", "", "", "settings are read from this file instead of .env"),
            Env.Setting.of("registry-url", "BACKENDS_REGISTRY_URL", "",
                "where backends are written down: http(s)://…, etcd(s)://… or file:…; empty: embedded"),
            Env.Setting.of("etcd-username", "ETCD_USERNAME", "", "etcd's user, if it asks for one"),
            Env.Setting.of("etcd-password", "ETCD_PASSWORD", "", "that user's password"),
            Env.Setting.of("api-key", "API_KEY", "", "the registry's key"),
            Env.Setting.of("encryption-key", "ENCRYPTION_KEY", "",
                "opens the backends' tokens; several, with commas, while changing it"),
            Env.Setting.of("cache-ttl-ms", "CACHE_TTL_MS", "30000", "how old the table of backends may get"),
            Env.Setting.of("proxy-port", "PROXY_PORT PORT", "8080", "the port that clients use"),
            Env.Setting.of("bind-address", "BIND_ADDRESS", "0.0.0.0", "the address that clients use"),
            Env.Setting.of("health-interval-ms", "HEALTH_INTERVAL_MS", "10000",
                "from probe to probe of a backend"),
            Env.Setting.of("health-timeout-ms", "HEALTH_TIMEOUT_MS", "5000", "how long a probe may take"),
            Env.Setting.of("health-failures", "HEALTH_FAILURES", "3",
                "failures in a row that take a backend out"),
            Env.Setting.of("connect-timeout-ms", "CONNECT_TIMEOUT_MS", "5000",
                "how long connecting takes at most"),
            Env.Setting.of("upstream-timeout-ms", "UPSTREAM_TIMEOUT_MS", "60000",
                "how long a backend may take until its response headers"),
            Env.Setting.of("max-body-bytes", "MAX_BODY_BYTES", "0", "larger requests get 413; 0: no limit"),
            Env.Setting.of("shutdown-grace-ms", "SHUTDOWN_GRACE_MS", "10000",
                "how long requests in flight may go on after SIGTERM"),
            Env.Setting.of("admin-token", "ADMIN_TOKEN", "",
                "opens /gateway/status and the like; empty: they answer this machine only"),
            Env.Setting.of("trusted-proxies", "TRUSTED_PROXIES", "",
                "addresses or CIDRs, with commas, whose X-Forwarded-* is believed"),
            Env.Setting.of("allowed-backends", "ALLOWED_BACKENDS", "",
                "host patterns (*.lan) or CIDRs that a backend's url must match; empty: any but link-local"),
            Env.Setting.of("tls-cert", "TLS_CERT", "", "PEM file with certificate and chain: then HTTPS"),
            Env.Setting.of("tls-key", "TLS_KEY", "", "PEM file with its private key (PKCS#8)"),
            Env.Setting.of("tls-keystore", "TLS_KEYSTORE", "", "or both in one PKCS#12 file"),
            Env.Setting.of("tls-keystore-password", "TLS_KEYSTORE_PASSWORD", "", "that file's password"),
            Env.Setting.of("backend-ca", "BACKEND_CA", "",
                "PEM file with certificates that https backends may have theirs from, besides the JDK's own"),
            Env.Setting.of("rewrite-redirects", "REWRITE_REDIRECTS", "true",
                "a Location that points at the backend comes back under its prefix"),
            Env.Setting.of("access-log", "ACCESS_LOG", "errors", "off, errors, text or json"),
            Env.Setting.of("registry-port", "REGISTRY_PORT", "8000", "the embedded registry's port"),
            Env.Setting.of("registry-bind", "REGISTRY_BIND", "127.0.0.1", "the embedded registry's address"),
            Env.Setting.of("registry-file", "REGISTRY_FILE", "backends.json",
                "where the embedded registry is kept"));

        static Config read(String[] args, Map<String, String> environment) {
            return read(new Env(SETTINGS, args, environment));
        }

        /** Checks everything that was given. Throws Env.Refused with a sentence for each fault. */
        static Config read(Env env) {
            if (!env.words().isEmpty()) env.fault("help", "lists what can be set; a word without -- cannot.");
            boolean demo = env.isOn("demo");
            boolean registryOnly = env.isOn("registry-only");
            env.isOn("json");                              // the doctor's, and checked here with the rest
            String registryUrl = demo || registryOnly ? "" : registryUrl(env);
            Map<String, String> newKeys = new LinkedHashMap<>();
            String apiKey = key(env, "api-key", registryUrl, newKeys);
            String encryptionKey = key(env, "encryption-key", registryUrl, newKeys);
            Config config = new Config(registryUrl, apiKey, secrets(encryptionKey, apiKey),
                (int) env.number("proxy-port", 0, 65535), env.text("bind-address"),
                millis(env, "cache-ttl-ms", 100), millis(env, "health-interval-ms", 100),
                millis(env, "health-timeout-ms", 10), (int) env.number("health-failures", 1, 1000),
                millis(env, "connect-timeout-ms", 10), millis(env, "upstream-timeout-ms", 10),
                env.number("max-body-bytes", 0, Long.MAX_VALUE / 10), millis(env, "shutdown-grace-ms", 0),
                secret(env, "admin-token"), cidrs(env, "trusted-proxies"), allowed(env),
                env.isOn("rewrite-redirects"), tls(env), env.text("backend-ca"),
                env.text("etcd-username"), env.text("etcd-password"),
                env.choice("access-log", "off", "errors", "text", "json"),
                (int) env.number("registry-port", 0, 65535), env.text("registry-bind"),
                demo ? Demo.file() : env.text("registry-file"),
                demo, env.isOn("check"), registryOnly,
                Path.of(env.text("env-file").isEmpty() ? ".env" : env.text("env-file")), newKeys);
            env.check();
            return config;
        }

        boolean embedded() {
            return registryUrl.isEmpty();
        }

        private static String registryUrl(Env env) {
            String url = env.text("registry-url");
            if (!url.matches("|file:.+|https?://[^/?#@]+(/[^?#]*)?") && !Etcd.URL.matcher(url).matches()) {
                env.fault("registry-url", "must be http(s)://…, etcd(s)://… or file:…, without a query.");
            } else if (url.startsWith("http") && !isReachable(url)) {
                env.fault("registry-url", "has no host and port that Java's HTTP client can reach.");
            }
            return url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
        }

        /** HttpClient wants a host by URI's rules, which have no underscore in it, and looks at no port. */
        private static boolean isReachable(String url) {
            try {
                URI uri = URI.create(url);
                return uri.getHost() != null && uri.getPort() != 0 && uri.getPort() < 65536;
            } catch (IllegalArgumentException e) {
                return false;
            }
        }

        private static String secret(Env env, String option) {
            String secret = env.text(option);
            if (secret.chars().anyMatch(c -> c < ' ' || c > '~')) {
                env.fault(option, "must be of visible ASCII characters, for it travels in a header.");
            }
            return secret;
        }

        /** A key as it was set; a random one where it is missing and the registry is ours to key. */
        private static String key(Env env, String option, String registryUrl, Map<String, String> newKeys) {
            String key = secret(env, option);
            if (!key.isEmpty() || registryUrl.matches("(file|etcds?):.*")) return key;
            if (registryUrl.isEmpty()) {
                byte[] random = new byte[24];
                new SecureRandom().nextBytes(random);
                key = Base64.getUrlEncoder().encodeToString(random);
                newKeys.put(option.equals("api-key") ? "API_KEY" : "ENCRYPTION_KEY", key);
            } else if (option.equals("api-key")) {
                env.fault(option, "is not set: the registry at BACKENDS_REGISTRY_URL wants one. "
                    + "Export it, or put it in .env.");
            }
            return key;
        }

        /**
         * What opens tokens: the keys that were set, and the one that a registrar makes when it has API_KEY
         * alone.
         */
        private static List<String> secrets(String encryptionKey, String apiKey) {
            List<String> secrets = new ArrayList<>();
            for (String key : encryptionKey.split(",")) if (!key.isBlank()) secrets.add(key.strip());
            if (!apiKey.isEmpty()) secrets.add(TokenCipher.secretFrom(apiKey));
            return secrets;
        }

        private static Tls.Source tls(Env env) {
            Tls.Source source = new Tls.Source(env.text("tls-cert"), env.text("tls-key"),
                env.text("tls-keystore"), env.text("tls-keystore-password"));
            if (source.cert().isEmpty() != source.key().isEmpty()) {
                env.fault("tls-cert", "and TLS_KEY go together: set both, or neither.");
            } else if (!source.cert().isEmpty() && !source.keystore().isEmpty()) {
                env.fault("tls-cert", "and TLS_KEYSTORE are two ways to say the same: set one of them.");
            }
            return source;
        }

        private static int millis(Env env, String option, int least) {
            return (int) env.number(option, least, 86_400_000);
        }

        private static List<Cidr> cidrs(Env env, String option) {
            List<Cidr> cidrs = new ArrayList<>();
            for (String text : list(env, option)) {
                try {
                    cidrs.add(Cidr.parse(text));
                } catch (IllegalArgumentException e) {
                    env.fault(option, "must be addresses or CIDRs such as 10.0.0.0/8, not \"" + text + "\".");
                }
            }
            return cidrs;
        }

        private static Allowed allowed(Env env) {
            List<Cidr> cidrs = new ArrayList<>();
            List<String> hosts = new ArrayList<>();
            for (String text : list(env, "allowed-backends")) {
                if (text.matches("[0-9.]+(/[0-9]+)?|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(/[0-9]+)?")) {
                    try {
                        cidrs.add(Cidr.parse(text));
                    } catch (IllegalArgumentException e) {
                        env.fault("allowed-backends", "holds \"" + text + "\", which is no CIDR.");
                    }
                } else if (text.matches("(\\*\\.)?[A-Za-z0-9._-]+")) {
                    hosts.add(text.toLowerCase(Locale.ROOT));
                } else {
                    env.fault("allowed-backends", "takes names, *.names and CIDRs, not \"" + text + "\".");
                }
            }
            return new Allowed(hosts, cidrs);
        }

        private static List<String> list(Env env, String option) {
            return Arrays.stream(env.text(option).split(",")).map(String::strip)
                .filter(text -> !text.isEmpty()).toList();
        }

        /** Keeps the keys that were made here in the file that the next start reads. Throws Env.Refused. */
        void writeNewKeys() {
            if (newKeys.isEmpty() || demo) return;
            String names = String.join(" and ", newKeys.keySet());
            StringBuilder lines = new StringBuilder();
            newKeys.forEach((name, key) -> lines.append(name).append('=').append(key).append('\n'));
            try {
                Durable.ownerOnly(envFile);
                String before = Files.readString(envFile);
                String gap = before.isEmpty() || before.endsWith("\n") ? "" : "\n";
                Files.writeString(envFile, gap + lines, StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw new Env.Refused("There is no " + names + ", and a new one cannot be written to "
                    + envFile + " (" + e.getMessage() + "): set it, or make the file writable.");
            }
            Log.info("New keys  " + names + " made and written to " + envFile + ": registrars need them.");
        }
    }

    // ---- 3. One request ----------------------------------------------------------------------------
    // From the socket to the backend and back. Anything may throw Refused; it becomes an answer in one
    // place, handle. Once the answer has begun there is nothing to say any more: the connection breaks.

    /** Why the gateway answered by itself: the status, the word in X-Gateway-Error, and the error's name. */
    enum Cause {
        BAD_METHOD(400, "bad-method", "Bad request"),
        BAD_TARGET(400, "bad-target", "Bad request"),
        BAD_HEADER(400, "bad-header", "Bad request"),
        BAD_BODY(400, "bad-body", "Bad request"),
        BAD_VERSION(505, "bad-version", "HTTP version not supported"),
        METHOD_REFUSED(405, "method-refused", "Method not allowed"),
        UPGRADE_REFUSED(501, "upgrade-refused", "Not implemented"),
        BODY_TOO_LARGE(413, "body-too-large", "Request too large"),
        CLIENT_STALLED(408, "client-stalled", "Request timeout"),
        ADMIN_ONLY(403, "admin-only", "Forbidden"),
        ADMIN_TOKEN_WRONG(401, "admin-token-wrong", "Unauthorized"),
        NO_SUCH_PAGE(404, "no-such-page", "Not found"),
        NO_ROUTE(404, "no-route", "No backend found"),
        NO_HEALTHY_BACKEND(503, "no-healthy-backend", "No healthy backend"),
        NO_TABLE(503, "registry-unavailable", "No table of backends yet"),
        CONNECT_REFUSED(502, "connect-refused", "Backend error"),
        CONNECT_TIMEOUT(504, "connect-timeout", "Backend timeout"),
        NAME_UNKNOWN(502, "name-unknown", "Backend error"),
        ADDRESS_FORBIDDEN(502, "address-forbidden", "Backend error"),
        TLS_FAILED(502, "tls-failed", "Backend error"),
        BACKEND_CLOSED(502, "backend-closed", "Backend error"),
        BAD_ANSWER(502, "bad-answer", "Backend error"),
        UPSTREAM_TIMEOUT(504, "upstream-timeout", "Backend timeout"),
        ANSWER_BROKEN(502, "answer-broken", "Backend error"),
        CLIENT_GONE(499, "client-gone", "Client closed the connection"),
        INTERNAL(500, "internal", "Internal error");

        final int status;
        final String word;
        final String error;

        Cause(int status, String word, String error) {
            this.status = status;
            this.word = word;
            this.error = error;
        }
    }

    /**
     * A request that the gateway answers by itself. Cheap: it has no stack trace, for it is no fault of ours.
     */
    static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1;
        final transient Cause cause;
        final transient Map<String, String> fields;        // further members of the JSON answer

        Refused(Cause cause, String message) {
            this(cause, message, Map.of());
        }

        Refused(Cause cause, String message, Map<String, String> fields) {
            super(message, null, false, false);
            this.cause = cause;
            this.fields = fields;
        }
    }

    /**
     * What a request asks for, byte for byte: path and query (null where there is no "?") are never decoded
     * for routing, so what is routed, checked and forwarded is one and the same text.
     */
    record Target(String path, String query) {
        private static final Pattern ABSOLUTE = Pattern.compile("(?i)https?://[^/?#]+");

        /** Reads a request-target (RFC 9112 section 3.2). Throws Refused for what could reach elsewhere. */
        static Target of(String raw) {
            if (!raw.startsWith("/")) {  // absolute-form: the authority is not for us to follow
                Matcher absolute = ABSOLUTE.matcher(raw);
                require(absolute.lookingAt(), "The request target must begin with / or http://.");
                raw = raw.substring(absolute.end());
                if (!raw.startsWith("/")) raw = "/" + raw;
            }
            require(!raw.startsWith("//"), "The path must not begin with //.");
            require(raw.indexOf('#') < 0, "A request target has no fragment.");
            raw = escapeObsText(raw);
            int question = raw.indexOf('?');
            String path = question < 0 ? raw : raw.substring(0, question);
            require(!hasDotSegment(path), "The path must not have . or .. segments, plain or encoded.");
            require(!path.contains("%00"), "The path must not have an encoded NUL.");
            return new Target(path, question < 0 ? null : raw.substring(question + 1));
        }

        /** The same target as the backends of a prefix know it; both prefix and rest are what was sent. */
        String behind(String prefix) {
            String rest = path.substring(prefix.length());
            return query == null ? rest : rest + "?" + query;
        }

        private static void require(boolean holds, String message) {
            if (!holds) throw new Refused(Cause.BAD_TARGET, message);
        }

        /**
         * HttpServer reads bytes over 0x7F as Latin-1; HttpClient would send them as UTF-8, twice encoded.
         */
        private static String escapeObsText(String raw) {
            int first = 0;
            while (first < raw.length() && raw.charAt(first) < 0x80) first++;
            if (first == raw.length()) return raw;
            StringBuilder escaped = new StringBuilder(raw.substring(0, first));
            for (int i = first; i < raw.length(); i++) {
                char c = raw.charAt(i);
                if (c < 0x80) escaped.append(c);
                else escaped.append("%%%02X".formatted((int) c));
            }
            return escaped.toString();
        }

        /**
         * Whether a server behind us might read a segment as "." or "..": it may decode it, take a backslash
         * or an encoded slash for a slash, and cut off ";parameters" (RFC 3986 section 5.2.4 and its
         * misuses).
         */
        private static boolean hasDotSegment(String path) {
            if (!path.contains("/.") && path.indexOf('%') < 0) return false;         // nearly every path
            return DOT_SEGMENT.matcher(path).find();
        }

        private static final Pattern DOT_SEGMENT =
            Pattern.compile("(?i)(?:/|%2f|%5c)(?:\\.|%2e){1,2}(?=/|%2f|%5c|;|%3b|$)");
    }

    /** One request and what became of it; the thread that serves it is the only one that changes it. */
    static final class Inbound {
        private static final AtomicLong COUNT = new AtomicLong();
        private static final String PROCESS = HexFormat.of().toHexDigits(new SecureRandom().nextInt());
        private static final Pattern ID = Pattern.compile("[A-Za-z0-9._-]{1,64}");

        final HttpExchange exchange;
        final Headers headers;
        final String method;
        final String id;
        final InetAddress peer;
        final Set<String> named;                              // the headers that Connection names
        final String host;                                    // and port, as the client named them; or null
        final boolean chunked;
        final String declared;                                // the body's length; null where none was given
        final long began = System.nanoTime();
        final Watch watch = Watch.ofThisThread();
        final List<String> attempts = new ArrayList<>(1);  // "name: what went wrong", for those that failed
        Target target = new Target("", null);
        Backend backend;                                      // the last that was tried
        boolean counted;                                      // it is no request for an own page
        boolean relayed;                                      // a backend answered it
        boolean answered;                                     // the head of the answer is out
        int status;
        long bytes;                                           // of the answer's body
        Cause cause;                                          // null where a backend answered whole

        Inbound(HttpExchange exchange) {
            this.exchange = exchange;
            headers = exchange.getRequestHeaders();
            method = exchange.getRequestMethod();
            peer = exchange.getRemoteAddress().getAddress();
            named = RequestHeaders.namedIn(headers.get("Connection"));
            String authority = exchange.getRequestURI().getRawAuthority();
            // an absolute-form overrules Host (RFC 9112 section 3.2.2)
            host = authority == null ? headers.getFirst("Host") : authority;
            chunked = headers.containsKey("Transfer-encoding");
            declared = headers.getFirst("Content-length");
            String given = headers.getFirst("X-Request-Id");
            boolean sane = given != null && ID.matcher(given).matches();       // it will stand in log lines
            id = sane ? given : PROCESS + "-" + COUNT.incrementAndGet();
        }

        boolean wantsClose() {
            return named.contains("Close");
        }

        String scheme() {
            return exchange instanceof HttpsExchange ? "https" : "http";
        }

        /** What may be asked of this target: for an answer of 405 (RFC 9110 section 15.5.6). */
        void allow(String methods) {
            exchange.getResponseHeaders().set("Allow", methods);
        }

        /** Ends the connection with this answer: its client, or what it sent, is not to be gone on with. */
        void closeAfterwards() {
            exchange.getResponseHeaders().set("Connection", "close");
        }

        /** Takes note of an answer that another thread gave. */
        void answeredElsewhere(int status) {
            answered = true;
            this.status = status;
        }

        /** Sends the head of the answer; the length is as HttpExchange wants it. */
        void begin(int status, long length) throws IOException {
            Headers answer = exchange.getResponseHeaders();
            answer.set("X-Proxied-By", "gateway-server");
            answer.set("X-Request-Id", id);
            answered = true;
            this.status = status;
            exchange.sendResponseHeaders(status, length);
        }

        /** Sends a whole answer of the gateway's own. {@code finish}: the connection may go on after it. */
        void answerJson(int status, Object json, boolean finish) throws IOException {
            answer(status, "application/json", Json.write(json).getBytes(StandardCharsets.UTF_8), finish);
        }

        void answer(int status, String type, byte[] body, boolean finish) throws IOException {
            watch.until(Watch.For.CLIENT_TO_READ);
            exchange.getResponseHeaders().set("Content-Type", type);
            exchange.getResponseHeaders().set("Cache-Control", "no-store");
            if (method.equals("HEAD")) {
                exchange.getResponseHeaders().set("Content-Length", Integer.toString(body.length));
                begin(status, -1);
                return;
            }
            begin(status, body.length);
            OutputStream out = exchange.getResponseBody();
            out.write(body);
            bytes = body.length;
            if (finish) out.close();                          // closing reads what is left of the request
            else out.flush();
        }

        /** The length that was declared; 0 where there is no body, -1 where it is chunked. */
        long length() {
            if (chunked) return -1;
            return declared == null ? 0 : Long.parseLong(declared);
        }
    }

    /** Takes each request to its backend, and the answer back. */
    static final class Gateway implements HttpHandler {
        private static final int MOST_ATTEMPTS = 4;  // a request does not go round a dead fleet for ever

        private final Config config;
        private final Routes routes;
        private final Backends backends;
        private final OwnEndpoints own;
        private final Record record;
        private volatile boolean draining;

        Gateway(Config config, Routes routes, Backends backends) {
            this.config = config;
            this.routes = routes;
            this.backends = backends;
            this.record = new Record(config.accessLog());
            this.own = new OwnEndpoints(config, routes, record, () -> draining);
        }

        /** From now on every answer closes its connection, and /gateway/health says 503. */
        void drain() {
            draining = true;
        }

        @Override
        public void handle(HttpExchange exchange) throws IOException {
            Inbound in = new Inbound(exchange);
            try {
                in.watch.until(Watch.For.REQUEST_BODY);
                // JDKs before the hardening of 2026 misread some chunked bodies: nothing is read after one.
                if (draining || in.chunked || in.wantsClose()) in.closeAfterwards();
                serve(in);
            } catch (Refused refused) {
                refuse(in, refused);
            } catch (Watch.Expired expired) {
                if (expired.told) in.answeredElsewhere(expired.wait.cause.status);
                refuse(in, new Refused(expired.wait.cause, expired.wait.message));
            } catch (IOException broken) {                    // the client's side: nobody is left to tell
                boolean stalled = in.watch.hasExpired();
                if (in.cause == null) in.cause = stalled ? Cause.CLIENT_STALLED : Cause.CLIENT_GONE;
                throw broken;
            } catch (RuntimeException | Error fault) {
                Log.warn("Request " + in.id + " met a fault of the gateway: " + Log.trace(fault));
                refuse(in, new Refused(Cause.INTERNAL, "The gateway has a fault; its log has the details."));
            } finally {
                record.add(in);
            }
        }

        private void serve(Inbound in) throws IOException {
            checkHead(in);
            in.target = Target.of(in.exchange.getRequestURI().toString());
            if (own.serves(in.target.path())) {
                own.answer(in);
                return;
            }
            record.begin(in);
            checkForwardable(in);
            Route route = routes.route(in.target.path());
            if (in.length() != 0) in.watch.tellBeforeTheEnd(() -> tellLate(in));
            forward(in, route, Body.of(in, config.maxBody()));
        }

        /** Says 408 while the request's own thread still waits for its body, which only an end can wake. */
        private void tellLate(Inbound in) {
            try {
                refuse(in, new Refused(Cause.CLIENT_STALLED, Watch.For.REQUEST_BODY.message));
            } catch (IOException end) {
                // Said, or nobody is there to hear it: its connection ends either way.
            }
        }

        /** What HttpServer lets through, and RFC 9112 does not. Hardened JDKs refuse some of it before us. */
        private static void checkHead(Inbound in) {
            String version = in.exchange.getProtocol();
            if (!version.equals("HTTP/1.1") && !version.equals("HTTP/1.0")) {
                throw new Refused(Cause.BAD_VERSION, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
            }
            if (!METHOD.matcher(in.method).matches()) {       // HttpClient would blame the backend
                throw new Refused(Cause.BAD_METHOD, "The method must be a word.");
            }
            List<String> hosts = in.headers.getOrDefault("Host", List.of());
            boolean oneHost = hosts.size() == 1 && HOST.matcher(hosts.getFirst()).matches()
                && (in.host.equals(hosts.getFirst()) || HOST.matcher(in.host).matches());
            if (!oneHost && !(hosts.isEmpty() && version.equals("HTTP/1.0"))) {
                throw new Refused(Cause.BAD_HEADER, "Exactly one well-formed Host is needed.");
            }
            if (in.declared != null && !LENGTH.matcher(in.declared).matches()) {
                throw new Refused(Cause.BAD_HEADER, "Content-Length must be digits and nothing else.");
            }
            if (in.chunked && version.equals("HTTP/1.0")) {
                throw new Refused(Cause.BAD_HEADER, "HTTP/1.0 has no chunked bodies.");
            }
        }

        private static final Pattern METHOD = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+");
        private static final Pattern HOST =
            Pattern.compile("(\\[[0-9A-Fa-f:.]+]|[A-Za-z0-9._~-]*)(:[0-9]{0,5})?");
        private static final Pattern LENGTH = Pattern.compile("[0-9]{1,18}");

        private static void checkForwardable(Inbound in) {
            // The echo of TRACE would show the client our token; CONNECT is for proxies of the client's.
            if (in.method.equals("TRACE") || in.method.equals("CONNECT")) {
                in.allow("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
                throw new Refused(Cause.METHOD_REFUSED, in.method + " is not passed on.");
            }
            for (String protocol : in.headers.getOrDefault("Upgrade", List.of())) {
                if (protocol.toLowerCase(Locale.ROOT).contains("websocket")) {
                    throw new Refused(Cause.UPGRADE_REFUSED, "WebSocket cannot pass this gateway: the JDK's "
                        + "HttpServer has no upgrades. Connect to the backend directly.");
                }
            }
        }

        /** Tries one backend after another until one answers, or none may be tried any more. */
        private void forward(Inbound in, Route route, Body body) throws IOException {
            Map<String, List<String>> headers = RequestHeaders.of(in, route, config);
            Set<Backend> unreachable = new HashSet<>();
            Attempt.Failed last = null;
            while (true) {
                Backend backend = route.pick(unreachable);
                if (backend == null) throw unserved(in, route, last);
                if (last != null) record.retries.increment();
                in.backend = backend;
                backend.traffic.inFlight.increment();
                try {
                    switch (backends.attempt(in, route, backend, headers, body)) {
                        case Attempt.Answered answered -> {             // this file needs Java 21 or newer
                            relay(in, route, answered.response());
                            return;
                        }
                        case Attempt.Failed failed -> last = failed;
                    }
                } finally {
                    backend.traffic.inFlight.decrement();
                }
                backend.traffic.failures.increment();
                in.attempts.add(backend.name() + ": " + last.cause().word);
                if (!mayRetry(in, last, body)) throw unserved(in, route, last);
                if (last.neverSent()) unreachable.add(backend);
            }
        }

        /**
         * A request goes out again if it never arrived, or if arriving twice does no harm (RFC 9110, 9.2.2).
         */
        private static boolean mayRetry(Inbound in, Attempt.Failed failed, Body body) {
            if (in.attempts.size() >= MOST_ATTEMPTS) return false;
            if (failed.neverSent()) return !body.isBegun();
            return failed.cause() == Cause.BACKEND_CLOSED && body.isNone() && REPEATABLE.contains(in.method);
        }

        private static final Set<String> REPEATABLE = Set.of("GET", "HEAD", "OPTIONS", "PUT", "DELETE");

        private static Refused unserved(Inbound in, Route route, Attempt.Failed last) {
            if (last == null) {
                return new Refused(Cause.NO_HEALTHY_BACKEND,
                    "No backend of " + route.title() + " is up at the moment. Try again in a second.");
            }
            return new Refused(last.cause(), last.message(), Map.of("backend", in.backend.name()));
        }

        /** Streams a backend's answer to the client; whatever breaks it leaves it visibly incomplete. */
        private void relay(Inbound in, Route route, HttpResponse<Download> response) throws IOException {
            try (Download body = response.body()) {
                in.relayed = true;
                ResponseHeaders.copy(in, route, response.headers(), config.rewriteRedirects());
                if (draining) in.closeAfterwards();            // it may have begun before
                long length = ResponseHeaders.length(in, response);
                in.watch.until(Watch.For.CLIENT_TO_READ);
                in.begin(response.statusCode(), length);
                if (length == -1) return;
                OutputStream out = in.exchange.getResponseBody();
                if (body.isWaiting()) out.flush();             // the head must not wait for a slow body
                copy(in, body, out);
                in.watch.until(Watch.For.CLIENT_TO_READ);
                out.close();
            } catch (Download.Broken broken) {
                in.cause = Cause.ANSWER_BROKEN;
                in.exchange.getResponseBody().flush();
                throw broken;
            }
        }

        private static void copy(Inbound in, Download body, OutputStream out) throws IOException {
            byte[] bytes = {};                                 // one array for all batches
            while (true) {
                in.watch.until(Watch.For.BACKEND_TO_SEND);
                List<ByteBuffer> batch = body.next();
                if (batch == null) return;
                long size = 0;
                for (ByteBuffer buffer : batch) size += buffer.remaining();
                int most = (int) Math.min(size, BUFFER);
                if (bytes.length < most) bytes = new byte[most];
                int filled = 0;
                for (ByteBuffer buffer : batch) filled = fill(in, out, bytes, filled, buffer);
                if (filled > 0) write(in, out, bytes, filled);
                if (body.isWaiting()) out.flush();             // what is there arrives now: events, progress
            }
        }

        /** Empties a buffer into the array, writing that whenever it is full; how much of it is filled then. */
        private static int fill(Inbound in, OutputStream out, byte[] bytes, int filled, ByteBuffer from)
                throws IOException {
            while (from.hasRemaining()) {
                int length = Math.min(from.remaining(), bytes.length - filled);
                from.get(bytes, filled, length);
                filled += length;
                if (filled < bytes.length) continue;
                write(in, out, bytes, filled);
                filled = 0;
            }
            return filled;
        }

        private static void write(Inbound in, OutputStream out, byte[] bytes, int length) throws IOException {
            in.watch.until(Watch.For.CLIENT_TO_READ);
            out.write(bytes, 0, length);
            in.bytes += length;
        }

        /** Answers a request that no backend answered; breaks the connection where an answer has begun. */
        private void refuse(Inbound in, Refused refused) throws IOException {
            in.cause = refused.cause;
            if (in.answered) throw new IOException("the answer broke off: " + refused.cause.word);
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("error", refused.cause.error);
            json.put("message", refused.getMessage());
            if (refused.cause == Cause.NO_ROUTE) json.put("path", in.target.path());
            json.putAll(refused.fields);
            json.put("requestId", in.id);
            Headers headers = in.exchange.getResponseHeaders();
            headers.set("X-Gateway-Error", refused.cause.word);
            if (refused.cause.status == 503) headers.set("Retry-After", "1");
            boolean unreadable = UNREADABLE.contains(refused.cause);
            if (unreadable) in.closeAfterwards();
            in.answerJson(refused.cause.status, json, !unreadable);
            // What follows on this connection cannot be told apart from the body: nothing of it may be read.
            if (unreadable) throw new IOException("connection given up: " + refused.cause.word);
        }

        private static final Set<Cause> UNREADABLE =
            EnumSet.of(Cause.BAD_METHOD, Cause.BAD_HEADER, Cause.BAD_BODY, Cause.BAD_VERSION,
                Cause.CLIENT_STALLED);
    }

    /** The headers that a backend gets: the client's, less what is not for it, and then the gateway's own. */
    static final class RequestHeaders {
        // As HttpServer writes names: first letter large, the rest small.
        private static final Set<String> NOT_PASSED_ON = Set.of(
            // RFC 9110 section 7.6.1: for this connection only; and what HttpClient writes by itself
            "Connection", "Keep-alive", "Proxy-connection", "Proxy-authenticate", "Proxy-authorization", "Te",
            "Trailer", "Transfer-encoding", "Upgrade", "Http2-settings", "Content-length", "Expect", "Host",
            // set by the gateway, or not to be believed
            "Authorization", "Forwarded", "X-real-ip", "X-request-id");

        // Of this family, too: -Ssl, -Scheme, -User and others are believed by some framework each.
        private static final String NOT_BELIEVED = "X-forwarded";

        private RequestHeaders() {}

        /** All headers but Host and Authorization, which are each backend's own. Throws Refused. */
        static Map<String, List<String>> of(Inbound in, Route route, Config config) {
            Map<String, List<String>> result = new HashMap<>();
            for (Map.Entry<String, List<String>> header : in.headers.entrySet()) {
                String name = header.getKey();
                // CGI cannot tell them apart
                String twin = name.indexOf('_') < 0 ? name : name.replace('_', '-');
                if (NOT_PASSED_ON.contains(twin) || twin.startsWith(NOT_BELIEVED)) continue;
                if (in.named.contains(name)) continue;
                for (String value : header.getValue()) checkValue(name, value);
                result.put(name, header.getValue());
            }
            boolean trusted = Cidr.anyContains(config.trustedProxies(), in.peer);
            String peer = Log.host(in.peer);
            set(result, "X-Forwarded-For", before(in, trusted, "X-Forwarded-For", ", ") + peer);
            set(result, "X-Forwarded-Host", given(in, trusted, "X-Forwarded-Host", in.host));
            set(result, "X-Forwarded-Proto", given(in, trusted, "X-Forwarded-Proto", in.scheme()));
            set(result, "X-Forwarded-Prefix", before(in, trusted, "X-Forwarded-Prefix", "") + route.prefix);
            set(result, "X-Request-Id", in.id);
            result.putIfAbsent("User-agent", List.of("backend-gateway"));    // else HttpClient names the JDK
            return result;
        }

        private static Set<String> namedIn(List<String> connection) {
            if (connection == null) return Set.of();
            Set<String> names = new HashSet<>();
            for (String value : connection) {
                for (String name : value.split(",")) names.add(asHttpServerWrites(name.strip()));
            }
            return names;
        }

        private static String asHttpServerWrites(String name) {
            String small = name.toLowerCase(Locale.ROOT);
            return small.isEmpty() ? small : Character.toUpperCase(small.charAt(0)) + small.substring(1);
        }

        /** HttpClient would turn any other character into "?" without a word. */
        private static void checkValue(String name, String value) {
            for (int i = 0; i < value.length(); i++) {
                char c = value.charAt(i);
                if ((c < ' ' && c != '\t') || c > '~') {
                    throw new Refused(Cause.BAD_HEADER,
                        "The header " + name + " has a character that is not printable ASCII.");
                }
            }
        }

        private static String before(Inbound in, boolean trusted, String name, String separator) {
            List<String> values = trusted ? in.headers.get(name) : null;
            return values == null ? "" : String.join(", ", values) + separator;
        }

        private static String given(Inbound in, boolean trusted, String name, String otherwise) {
            String value = trusted ? in.headers.getFirst(name) : null;
            return value == null ? otherwise : value;
        }

        private static void set(Map<String, List<String>> headers, String name, String value) {
            if (value == null || value.isEmpty()) return;
            checkValue(name, value);                       // a trusted proxy's, as anybody's
            headers.put(name, List.of(value));
        }
    }

    /** The headers that a client gets: the backend's, less what is not for it, and then the gateway's own. */
    static final class ResponseHeaders {
        private static final Set<String> NOT_PASSED_ON = Set.of(
            "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "te", "trailer",
            "transfer-encoding", "upgrade", "content-length", "date", "alt-svc",
            "x-backend-name", "x-proxied-by", "x-request-id", "x-gateway-error");

        private static final Set<String> POINTS_SOMEWHERE = Set.of("location", "content-location");

        private ResponseHeaders() {}

        static void copy(Inbound in, Route route, HttpHeaders from, boolean rewriteRedirects) {
            Headers to = in.exchange.getResponseHeaders();
            Set<String> named = RequestHeaders.namedIn(from.allValues("connection"));
            for (Map.Entry<String, List<String>> header : from.map().entrySet()) {
                String name = header.getKey().toLowerCase(Locale.ROOT);
                if (NOT_PASSED_ON.contains(name)) continue;
                if (!named.isEmpty() && named.contains(RequestHeaders.asHttpServerWrites(name))) continue;
                boolean redirect = rewriteRedirects && POINTS_SOMEWHERE.contains(name);
                for (String value : header.getValue()) {
                    to.add(name, redirect ? in.backend.underPrefix(value, route.prefix) : value);
                }
            }
            to.set("X-Backend-Name", in.backend.name());
        }

        /** What HttpServer is to be told: a length, 0 for "unknown, chunked", -1 for "no body". */
        static long length(Inbound in, HttpResponse<?> response) {
            int status = response.statusCode();
            String length = response.headers().firstValue("content-length").orElse(null);
            boolean bodiless = in.method.equals("HEAD") || status == 204 || status == 205 || status == 304;
            if (!bodiless) return length == null ? 0 : length.equals("0") ? -1 : Long.parseLong(length);
            if (length != null && (in.method.equals("HEAD") || status == 304)) {
                in.exchange.getResponseHeaders().set("Content-Length", length);
            }
            return -1;
        }
    }

    // ---- 4. Bodies ---------------------------------------------------------------------------------
    // One attempt to have a backend answer, and the streams in both directions. HttpClient runs its callbacks
    // on the thread that reads from all backends, so nothing in them may ever wait: uploads are pushed to it
    // by the request's own thread, downloads are handed to that thread by a queue.

    /** What came of sending a request to one backend. */
    sealed interface Attempt {
        /** The head of an answer is here; the body follows. */
        record Answered(HttpResponse<Download> response) implements Attempt {}

        /** There will be no answer. {@code neverSent}: the request certainly did not reach the backend. */
        record Failed(Cause cause, boolean neverSent, String message) implements Attempt {}
    }

    /** The way to the backends: the connections, and what may go wrong with them. */
    static final class Backends {
        private static final int MOST_LOST = 200;          // connections, before an HttpClient is replaced

        private final Config config;
        private final AtomicInteger lost = new AtomicInteger();
        private volatile HttpClient plain;
        private volatile HttpClient secure;  // once wanted: reading the JDK's certificates takes half a start

        Backends(Config config) {
            this.config = config;
            plain = client().executor(Runnable::run).sslContext(new NoTls()).build();
            if (!config.backendCa().isEmpty()) secure();   // what is wrong with that file shows at the start
        }

        private HttpClient to(Backend backend) {
            if (!backend.isSecure()) return plain;
            HttpClient client = secure;
            return client == null ? secure() : client;
        }

        private synchronized HttpClient secure() {
            if (secure != null) return secure;
            return secure = client().executor(Executors.newVirtualThreadPerTaskExecutor())     // TLS computes
                .sslContext(Tls.trusting(config.backendCa())).build();
        }

        private HttpClient.Builder client() {
            return HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)   // the default offers h2c
                .proxy(HttpClient.Builder.NO_PROXY).followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(Duration.ofMillis(config.connectTimeout()));
        }

        /**
         * Sends a request to a backend and waits for the head of its answer. Throws what the client did
         * wrong.
         */
        Attempt attempt(Inbound in, Route route, Backend backend, Map<String, List<String>> headers,
                        Body body) {
            addOwn(headers, backend);
            try {
                URI uri = backend.uri(in.target.behind(route.prefix), config.allowed());
                in.watch.until(Watch.For.ANSWER, config.upstreamTimeout());
                HttpRequest request = new Outbound(in.method, uri, HttpHeaders.of(headers, (n, v) -> true),
                    Optional.ofNullable(body.publisher()));
                HttpClient client = to(backend);
                HttpResponse<Download> response = body instanceof Body.Upload upload
                    ? upload.send(in, client, request, config.upstreamTimeout())
                    : client.send(request, Download::of);
                in.watch.until(Watch.For.NOTHING);
                backend.health.reached();
                return new Attempt.Answered(response);
            } catch (InterruptedException | Watch.Expired e) {
                if (e instanceof Watch.Expired late && late.wait != Watch.For.ANSWER) throw late;
                in.watch.settle();
                return new Attempt.Failed(Cause.UPSTREAM_TIMEOUT, false,
                    "The backend did not answer within " + config.upstreamTimeout() + " ms.");
            } catch (IOException | IllegalArgumentException | UncheckedIOException e) {
                Attempt.Failed failed = failure(e);
                if (failed.neverSent()) backend.health.failed(failed.cause().word, config.healthFailures());
                return failed;
            }
        }

        /** The headers that only this backend may get. */
        private static void addOwn(Map<String, List<String>> headers, Backend backend) {
            headers.put("Host", List.of(backend.authority));
            headers.remove("Authorization");               // of the backend that was tried before
            if (!backend.token.isEmpty()) headers.put("Authorization", List.of("Bearer " + backend.token));
        }

        /** Asks a backend's health path; of the answer only the head is of use. */
        HttpResponse<?> probe(Backend backend) throws IOException, InterruptedException {
            Map<String, List<String>> headers = new HashMap<>();
            headers.put("User-Agent", List.of("backend-gateway"));
            addOwn(headers, backend);
            URI page = backend.uri(backend.healthPath(), config.allowed());
            HttpRequest.Builder request = HttpRequest.newBuilder(page)
                .timeout(Duration.ofMillis(config.healthTimeout()));
            headers.forEach((name, values) -> request.header(name, values.getFirst()));
            HttpClient client = to(backend);
            HttpResponse<Download> response = client.send(request.build(), Download::of);
            try (Download body = response.body()) {
                body.skip(config.healthTimeout());
            }
            return response;
        }

        /**
         * The kind of a failure, from what HttpClient throws. The first kinds prove that nothing was sent.
         */
        Attempt.Failed failure(Exception e) {
            for (Throwable t = e; t != null; t = t.getCause()) {
                switch (t) {
                    case Backend.Forbidden f -> {
                        return neverSent(Cause.ADDRESS_FORBIDDEN, "The backend's address is not allowed.");
                    }
                    case HttpConnectTimeoutException c -> {
                        return neverSent(Cause.CONNECT_TIMEOUT, "The backend took too long to connect.");
                    }
                    case UnknownHostException u -> {
                        return neverSent(Cause.NAME_UNKNOWN, "The backend's name has no address.");
                    }
                    case SSLHandshakeException s -> {
                        return neverSent(Cause.TLS_FAILED, "The backend's TLS handshake failed: "
                            + Log.clean(String.valueOf(rootOf(s).getMessage())));
                    }
                    case ConnectException c -> {
                        return neverSent(Cause.CONNECT_REFUSED, "The backend cannot be connected to.");
                    }
                    case NoRouteToHostException n -> {
                        return neverSent(Cause.CONNECT_REFUSED, "The backend cannot be connected to.");
                    }
                    case ProtocolException p -> {          // thrown by Download.of, too
                        return badAnswer();
                    }
                    default -> { }
                }
            }
            String message = String.valueOf(e.getMessage());
            if (!(e instanceof IOException) || message.contains("parsing")) return badAnswer();
            if (message.contains("with 204 response")) return badAnswer();     // a length, or a coding
            return new Attempt.Failed(Cause.BACKEND_CLOSED, false, "The backend closed without an answer.");
        }

        private Attempt.Failed badAnswer() {
            if (lost.incrementAndGet() % MOST_LOST == 0) renew();
            return new Attempt.Failed(Cause.BAD_ANSWER, false, "The backend's answer is not HTTP.");
        }

        /**
         * HttpClient leaves a connection open for good when it cannot read the head of an answer, and only
         * its own end closes that one: so another takes its place now and then.
         */
        private synchronized void renew() {
            plain = renewed(plain);
            if (secure != null) secure = renewed(secure);
        }

        private HttpClient renewed(HttpClient old) {
            Thread.ofVirtual().start(() -> {
                LockSupport.parkNanos(2_000_000_000L);     // who took it just now has sent by then
                old.shutdown();                            // what it has under way comes to its own end
            });
            return client().executor(old.executor().orElseThrow()).sslContext(old.sslContext()).build();
        }

        private static Attempt.Failed neverSent(Cause cause, String message) {
            return new Attempt.Failed(cause, true, message);
        }

        private static Throwable rootOf(Throwable t) {
            while (t.getCause() != null) t = t.getCause();
            return t;
        }

        void close() {
            plain.shutdownNow();
            if (secure != null) secure.shutdownNow();
        }
    }

    /**
     * A request as HttpClient sends it; its builder would copy all headers once more and insist on a body.
     */
    static final class Outbound extends HttpRequest {
        private final String method;
        private final URI uri;
        private final HttpHeaders headers;
        private final Optional<BodyPublisher> body;

        Outbound(String method, URI uri, HttpHeaders headers, Optional<BodyPublisher> body) {
            this.method = method;
            this.uri = uri;
            this.headers = headers;
            this.body = body;
        }

        @Override
        public Optional<BodyPublisher> bodyPublisher() {
            return body;
        }

        @Override
        public String method() {
            return method;
        }

        @Override
        public Optional<Duration> timeout() {
            return Optional.empty();  // the watch has it: HttpClient's own would cut uploads
        }

        @Override
        public boolean expectContinue() {
            return false;
        }

        @Override
        public URI uri() {
            return uri;
        }

        @Override
        public Optional<HttpClient.Version> version() {
            return Optional.empty();
        }

        @Override
        public HttpHeaders headers() {
            return headers;
        }
    }

    /** A request's body on its way to a backend. */
    sealed interface Body {
        int SMALL = 16 * 1024;  // read whole before it is sent: one thread does it all

        /** No body. {@code publisher} is null, or says "Content-Length: 0" as the client did. */
        record None(HttpRequest.BodyPublisher publisher) implements Body {}

        /** A body of at most SMALL bytes. */
        record Small(HttpRequest.BodyPublisher publisher) implements Body {}

        HttpRequest.BodyPublisher publisher();

        default boolean isNone() {
            return this instanceof None;
        }

        /** Whether some of it is gone, so that no other backend can have it whole. */
        default boolean isBegun() {
            return false;
        }

        /** The body of a request, of which a small one is read here. Throws Refused where it is too large. */
        static Body of(Inbound in, long most) throws IOException {
            long length = in.length();
            if (most > 0 && length > most) throw tooLarge(most);
            if (length == 0) {
                return new None(in.declared != null ? HttpRequest.BodyPublishers.noBody() : null);
            }
            if (length < 0 || length > SMALL) return new Upload(length, most);
            byte[] bytes = new byte[(int) length];
            for (int read = 0; read < bytes.length;) read += read(in, bytes, read);
            return new Small(HttpRequest.BodyPublishers.ofByteArray(bytes));
        }

        private static Refused tooLarge(long most) {
            return new Refused(Cause.BODY_TOO_LARGE, "The request's body is larger than " + most + " bytes.");
        }

        private static Refused broken() {
            return new Refused(Cause.BAD_BODY, "The request's body is broken or ended too early.");
        }

        /** As InputStream.read, but -1 only where a chunked body ends; bytes that do not come are a fault. */
        private static int read(Inbound in, byte[] bytes, int from) throws IOException {
            in.watch.until(Watch.For.REQUEST_BODY);
            int read;
            try {
                read = in.exchange.getRequestBody().read(bytes, from, bytes.length - from);
            } catch (IOException | RuntimeException e) {   // older JDKs throw IndexOutOfBounds for bad chunks
                in.watch.until(Watch.For.NOTHING);         // throws Expired where that is why
                throw broken();
            }
            if (read >= 0 || in.chunked) return read;
            throw new Refused(Cause.BAD_BODY, "The request's body ended too early.");
        }

        /**
         * A body that is passed on while it arrives. HttpClient asks for each buffer; the request's thread
         * waits for that, reads from the client and pushes. So a backend that does not read stops the client.
         */
        final class Upload implements Body, HttpRequest.BodyPublisher, Flow.Subscription {
            private final long length;                     // -1: unknown, chunked
            private final long most;                       // 0: no limit
            private final Semaphore demand = new Semaphore(0);
            private volatile Flow.Subscriber<? super ByteBuffer> backend;
            private volatile boolean over;                 // nobody wants the rest

            Upload(long length, long most) {
                this.length = length;
                this.most = most;
            }

            @Override
            public HttpRequest.BodyPublisher publisher() {
                return this;
            }

            @Override
            public boolean isBegun() {
                return backend != null;
            }

            @Override
            public long contentLength() {
                return length;
            }

            @Override
            public void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
                boolean second = backend != null;          // the bytes are gone: this one cannot have them
                if (!second) backend = subscriber;
                subscriber.onSubscribe(this);
                if (second) subscriber.onError(new IOException("the body was sent already"));
            }

            @Override
            public void request(long buffers) {
                demand.release((int) Math.min(buffers, 64));
            }

            @Override
            public void cancel() {
                over = true;
                demand.release();
            }

            /** Sends the request with this body, and waits for the head of the answer. */
            HttpResponse<Download> send(Inbound in, HttpClient client, HttpRequest request, long timeout)
                    throws IOException, InterruptedException {
                over = false;                              // an attempt that reached nobody may have ended it
                demand.drainPermits();
                CompletableFuture<HttpResponse<Download>> answer = client.sendAsync(request, Download::of);
                answer.whenComplete((response, failure) -> cancel());  // wakes the pump: no more is wanted
                try {
                    pump(in, timeout);
                    in.watch.until(Watch.For.ANSWER, timeout);
                    return answer.get();
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof IOException cause) throw cause;
                    throw new IOException(e.getCause());
                } finally {
                    answer.cancel(true);                   // closes the connection unless the answer is here
                }
            }

            private void pump(Inbound in, long timeout) throws IOException, InterruptedException {
                long sent = 0;
                while (true) {
                    in.watch.until(Watch.For.ANSWER, timeout);
                    demand.acquire();
                    if (over) return;
                    byte[] bytes = new byte[SMALL];
                    try {
                        int read = length == sent ? -1 : read(in, bytes, 0);
                        if (read < 0) break;
                        sent += read;
                        if (most > 0 && sent > most) throw tooLarge(most);
                        backend.onNext(ByteBuffer.wrap(bytes, 0, read));
                    } catch (Refused | Watch.Expired e) {  // breaks the request off at the backend, too
                        backend.onError(new IOException("the client's body broke off"));
                        throw e;
                    }
                }
                backend.onComplete();
            }
        }
    }

    /**
     * A backend's answer on its way to a client: one batch of buffers is asked for, and one may be waiting.
     */
    static final class Download implements HttpResponse.BodySubscriber<Download>, AutoCloseable {
        /** The backend, or its connection, gave up in the middle of its answer. */
        static final class Broken extends IOException {
            private static final long serialVersionUID = 1;

            Broken(Throwable cause) {
                super("the backend's answer broke off", cause);
            }
        }

        private static final Object END = new Object();
        private static final long FOREVER = Long.MAX_VALUE / 2;        // ns

        // Batches, a Throwable, END. No BlockingQueue: its locks took a hundredth of a request's CPU.
        private final Queue<Object> arrived = new ConcurrentLinkedQueue<>();
        private volatile Thread reader;                    // that waits for the next of them; else null
        private final CompletableFuture<Download> begun = new CompletableFuture<>();
        private volatile Flow.Subscription subscription;
        private boolean ended;

        /**
         * Accepts an answer's head. Throws ProtocolException's kin where its length can be read in two ways.
         */
        static Download of(HttpResponse.ResponseInfo head) {
            List<String> lengths = head.headers().allValues("content-length");
            List<String> codings = head.headers().allValues("transfer-encoding");
            boolean clear = switch (lengths.size() + codings.size()) {
                case 0 -> true;
                case 1 -> lengths.isEmpty() ? codings.getFirst().equalsIgnoreCase("chunked")
                    : Gateway.LENGTH.matcher(lengths.getFirst()).matches();
                default -> false;
            };
            if (!clear) throw new UncheckedIOException(new ProtocolException("unclear length"));
            return new Download();
        }

        @Override
        public CompletionStage<Download> getBody() {
            return begun;                                  // not before it can be closed
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            this.subscription = subscription;
            subscription.request(1);
            begun.complete(this);
        }

        @Override
        public void onNext(List<ByteBuffer> batch) {
            arrive(batch);
        }

        @Override
        public void onError(Throwable failure) {
            arrive(failure);
            begun.complete(this);
        }

        @Override
        public void onComplete() {
            arrive(END);
        }

        private void arrive(Object next) {
            arrived.add(next);
            LockSupport.unpark(reader);                    // which looks again after it said that it waits
        }

        /** What arrives next; null where nothing does within so many nanoseconds. */
        private Object await(long nanos) throws InterruptedException {
            Object next = arrived.poll();
            if (next != null) return next;
            long end = System.nanoTime() + nanos;
            reader = Thread.currentThread();
            while ((next = arrived.poll()) == null && System.nanoTime() - end < 0) {
                if (nanos == FOREVER) LockSupport.park(this);
                else LockSupport.parkNanos(this, end - System.nanoTime());
                if (Thread.interrupted()) throw new InterruptedException();
            }
            reader = null;
            return next;
        }

        /** The next batch, or null at the end. Throws Broken where the end did not come. */
        @SuppressWarnings("unchecked")
        List<ByteBuffer> next() throws Broken {
            try {
                Object next = await(FOREVER);
                if (next instanceof List) {
                    subscription.request(1);
                    return (List<ByteBuffer>) next;
                }
                ended = true;
                if (next instanceof Throwable failure) throw new Broken(failure);
                return null;
            } catch (InterruptedException e) {
                throw new Broken(e);
            }
        }

        /** Whether the next batch, or the end, is not there yet. */
        boolean isWaiting() {
            return arrived.isEmpty();
        }

        /** Reads a short answer that is here soon to its end, so that its connection can be used again. */
        void skip(long millis) throws InterruptedException {
            long end = System.nanoTime() + millis * 1_000_000;
            for (int batches = 0; batches < 4 && !ended; batches++) {
                Object next = await(end - System.nanoTime());
                if (next == null) return;
                ended = !(next instanceof List);
                if (!ended) subscription.request(1);
            }
        }

        /** Gives up what did not arrive yet: the backend sees its connection closed. */
        @Override
        public void close() {
            if (!ended && subscription != null) subscription.cancel();
        }
    }

    /**
     * Time limits for a thread that serves an exchange. HttpServer waits for ever for a client that sends or
     * reads nothing; interrupting the thread makes its socket close, and makes HttpClient give up.
     */
    static final class Watch {
        /** What a thread waits for, how long it may, and what to say when it does not come. */
        enum For {
            REQUEST_HEAD(30_000, Cause.CLIENT_STALLED, "The request's head came too slowly."),
            REQUEST_BODY(60_000, Cause.CLIENT_STALLED, "The request's body stopped coming."),
            ANSWER(60_000, Cause.UPSTREAM_TIMEOUT, "The backend did not answer in time."),
            BACKEND_TO_SEND(300_000, Cause.ANSWER_BROKEN, "The backend's answer stopped coming."),
            CLIENT_TO_READ(60_000, Cause.CLIENT_STALLED, "The client stopped reading."),
            NOTHING(0, null, "");

            final long millis;  // since the last byte, but for REQUEST_HEAD: in all
            final Cause cause;
            final String message;

            For(long millis, Cause cause, String message) {
                // No setting, for nobody needs one; but tests would take minutes without -Dgateway.wait.….
                this.millis = Long.getLong("gateway.wait." + name(), millis);
                this.cause = cause;
                this.message = message;
            }
        }

        /** The time is up; the thread's interrupt is spent. {@code told}: the client has its answer. */
        static final class Expired extends RuntimeException {
            private static final long serialVersionUID = 1;
            final transient For wait;
            final boolean told;

            Expired(For wait, boolean told) {
                super(wait.message, null, false, false);
                this.wait = wait;
                this.told = told;
            }
        }

        private static final long TO_TELL = 1_000_000_000;     // ns between the last word and the end
        private static final long NEVER = Long.MAX_VALUE / 2;

        private static final Map<Thread, Watch> ALL = new ConcurrentHashMap<>();

        static {
            Thread.ofPlatform().daemon().name("watch").start(Watch::sweep);
        }

        private final Thread thread = Thread.currentThread();
        private For waiting = For.REQUEST_HEAD;
        private long deadline = System.nanoTime() + For.REQUEST_HEAD.millis * 1_000_000;
        private boolean expired;
        private Runnable lastWord;                             // to a client whose body does not come
        private boolean told;

        static Watch ofThisThread() {
            return ALL.computeIfAbsent(Thread.currentThread(), t -> new Watch());
        }

        /** Ends the watch over this thread. */
        void end() {
            ALL.remove(thread);
            settle();
        }

        void until(For what) {
            until(what, what.millis);
        }

        /**
         * What to tell the client when its body's time is up. Another thread says it, for an interrupt of
         * this one closes the socket.
         */
        synchronized void tellBeforeTheEnd(Runnable lastWord) {
            this.lastWord = lastWord;
        }

        /** From now on the thread waits for something else. Throws Expired where the time was up before. */
        synchronized void until(For what, long millis) {
            if (Thread.currentThread() != thread) return;      // says the last word
            if (expired) {
                Thread.interrupted();
                throw new Expired(waiting, told);
            }
            waiting = what;
            deadline = System.nanoTime() + millis * 1_000_000;
        }

        /** Takes note that the time was up: what comes next has its own limit. */
        synchronized void settle() {
            expired = false;
            waiting = For.NOTHING;
            Thread.interrupted();
        }

        synchronized boolean hasExpired() {
            return expired;
        }

        private synchronized void expireIfDue(long now) {
            if (waiting == For.NOTHING || now - deadline < 0) return;
            boolean tell = !expired && waiting == For.REQUEST_BODY && lastWord != null;
            if (tell) {
                told = true;
                Thread.ofVirtual().start(lastWord);
            } else {
                thread.interrupt();
            }
            expired = true;
            deadline = now + (tell ? TO_TELL : NEVER);
        }

        private static void sweep() {
            while (true) {
                long now = System.nanoTime();
                ALL.values().forEach(watch -> watch.expireIfDue(now));
                LockSupport.parkNanos(100_000_000);
            }
        }
    }

    /** Runs HttpServer's exchanges: a thread each, watched from the first byte of the request on. */
    static final class Watched implements Executor {
        // Before JDK 24 a virtual thread in HttpServer's synchronized reads holds its carrier (JEP 491).
        private final ExecutorService threads = Runtime.version().feature() < 24
            ? Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("exchange-", 0).factory())
            : Executors.newVirtualThreadPerTaskExecutor();
        private final AtomicInteger active = new AtomicInteger();
        private volatile CountDownLatch held;                  // null but for the moment when the port closes

        @Override
        public void execute(Runnable exchange) {
            active.incrementAndGet();
            threads.execute(() -> {
                Watch watch = Watch.ofThisThread();
                try {
                    awaitRelease();
                    exchange.run();
                } finally {
                    watch.end();
                    active.decrementAndGet();
                }
            });
        }

        /** Exchanges that begin from now on wait for the release. */
        void hold() {
            held = new CountDownLatch(1);
        }

        void release() {
            held.countDown();
            held = null;
        }

        private void awaitRelease() {
            CountDownLatch latch = held;
            try {
                if (latch != null) latch.await();
            } catch (InterruptedException e) {                 // the watch's: its time is up
                Thread.currentThread().interrupt();
            }
        }

        /** How many exchanges are under way, from the first byte of the request to the last of the answer. */
        int active() {
            return active.get();
        }
    }

    // ---- 5. Routing --------------------------------------------------------------------------------
    // Which backends serve a path. The longest prefix wins; "/api" serves "/api" and "/api/x", never "/apix".
    // A table is immutable: a refresh builds a new one, keeps in it what did not change, and swaps them.

    /**
     * A backend in service, or kept out of it by a {@code fault}: its entry, its opened token, its health.
     */
    static final class Backend {
        /** The backend's address is one that registered urls may not lead to. */
        static final class Forbidden extends IOException {
            private static final long serialVersionUID = 1;
        }

        final Entry entry;
        final Map<?, ?> data;  // as the registry had it: the same, nothing changed
        final String token;                                // opened; empty where there is none
        final String fault;                                // why it cannot serve; empty where it can
        final Health health;
        final Traffic traffic;
        final String authority;                            // host and port as the url has them: its Host
        private final String basePath;
        private final String host;
        private final String port;                         // with its colon, or empty

        Backend(Entry entry, Map<?, ?> data, String token, String fault, Health health, Traffic traffic) {
            this.entry = entry;
            this.data = data;
            this.token = token;
            this.fault = fault;
            this.health = health;
            this.traffic = traffic;
            URI url = URI.create(entry.url());
            authority = url.getRawAuthority();
            basePath = url.getRawPath();
            int colon = authority.indexOf(':', authority.lastIndexOf(']') + 1);
            host = colon < 0 ? authority : authority.substring(0, colon);
            port = colon < 0 ? "" : authority.substring(colon);
        }

        String name() {
            return entry.name();
        }

        String healthPath() {
            return entry.healthPath().isEmpty() ? "/health" : entry.healthPath();
        }

        boolean isSecure() {
            return entry.url().startsWith("https:");
        }

        /** What is wrong with it, or was at the last look; empty where nothing is. */
        String reason() {
            return fault.isEmpty() ? health.reason : fault;
        }

        boolean isAvailable() {
            return fault.isEmpty() && health.up;
        }

        /**
         * Where a target (its path begins after the prefix) is to be sent. A name is looked up here, so that
         * the address that was checked is the one that is used; TLS needs the name, and proves it.
         */
        URI uri(String target, Allowed allowed) throws IOException {
            InetAddress address = InetAddress.getByName(host);         // the JDK keeps answers for 30 s
            if (!allowed.permits(host, address)) throw new Forbidden();
            String place = isSecure() ? "https://" + authority : "http://" + Log.urlHost(address) + port;
            String all = basePath + target;
            return URI.create(place + (all.startsWith("/") ? all : "/" + all));
        }

        /** A Location that points at this backend, as a client must see it; any other as it is. */
        String underPrefix(String location, String prefix) {
            String path = location;
            int slashes = location.startsWith("/") ? 0 : location.indexOf("://") + 1;
            if (slashes > 0 || location.startsWith("//")) {
                String scheme = isSecure() ? "https:" : "http:";
                String rest = location.substring(slashes);
                if (slashes > 0 && !location.substring(0, slashes).equalsIgnoreCase(scheme)) return location;
                int end = 2;
                while (end < rest.length() && "/?#".indexOf(rest.charAt(end)) < 0) end++;
                if (!rest.substring(2, end).equalsIgnoreCase(authority)) return location;
                path = rest.substring(end).startsWith("/") ? rest.substring(end) : "/" + rest.substring(end);
            } else if (!location.startsWith("/") || basePath.isEmpty() && begins(location, prefix)) {
                return location;
            }
            if (!begins(path, basePath)) return location;
            String moved = prefix + path.substring(basePath.length());
            return moved.startsWith("/") ? moved : "/" + moved;
        }

        /** Whether a path, with what may follow it, is this prefix or lies under it. */
        private static boolean begins(String path, String prefix) {
            return path.startsWith(prefix)
                && (path.length() == prefix.length() || "/?#".indexOf(path.charAt(prefix.length())) >= 0);
        }
    }

    /** The backends of one prefix, and whose turn it is. */
    static final class Route {
        final String prefix;                               // empty for the one that takes everything
        final List<Backend> backends;
        private final AtomicInteger flips;
        private final AtomicInteger turn = new AtomicInteger();
        private volatile Order order = new Order(-1, List.of());

        /** Available backends, each as often as its weight says; good until a backend's state flips. */
        private record Order(int flips, List<Backend> turns) {}

        /** {@code flips} counts the times that any backend went up or down. */
        Route(String prefix, List<Backend> backends, AtomicInteger flips) {
            this.prefix = prefix;
            this.backends = backends;
            this.flips = flips;
        }

        String title() {
            return title(prefix);
        }

        /** A prefix as people write it. */
        static String title(String prefix) {
            return prefix.isEmpty() ? "/" : prefix;
        }

        /** The next available backend that is not among these; null where there is none. */
        Backend pick(Set<Backend> except) {
            Order now = order;
            if (now.flips != flips.get()) order = now = newOrder(flips.get());
            int size = now.turns.size();
            int first = size == 0 ? 0 : Math.floorMod(turn.getAndIncrement(), size);
            for (int i = 0; i < size; i++) {               // by itself: others take turns meanwhile
                Backend backend = now.turns.get((first + i) % size);
                if (!except.contains(backend)) return backend;
            }
            return null;
        }

        /**
         * Smooth weighted round robin: of weight w, the turns lie at 1/2w, 3/2w, … of a round, so that they
         * are spread and not bunched. Written down once, a pick costs one increment and no lock.
         */
        private Order newOrder(int flips) {
            record Turn(double at, Backend backend) {}
            List<Backend> available = backends.stream().filter(Backend::isAvailable).toList();
            int divisor = 0;
            for (Backend backend : available) divisor = gcd(divisor, backend.entry.weight());
            List<Turn> turns = new ArrayList<>();
            for (Backend backend : available) {
                int weight = backend.entry.weight() / divisor;
                for (int i = 0; i < weight; i++) turns.add(new Turn((2.0 * i + 1) / (2 * weight), backend));
            }
            turns.sort(Comparator.comparingDouble(Turn::at));
            return new Order(flips, turns.stream().map(Turn::backend).toList());
        }

        private static int gcd(int a, int b) {
            return b == 0 ? a : gcd(b, a % b);
        }
    }

    /** Every route at one moment, and the entries that made none. Immutable. */
    record RoutingTable(Listing listing, Map<String, Route> routes, List<Backend> backends,
                        Map<String, String> skipped, int depth) {
        /**
         * {@code skipped}: why an entry of this key is no backend; {@code depth}: segments of the deepest
         * prefix.
         */
        static final RoutingTable EMPTY = new RoutingTable(null, Map.of(), List.of(), Map.of(), 0);

        /** The route of the longest prefix that fits; null where none does. */
        Route route(String path) {
            int end = endOfSegments(path, depth);
            while (end > 0) {
                Route route = routes.get(path.substring(0, end));
                if (route != null) return route;
                end = path.lastIndexOf('/', end - 1);
            }
            return routes.get("");
        }

        private static int endOfSegments(String path, int segments) {
            int end = 0;
            while (segments-- > 0 && end >= 0 && end < path.length()) {
                int slash = path.indexOf('/', end + 1);
                end = slash < 0 ? path.length() : slash;
            }
            return end;
        }

        long healthy() {
            return backends.stream().filter(Backend::isAvailable).count();
        }

        /**
         * A table of what the registry holds now; backends and routes that did not change are the same
         * objects.
         */
        RoutingTable next(Listing listing, TokenCipher cipher, AtomicInteger flips) {
            Map<String, Backend> known = new HashMap<>();
            for (Backend backend : backends) known.put(backend.name(), backend);
            Map<String, Backend> found = new TreeMap<>();
            Map<String, String> skipped = new TreeMap<>();
            for (Listing.Item item : listing.items()) {
                try {
                    Backend backend = backend(item, known.get(item.key()), cipher, flips);
                    if (found.putIfAbsent(backend.name(), backend) != null) {
                        skipped.put(item.key() + " (again)", "name is taken by another entry");
                    }
                } catch (IllegalArgumentException e) {
                    skipped.put(Log.clean(item.key()), e.getMessage());
                }
            }
            Map<String, Route> routes = routesOf(found.values(), flips);
            int depth = 0;
            for (String prefix : routes.keySet()) depth = Math.max(depth, prefix.split("/", -1).length - 1);
            return new RoutingTable(listing, routes, List.copyOf(found.values()), skipped, depth);
        }

        private Map<String, Route> routesOf(Collection<Backend> backends, AtomicInteger flips) {
            Map<String, List<Backend>> byPrefix = new HashMap<>();
            for (Backend backend : backends) {
                byPrefix.computeIfAbsent(backend.entry.prefix(), p -> new ArrayList<>()).add(backend);
            }
            Map<String, Route> result = new HashMap<>();
            byPrefix.forEach((prefix, members) -> {
                Route before = routes.get(prefix);
                boolean same = before != null && before.backends.equals(members);
                result.put(prefix, same ? before : new Route(prefix, members, flips));
            });
            return result;
        }

        private static Backend backend(Listing.Item item, Backend known, TokenCipher cipher,
                                       AtomicInteger flips) {
            if (known != null && known.data.equals(item.data())) return known;
            Entry entry = Entry.of(item.key(), item.data());
            boolean sameUrl = known != null && known.entry.url().equals(entry.url());
            Health health = sameUrl ? known.health : new Health(entry.name(), flips);
            String token = entry.token();
            String fault = "";
            if (TokenCipher.isSealed(token)) {
                try {
                    String binding = TokenCipher.binding(entry.name(), entry.url(), entry.prefix());
                    token = cipher.open(token, binding);
                    if (!Entry.isToken(token)) fault = "its token has characters that no header can carry";
                } catch (GeneralSecurityException e) {
                    fault = "its token does not open: " + e.getMessage();
                }
            } else if (!token.isEmpty() && known == null) {
                Log.warn("Backend " + entry.name() + " has its token in plain text in the registry: "
                    + "RegisterBackend.java would encrypt it.");
            }
            if (!fault.isEmpty()) {
                token = "";
                Log.warn("Backend " + entry.name() + " is out of service: " + fault + ".");
            }
            Traffic traffic = known == null ? new Traffic() : known.traffic;
            return new Backend(entry, item.data(), token, fault, health, traffic);
        }
    }

    // ---- 6. Health ---------------------------------------------------------------------------------
    //
    //            failures in a row, probed or met by a request
    //     up  -------------------------------------------------->  down
    //         <--------------------------------------------------
    //                            one good probe
    //
    // A backend begins up. One that is down is probed every second, so that a restart costs a second.

    /**
     * Whether one backend is up, and what is known of it. It outlives tables as long as the url is the same.
     */
    static final class Health {
        private final String name;
        private final AtomicInteger flips;
        volatile boolean up = true;
        volatile int failures;                             // in a row
        volatile String reason = "";                       // of the last failure
        volatile long lastCheck;                           // epoch milliseconds; 0: never
        private volatile long nextProbe = Long.MIN_VALUE;  // System.nanoTime
        private volatile boolean probing;

        /** {@code flips} counts the times that any backend went up or down. */
        Health(String name, AtomicInteger flips) {
            this.name = name;
            this.flips = flips;
        }

        /** A request was answered: the failures before it were none in a row. */
        void reached() {
            if (failures != 0 && up) passed();
        }

        private synchronized void passed() {
            failures = 0;
            reason = "";
            if (up) return;
            up = true;
            flips.incrementAndGet();
            Log.info("Backend " + name + " is up again.");
        }

        synchronized void failed(String reason, int limit) {
            failures++;
            this.reason = reason;
            if (!up || failures < limit) return;
            up = false;
            nextProbe = System.nanoTime() + Prober.WHILE_DOWN;
            flips.incrementAndGet();
            String times = failures == 1 ? "." : ", " + failures + " failures in a row.";
            Log.warn("Backend " + name + " is down: " + reason + times);
        }

        /**
         * Whether it is time for a probe; who gets true must probe. The first one is up to {@code spread}
         * late.
         */
        boolean claim(long now, long spread) {
            if (nextProbe == Long.MIN_VALUE) nextProbe = now + ThreadLocalRandom.current().nextLong(spread);
            if (probing || now - nextProbe < 0) return false;
            probing = true;
            return true;
        }

        /**
         * Notes what a probe found; an empty reason is a good one. The next one comes after {@code pause} ns.
         */
        void probed(String reason, int limit, long pause) {
            lastCheck = System.currentTimeMillis();
            if (reason.isEmpty()) passed();
            else failed(reason, limit);
            nextProbe = System.nanoTime() + (up ? pause : Prober.WHILE_DOWN);
            probing = false;
        }
    }

    /** Asks every backend how it is: spread over the interval, and never too many at once. */
    static final class Prober {
        static final long WHILE_DOWN = 1_000_000_000;      // ns between two probes of a backend that is down
        private static final int AT_ONCE = 64;
        private static final int TICK = 50;                // ms
        private static final Set<Integer> ALIVE_WITHOUT_PAGE = Set.of(401, 403, 404, 405, 501);

        private final Routes routes;
        private final Backends backends;
        private final Config config;
        private final Semaphore places = new Semaphore(AT_ONCE);
        private final Thread thread;

        Prober(Routes routes, Backends backends, Config config) {
            this.routes = routes;
            this.backends = backends;
            this.config = config;
            thread = Thread.ofPlatform().daemon().name("prober").unstarted(this::run);
        }

        void start() {
            thread.start();
        }

        void close() {
            thread.interrupt();
        }

        private void run() {
            try {
                while (true) {
                    List<Backend> all = routes.table().backends();
                    long spread = Math.min(config.healthInterval(), all.size());  // ms; at once for a few
                    for (Backend backend : all) {
                        boolean due = backend.fault.isEmpty()
                            && backend.health.claim(System.nanoTime(), spread * 1_000_000);
                        if (!due) continue;
                        places.acquire();
                        Thread.ofVirtual().name("probe " + backend.name()).start(() -> probe(backend));
                    }
                    Thread.sleep(TICK);
                }
            } catch (InterruptedException e) {
                // The gateway is closed.
            }
        }

        private void probe(Backend backend) {
            try {
                String reason = check(backend);
                double jitter = ThreadLocalRandom.current().nextDouble(0.9, 1.1);
                backend.health.probed(reason, config.healthFailures(),
                    (long) (config.healthInterval() * 1_000_000L * jitter));
            } finally {
                places.release();
            }
        }

        /** A page that was configured must be fine; without one, any sign of life will do. */
        static boolean isWell(Backend backend, int status) {
            boolean configured = !backend.entry.healthPath().isEmpty();
            return status >= 200 && status < (configured ? 300 : 400)
                || !configured && ALIVE_WITHOUT_PAGE.contains(status);
        }

        /** Empty where the backend is well, else what is wrong. */
        private String check(Backend backend) {
            try {
                int status = backends.probe(backend).statusCode();
                return isWell(backend, status) ? "" : "health check answered " + status;
            } catch (HttpTimeoutException e) {
                return "health check took longer than " + config.healthTimeout() + " ms";
            } catch (IOException | InterruptedException | RuntimeException e) {
                return "health check failed: " + backends.failure(e).cause().word;
            }
        }
    }

    // ---- 7. Registries -----------------------------------------------------------------------------
    // Where backends come from. Routes keeps the table fresh in the background and never gives up a good one
    // because the registry is away: requests go on, and the age of the table tells.

    /**
     * What a registry held at one moment. {@code version} is its own word for that, empty where it has none.
     */
    record Listing(String version, List<Item> items) {
        /** One entry as it came; nothing of it is checked but its shape. */
        record Item(String key, Map<?, ?> data) {}

        /**
         * Reads any of the three shapes that registries answer with: [{key,data}], {"items":[{key,data}]} and
         * {"backends:NAME":{name,url,…}}. Throws IOException for anything else.
         */
        static Listing parse(String version, String text) throws IOException {
            try {
                Object json = Json.parse(text);
                if (json instanceof Map<?, ?> map && map.containsKey("items")) json = map.get("items");
                List<Item> result = new ArrayList<>();
                switch (json) {
                    case List<?> items -> items.forEach(item -> result.add(item(item)));
                    case Map<?, ?> object -> object.forEach((key, data) ->
                        result.add(new Item(key.toString().replaceFirst("^backends:", ""), map(data))));
                    case null, default -> throw new IOException("its answer is no list");
                }
                return new Listing(version, result);
            } catch (IllegalArgumentException e) {
                throw new IOException("its answer is " + e.getMessage());
            }
        }

        private static Item item(Object json) {
            Map<?, ?> item = map(json);
            Map<?, ?> data = map(item.get("data"));
            Object key = item.get("key") == null ? data.get("name") : item.get("key");
            return new Item(String.valueOf(key), data);
        }

        private static Map<?, ?> map(Object json) {
            return json instanceof Map<?, ?> map ? map : Map.of();
        }
    }

    /** A place where backends are written down. */
    interface Registry {
        /** Where it is, to be shown. */
        String place();

        /** What it holds now: {@code known} itself where that did not change; null is known at the start. */
        Listing read(Listing known) throws IOException, InterruptedException;

        /** As {@link #read}, but waits for a change, or for so many milliseconds at the most. */
        Listing await(Listing known, long millis) throws IOException, InterruptedException;

        /** The registry that the configuration names. */
        static Registry of(Config config, Store store) {
            if (store != null) return new EmbeddedRegistry(store);
            String url = config.registryUrl();
            if (url.startsWith("file:")) return new FileRegistry(url.substring(5));
            if (url.startsWith("etcd")) return new EtcdRegistry(config);
            return new HttpRegistry(url, config.apiKey());
        }
    }

    /** The registry in this very process. */
    record EmbeddedRegistry(Store store) implements Registry {
        @Override
        public String place() {
            return "embedded";
        }

        @Override
        public Listing read(Listing known) {
            Store.Snapshot now = store.now();
            return known != null && known.version().equals(now.version()) ? known : now.listing();
        }

        @Override
        public Listing await(Listing known, long millis) throws InterruptedException {
            if (known != null) store.awaitChange(known.version(), millis);
            return read(known);
        }
    }

    /**
     * etcd: everything is read once, and from then on only what changes. Its own word for a state is a
     * revision.
     */
    static final class EtcdRegistry implements Registry {
        private static final Duration GLANCE = Duration.ofMillis(100);

        private final Etcd etcd;

        EtcdRegistry(Config config) {
            etcd = new Etcd(config.registryUrl(), config.etcdUser(), config.etcdPassword());
        }

        @Override
        public String place() {
            return etcd.toString();
        }

        @Override
        public Listing read(Listing known) throws IOException, InterruptedException {
            return known == null ? readAll() : await(known, GLANCE.toMillis());
        }

        private Listing readAll() throws IOException, InterruptedException {
            Etcd.Snapshot all = etcd.range(Etcd.FOLDER);
            return after(new Listing("", List.of()), all.revision(), all.items());
        }

        /** Watches until something changed. Where the watch cannot go on, everything is read anew. */
        @Override
        public Listing await(Listing known, long millis) throws IOException, InterruptedException {
            if (known == null) return readAll();
            List<Etcd.Item> changes = new ArrayList<>();
            try {
                long next = etcd.watch(Etcd.FOLDER, Long.parseLong(known.version()) + 1,
                    Duration.ofMillis(millis), items -> !changes.addAll(items));
                return changes.isEmpty() ? known : after(known, next - 1, changes);
            } catch (IOException e) {
                return readAll();
            }
        }

        private static Listing after(Listing before, long revision, List<Etcd.Item> changes) {
            Map<String, Listing.Item> items = new LinkedHashMap<>();
            for (Listing.Item item : before.items()) items.put(item.key(), item);
            for (Etcd.Item change : changes) {
                String key = change.key().substring(Etcd.FOLDER.length());
                if (change.value() == null) items.remove(key);
                else items.put(key, new Listing.Item(key, dataOf(change.value())));
            }
            return new Listing(Long.toString(revision), List.copyOf(items.values()));
        }

        /** A value that is no JSON becomes an entry without data, which is skipped with a reason. */
        private static Map<?, ?> dataOf(String value) {
            try {
                return Json.parseObject(value).get("data") instanceof Map<?, ?> data ? data : Map.of();
            } catch (IllegalArgumentException e) {
                return Map.of();
            }
        }
    }

    /** A file with a registry's list in it, kept by hand or by another program. */
    static final class FileRegistry implements Registry {
        private static final int LOOK = 250;               // ms between two looks at the file

        private final Path file;

        FileRegistry(String path) {
            file = Path.of(path.startsWith("//") ? path.substring(2) : path);
        }

        @Override
        public String place() {
            return "file:" + file;
        }

        @Override
        public Listing read(Listing known) throws IOException {
            String version = version();
            if (known != null && known.version().equals(version)) return known;
            return Listing.parse(version, Files.readString(file));
        }

        @Override
        public Listing await(Listing known, long millis) throws IOException, InterruptedException {
            long end = System.nanoTime() + millis * 1_000_000;
            while (known != null && known.version().equals(version()) && System.nanoTime() - end < 0) {
                Thread.sleep(LOOK);
            }
            return read(known);
        }

        private String version() throws IOException {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return attributes.lastModifiedTime() + " " + attributes.size() + " " + attributes.fileKey();
        }
    }

    /**
     * A registry that is asked by HTTP: ours, the original's, or anybody's that answers with one of the
     * lists.
     */
    static final class HttpRegistry implements Registry {
        private static final int LONGEST_WAIT = 25_000;    // ms; shorter than what middleboxes allow
        private static final int TIMEOUT = 10_000;         // ms
        private static final int RESPITE = 100;            // ms between two questions, whatever it answers
        private static final int MOST_HASTY = 3;           // more of them: it does not know ?wait
        private static final int LARGEST = 64 << 20;       // bytes of a list

        private final String url;
        private final String apiKey;
        private final HttpClient client;
        private int hasty;  // answers in a row that came early with nothing new

        HttpRegistry(String url, String apiKey) {
            this.url = url;
            this.apiKey = apiKey;
            HttpClient.Builder builder = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)          // the key goes to nobody else
                .connectTimeout(Duration.ofMillis(TIMEOUT));
            if (url.startsWith("http:")) builder.sslContext(new NoTls());
            client = builder.build();
        }

        @Override
        public String place() {
            return url;
        }

        @Override
        public Listing read(Listing known) throws IOException, InterruptedException {
            return fetch(known, 0);
        }

        /** Holds a request open where the registry can tell us at once; else sleeps, and asks. */
        @Override
        public Listing await(Listing known, long millis) throws IOException, InterruptedException {
            if (known == null) return fetch(null, 0);
            long wait = Math.min(millis, LONGEST_WAIT) / 1000;
            if (known.version().isEmpty() || hasty > MOST_HASTY || wait == 0) {
                Thread.sleep(millis);
                return fetch(known, 0);
            }
            Thread.sleep(RESPITE);
            long asked = System.nanoTime();
            Listing listing = fetch(known, wait);
            boolean early = System.nanoTime() - asked < wait * 500_000_000;
            hasty = early && listing.items().equals(known.items()) ? hasty + 1 : 0;
            return listing;
        }

        private Listing fetch(Listing known, long wait) throws IOException, InterruptedException {
            URI list = URI.create(url + "/collections/backends" + (wait > 0 ? "?wait=" + wait : ""));
            HttpRequest.Builder request =
                HttpRequest.newBuilder(list).header("Authorization", "Bearer " + apiKey);
            if (known != null && !known.version().isEmpty()) request.header("If-None-Match", known.version());
            Duration time = Duration.ofMillis(TIMEOUT + wait * 1000);
            Reply reply = Reply.to(request.build(), client, LARGEST, time);
            if (reply.status() == 304 && known != null) return known;
            return switch (reply.status()) {
                case 200 -> Listing.parse(reply.headers().firstValue("ETag").orElse(""), reply.body());
                case 401, 403 -> throw new IOException("it refuses our API_KEY");
                default -> throw new IOException("it answers " + reply.status());
            };
        }
    }

    /** The table in force: loaded once, then kept fresh in the background, and never given up. */
    static final class Routes {
        private static final long FIRST_WAIT = 5_000;      // ms that the very first requests wait for a table
        private static final long FLOOD = 1_000;  // ms between two refreshes for paths without a route
        private static final long LONGEST_PAUSE = 30_000;  // ms between two tries while the registry is away

        private final Registry registry;
        private final TokenCipher cipher;
        private final Config config;
        private final AtomicInteger flips;
        private final CountDownLatch loaded = new CountDownLatch(1);
        private final ReentrantLock refreshing = new ReentrantLock();
        private final Thread thread;
        private volatile RoutingTable table = RoutingTable.EMPTY;
        private volatile long confirmed;  // epoch ms when the registry last agreed with the table
        private long lastSearch;                           // System.nanoTime; guarded by refreshing
        private volatile String trouble = "";  // why the last refresh failed; empty where it did not
        final LongAdder answers = new LongAdder();
        final LongAdder failures = new LongAdder();

        Routes(Registry registry, TokenCipher cipher, Config config, AtomicInteger flips) {
            this.registry = registry;
            this.cipher = cipher;
            this.config = config;
            this.flips = flips;
            lastSearch = System.nanoTime() - FLOOD * 1_000_000;
            thread = Thread.ofPlatform().daemon().name("refresh").unstarted(this::keepFresh);
        }

        void start() {
            thread.start();
        }

        void close() {
            thread.interrupt();
        }

        RoutingTable table() {
            return table;
        }

        Registry registry() {
            return registry;
        }

        String trouble() {
            return trouble;
        }

        boolean isLoaded() {
            return loaded.getCount() == 0;
        }

        /** Milliseconds since the registry last agreed with the table; -1 before the first time. */
        long age() {
            return isLoaded() ? System.currentTimeMillis() - confirmed : -1;
        }

        /**
         * The route of a path. Throws Refused where there is none, nor after asking the registry once more.
         */
        Route route(String path) throws IOException {
            if (!isLoaded()) awaitFirst();
            Route route = table.route(path);
            if (route == null && search()) route = table.route(path);
            if (route == null) throw new Refused(Cause.NO_ROUTE, "No backend serves this path.");
            return route;
        }

        private void awaitFirst() throws IOException {
            try {
                if (loaded.await(FIRST_WAIT, TimeUnit.MILLISECONDS)) return;
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            throw new Refused(Cause.NO_TABLE, "The gateway still waits for its registry. Try again soon.");
        }

        /**
         * Refreshes for a path without a route, at most once a second; whether the table is worth another
         * look. Who comes while another one asks waits for the same answer, but not for a registry that
         * hangs.
         */
        private boolean search() throws IOException {
            try {
                if (!refreshing.tryLock(FLOOD, TimeUnit.MILLISECONDS)) return false;
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            try {
                long now = System.nanoTime();
                if (now - lastSearch < FLOOD * 1_000_000) return true;
                lastSearch = now;
                return refresh();
            } finally {
                refreshing.unlock();
            }
        }

        /** Asks the registry now; whether it answered. Only one asks at a time: others wait for that one. */
        boolean refresh() {
            refreshing.lock();
            try {
                accept(registry.read(table.listing()));
                return true;
            } catch (IOException | InterruptedException e) {
                note(e);
                return false;
            } finally {
                refreshing.unlock();
            }
        }

        private void keepFresh() {
            long pause = 500;
            while (!Thread.currentThread().isInterrupted()) {
                try {
                    pause = refreshOnChange() ? 500 : pauseAfter(pause);
                } catch (InterruptedException e) {
                    return;                                // the gateway is closed
                }
            }
        }

        /** Waits for news of the registry and takes them; whether it answered. */
        private boolean refreshOnChange() throws InterruptedException {
            Listing before = table.listing();
            try {
                Listing now = registry.await(before, config.cacheTtl());
                refreshing.lock();
                try {
                    // While we waited another refresh may have seen a newer state: then ask again.
                    if (table.listing() == before) accept(now);
                } finally {
                    refreshing.unlock();
                }
                return true;
            } catch (IOException | RuntimeException e) {
                note(e);
                return false;
            }
        }

        /** Lets a registry that failed rest for so many milliseconds; how long it may rest the next time. */
        private long pauseAfter(long pause) throws InterruptedException {
            Thread.sleep(pause + ThreadLocalRandom.current().nextLong(pause / 2));
            // Clients wait for the first table, and a file costs nothing to look at.
            boolean soon = !isLoaded() || registry instanceof FileRegistry;
            return Math.min(pause * 2, soon ? 1_000 : Math.clamp(config.cacheTtl(), 500, LONGEST_PAUSE));
        }

        private void accept(Listing listing) {
            if (listing != table.listing()) table = table.next(listing, cipher, flips);
            confirmed = System.currentTimeMillis();
            answers.increment();
            if (!trouble.isEmpty() || !isLoaded()) {
                Log.info("Registry  " + registry.place() + " answered: " + table.backends().size()
                    + " backends, " + table.skipped().size() + " entries skipped.");
            }
            trouble = "";
            loaded.countDown();
        }

        private void note(Exception e) {
            failures.increment();
            String now = e instanceof NoSuchFileException ? "there is no such file"
                : e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
            if (now.equals(trouble)) return;
            trouble = now;
            Log.warn("Registry " + registry.place() + " is of no use: " + Log.clean(now) + ". "
                + (isLoaded() ? "The gateway serves on with its last table." : "The gateway waits for it."));
        }
    }

    // ---- 8. The registry ---------------------------------------------------------------------------
    // The embedded one. Its state is one immutable snapshot; a single thread turns waiting changes into the
    // next one, writes that to disk, and only then publishes it and answers those who asked. So what can be
    // read is durable, a failed write changes nothing, and many writers share one fsync.

    /** Entries, kept in one file that is the list which clients read: [{"key","data","metadata"}]. */
    static final class Store {
        private static final int MOST_AT_ONCE = 10_000;
        private static final int TICK = 250;               // ms; how late an entry may expire

        /** One entry, its JSON, and when its time is up by this machine's own clock ({@code nanoTime}). */
        private record Stored(Map<?, ?> data, Map<?, ?> metadata, byte[] json, long received) {
            static Stored of(String key, Map<?, ?> data, Map<?, ?> metadata) {
                Map<String, Object> item = new LinkedHashMap<>();
                item.put("key", key);
                item.put("data", data);
                item.put("metadata", metadata);
                return new Stored(data, metadata, Json.write(item).getBytes(StandardCharsets.UTF_8),
                    System.nanoTime());
            }

            boolean isExpired(long now) {
                return data.get("ttlMs") instanceof Long ttl && ttl > 0 && now - received > ttl * 1_000_000;
            }
        }

        /**
         * All entries at one moment. Its version changes only when some {@code data} does, not with
         * heartbeats.
         */
        static final class Snapshot {
            private final String version;
            private final Map<String, Stored> entries;
            private Listing listing;                       // made when it is first wanted
            private byte[] json;

            Snapshot(String version, Map<String, Stored> entries) {
                this.version = version;
                this.entries = entries;
            }

            String version() {
                return version;
            }

            /** The entry's JSON, or null where there is none of this name. */
            byte[] entry(String key) {
                Stored stored = entries.get(key);
                return stored == null ? null : stored.json;
            }

            /** Each entry's data by its key. */
            Map<String, Map<?, ?>> data() {
                Map<String, Map<?, ?>> result = new LinkedHashMap<>();
                entries.forEach((key, stored) -> result.put(key, stored.data));
                return result;
            }

            synchronized Listing listing() {
                if (listing != null) return listing;
                List<Listing.Item> items = new ArrayList<>();
                entries.forEach((key, stored) -> items.add(new Listing.Item(key, stored.data)));
                return listing = new Listing(version, items);
            }

            /** The whole list as JSON: what clients get, and what the file holds. */
            synchronized byte[] json() {
                if (json != null) return json;
                ByteArrayOutputStream out = new ByteArrayOutputStream();
                for (Stored stored : entries.values()) {
                    out.writeBytes(out.size() == 0 ? new byte[] {'['} : new byte[] {',', '\n'});
                    out.writeBytes(stored.json);
                }
                out.writeBytes(out.size() == 0 ? new byte[] {'[', ']', '\n'} : new byte[] {']', '\n'});
                return json = out.toByteArray();
            }
        }

        /** A change that somebody waits for: the entry to be, or its end where data is null. */
        private record Change(String key, Map<?, ?> data, Map<?, ?> metadata,
                              CompletableFuture<String> done) {}

        private final Path file;
        private final FileChannel lock;
        private final String epoch = HexFormat.of().toHexDigits(new SecureRandom().nextInt());
        private final BlockingQueue<Change> changes = new LinkedBlockingQueue<>();
        private final ReentrantLock waiting = new ReentrantLock();
        private final Condition changed = waiting.newCondition();
        private final Thread writer;
        private long revision;
        private volatile Snapshot now;

        /**
         * Opens the file, or begins an empty one. Throws IOException with a sentence where it is not sound.
         */
        Store(Path file) throws IOException {
            this.file = Files.exists(file) ? file.toRealPath() : file.toAbsolutePath();
            try {
                lock = Durable.lock(Path.of(this.file + ".lock"));
            } catch (FileSystemException e) {
                throw new Env.Refused("REGISTRY_FILE " + file + " cannot be kept there: make its folder, or "
                    + "make it writable.");
            }
            try {
                now = new Snapshot(version(), read());
            } catch (IOException e) {
                lock.close();
                throw e;
            }
            writer = Thread.ofPlatform().daemon().name("registry").start(this::write);
        }

        private Map<String, Stored> read() throws IOException {
            Map<String, Stored> entries = new TreeMap<>();
            if (!Files.exists(file)) return entries;
            try {
                if (!(Json.parse(Files.readString(file)) instanceof List<?> items)) {
                    throw new IllegalArgumentException("not a list");
                }
                for (Object item : items) {
                    Map<?, ?> entry = (Map<?, ?>) item;
                    String key = (String) entry.get("key");
                    Map<?, ?> data = (Map<?, ?>) entry.get("data");
                    Entry.of(key, data);
                    Map<?, ?> metadata = (Map<?, ?>) entry.get("metadata");
                    entries.put(key, Stored.of(key, data, metadata == null ? Map.of() : metadata));
                }
                return entries;
            } catch (IllegalArgumentException | ClassCastException | NullPointerException
                    | MalformedInputException e) {
                throw new IOException("The registry's file " + file + " is damaged and was left as it is ("
                    + Log.clean(String.valueOf(e.getMessage())) + "). Mend it, or move it out of the way.");
            }
        }

        private String version() {
            return "W/\"" + epoch + "-" + revision + "\"";
        }

        Snapshot now() {
            return now;
        }

        /** Writes an entry; returns when it is on the disk, with the time that the registry gave it. */
        String put(String key, Map<?, ?> data, Map<?, ?> metadata) throws IOException, InterruptedException {
            return submit(new Change(key, data, metadata, new CompletableFuture<>()));
        }

        /** Takes an entry out; returns when that is on the disk: null where there was none. */
        String remove(String key) throws IOException, InterruptedException {
            return submit(new Change(key, null, null, new CompletableFuture<>()));
        }

        private String submit(Change change) throws IOException, InterruptedException {
            changes.add(change);
            try {
                return change.done.get();
            } catch (ExecutionException e) {
                throw new IOException(e.getCause().getMessage(), e.getCause());
            }
        }

        /** Waits until the version is another one, at most so many milliseconds. */
        void awaitChange(String version, long millis) throws InterruptedException {
            long left = millis * 1_000_000;
            waiting.lock();
            try {
                while (now.version.equals(version) && left > 0) left = changed.awaitNanos(left);
            } finally {
                waiting.unlock();
            }
        }

        private void write() {
            List<Change> batch = new ArrayList<>();
            try {
                while (true) {
                    Change first = changes.poll(TICK, TimeUnit.MILLISECONDS);
                    if (first != null) batch.add(first);
                    changes.drainTo(batch, MOST_AT_ONCE);
                    commit(batch);
                    batch.clear();
                }
            } catch (InterruptedException e) {
                // The registry is closed; what was not answered was not promised.
            }
        }

        private void commit(List<Change> batch) {
            long time = System.nanoTime();
            boolean expires = now.entries.values().stream().anyMatch(stored -> stored.isExpired(time));
            if (batch.isEmpty() && !expires) return;           // four times a second: nothing to be copied
            Map<String, Stored> next = new TreeMap<>(now.entries);
            List<Runnable> answers = new ArrayList<>();
            boolean differs = next.values().removeIf(stored -> stored.isExpired(time));
            for (Change change : batch) {
                differs |= apply(change, next, answers);
            }
            if (differs) revision++;
            Snapshot snapshot = new Snapshot(version(), next);
            try {
                Durable.write(file, snapshot.json());
            } catch (IOException e) {
                Log.warn("Registry file " + file + " cannot be written: " + Log.clean(e.toString()) + ".");
                batch.forEach(change -> change.done.completeExceptionally(e));
                return;
            }
            publish(snapshot);
            answers.forEach(Runnable::run);
        }

        /** Makes one change to what will be the next state; whether that changes any data. */
        private static boolean apply(Change change, Map<String, Stored> next, List<Runnable> answers) {
            if (change.data == null) {
                String answer = next.remove(change.key) == null ? null : Instant.now().toString();
                answers.add(() -> change.done.complete(answer));
                return answer != null;
            }
            Stored before = next.get(change.key);
            String time = Instant.now().toString();
            Map<String, Object> metadata = new LinkedHashMap<>();
            Map<?, ?> earlier = before == null ? change.metadata : before.metadata;
            Object first = earlier.get("registeredAt");
            metadata.put("registeredAt", first instanceof String ? first : time);
            metadata.put("lastUpdate", time);
            if (change.metadata.get("system") instanceof Map<?, ?> system) metadata.put("system", system);
            next.put(change.key, Stored.of(change.key, change.data, metadata));
            answers.add(() -> change.done.complete(time));
            return before == null || !before.data.equals(change.data);
        }

        private void publish(Snapshot snapshot) {
            waiting.lock();
            try {
                now = snapshot;
                changed.signalAll();
            } finally {
                waiting.unlock();
            }
        }

        void close() {
            writer.interrupt();
            try {
                lock.close();
            } catch (IOException e) {
                Log.warn("The lock of " + file + " cannot be given back: " + Log.clean(e.toString()) + ".");
            }
        }
    }

    /** The registry's protocol (HTTP and JSON), over the store. */
    static final class RegistryProtocol implements HttpHandler {
        private static final int LARGEST = 1 << 20;        // bytes of a request's body
        private static final int LONGEST_WAIT = 60;        // seconds

        /** An answer that is not the list: its status and its JSON. */
        private static final class Answer extends Exception {
            private static final long serialVersionUID = 1;
            final transient int status;
            final transient Object json;

            Answer(int status, Object json) {
                super(null, null, false, false);
                this.status = status;
                this.json = json;
            }

            static Answer error(int status, String error, String message) {
                Map<String, String> json = new LinkedHashMap<>();
                json.put("error", error);
                json.put("message", message);
                return new Answer(status, json);
            }
        }

        private final Store store;
        private final String apiKey;

        RegistryProtocol(Store store, String apiKey) {
            this.store = store;
            this.apiKey = apiKey;
        }

        @Override
        public void handle(HttpExchange exchange) throws IOException {
            Inbound in = new Inbound(exchange);
            try {
                if (in.chunked) in.closeAfterwards();
                Answer answer = answer(in);
                if (answer != null) in.answerJson(answer.status, answer.json, true);
            } catch (Answer error) {
                in.answerJson(error.status, error.json, true);
            } catch (Refused broken) {                        // nothing after such a body may be read
                in.closeAfterwards();
                in.answerJson(400, Map.of("error", "Invalid body", "message", broken.getMessage()), false);
                throw new IOException("connection given up: " + broken.cause.word);
            } catch (InterruptedException e) {
                throw new IOException(e);
            } catch (IOException e) {
                if (in.answered) throw e;
                Log.warn("Registry request " + in.id + " failed: " + Log.clean(e.toString()) + ".");
                in.answerJson(500, Map.of("error", "Registry error", "message",
                    "The registry could not write to its disk; nothing was changed."), true);
            } catch (RuntimeException | Error fault) {
                Log.warn("Registry request " + in.id + " met a fault: " + Log.trace(fault));
                if (!in.answered) in.answerJson(500, Map.of("error", "Internal error"), true);
                throw new IOException(fault);
            }
        }

        /** What to answer; null where that is done already. Throws an Answer that is an error. */
        private Answer answer(Inbound in) throws IOException, InterruptedException, Answer {
            String path = in.exchange.getRequestURI().getRawPath();
            if (path.equals("/health")) return new Answer(200, Map.of("status", "ok"));
            checkKey(in);
            String[] parts = path.substring(1).split("/", -1);
            boolean collections = parts.length >= 2 && parts[0].equals("collections")
                && (parts[1].equals("backends") || parts[1].equals("backend"));
            if (path.equals("/kv/backends:*")) {
                allow(in, "GET");
                Map<String, Object> all = new LinkedHashMap<>();
                store.now().data().forEach((key, data) -> all.put("backends:" + key, data));
                return new Answer(200, all);
            }
            if (collections && parts.length == 2) return collection(in, parts[1]);
            if (collections && parts.length == 3) return entry(in, parts[1], parts[2]);
            return Answer.error(404, "Not found", "The registry serves /collections/backends and /health.");
        }

        private void checkKey(Inbound in) throws Answer {
            String bearer = bearer(in.headers.getFirst("Authorization"));
            String given = bearer == null ? in.headers.getFirst("X-API-Key") : bearer;
            if (isSecret(given, apiKey)) return;
            in.exchange.getResponseHeaders().set("WWW-Authenticate", "Bearer");
            throw Answer.error(401, "Unauthorized", "Send API_KEY as Authorization: Bearer or X-API-Key.");
        }

        private static void allow(Inbound in, String... methods) throws Answer {
            if (List.of(methods).contains(in.method)) return;
            in.allow(String.join(", ", methods));
            throw Answer.error(405, "Method not allowed", "Use " + String.join(" or ", methods) + " here.");
        }

        private Answer collection(Inbound in, String name) throws IOException, InterruptedException, Answer {
            allow(in, "GET", "POST");
            if (in.method.equals("GET")) return list(in, name.equals("backend"));
            Map<?, ?> body = body(in);
            Object data = body.get("data");
            Object key = body.get("key");
            if (key == null && data instanceof Map<?, ?> map) key = map.get("name");
            if (!(key instanceof String text)) throw Answer.error(400, "Invalid entry", "key must be a text");
            return put(name, text, body);
        }

        private Answer list(Inbound in, boolean asItems) throws IOException, InterruptedException, Answer {
            String known = in.headers.getFirst("If-None-Match");
            long wait = waitOf(in.exchange.getRequestURI().getRawQuery());
            if (known != null && wait > 0) {
                in.watch.until(Watch.For.NOTHING);
                store.awaitChange(known, wait * 1000);
            }
            Store.Snapshot now = store.now();
            in.exchange.getResponseHeaders().set("ETag", now.version());
            if (now.version().equals(known)) {
                in.begin(304, -1);
                return null;
            }
            in.answer(200, "application/json", asItems ? asItems(now.json()) : now.json(), true);
            return null;
        }

        private static byte[] asItems(byte[] list) {
            ByteArrayOutputStream items = new ByteArrayOutputStream(list.length + 16);
            items.writeBytes("{\"items\":".getBytes(StandardCharsets.UTF_8));
            items.writeBytes(list);
            items.write('}');
            return items.toByteArray();
        }

        private static long waitOf(String query) throws Answer {
            String seconds = parameter(query, "wait");
            if (seconds == null) return 0;
            if (seconds.matches("[0-9]{1,9}")) return Math.min(Long.parseLong(seconds), LONGEST_WAIT);
            throw Answer.error(400, "Invalid query", "wait must be a number of seconds");
        }

        private Answer entry(Inbound in, String name, String key)
                throws IOException, InterruptedException, Answer {
            allow(in, "GET", "PUT", "DELETE");
            if (in.method.equals("PUT")) return put(name, key, body(in));
            byte[] entry = store.now().entry(key);
            String removed = in.method.equals("DELETE") ? store.remove(key) : null;
            if (entry == null && removed == null) {
                return Answer.error(404, "Not found", "No backend of this name is registered.");
            }
            if (in.method.equals("DELETE")) return new Answer(200, written(name, key, removed));
            in.answer(200, "application/json", entry, true);
            return null;
        }

        private Answer put(String name, String key, Map<?, ?> body)
                throws IOException, InterruptedException, Answer {
            if (!(body.get("data") instanceof Map<?, ?> data)) {
                throw Answer.error(400, "Invalid entry", "data must be an object");
            }
            Object metadata = body.get("metadata") == null ? Map.of() : body.get("metadata");
            if (!(metadata instanceof Map<?, ?> about)) {
                throw Answer.error(400, "Invalid entry", "metadata must be an object");
            }
            try {
                Entry.of(key, data);
                // The list has them deeper than the body, and its numbers written anew: can it be read?
                Json.parse("[[[" + Json.write(data) + "," + Json.write(about) + "]]]");
            } catch (IllegalArgumentException e) {
                throw Answer.error(400, "Invalid entry", e.getMessage());
            }
            return new Answer(200, written(name, key, store.put(key, data, about)));
        }

        private static Map<String, Object> written(String collection, String key, String time) {
            Map<String, Object> answer = new LinkedHashMap<>();
            answer.put("success", true);
            answer.put("collection", collection);
            answer.put("key", key);
            answer.put("updatedAt", time);
            return answer;
        }

        private static Map<?, ?> body(Inbound in) throws IOException, Answer {
            in.watch.until(Watch.For.REQUEST_BODY);
            byte[] bytes;
            try {
                bytes = in.exchange.getRequestBody().readNBytes(LARGEST + 1);
            } catch (IOException | RuntimeException e) {   // older JDKs throw IndexOutOfBounds for bad chunks
                throw Body.broken();
            }
            if (bytes.length > LARGEST) throw Answer.error(413, "Too large", "An entry has at most 1 MB.");
            try {
                CharsetDecoder strict = StandardCharsets.UTF_8.newDecoder();
                return Json.parseObject(strict.decode(ByteBuffer.wrap(bytes)).toString());
            } catch (IllegalArgumentException | CharacterCodingException e) {
                throw Answer.error(400, "Invalid JSON", e instanceof CharacterCodingException
                    ? "the body is not UTF-8" : e.getMessage());
            }
        }
    }

    // ---- 9. TLS ------------------------------------------------------------------------------------
    // The certificate in front, read anew when its file changes, and the trust in backends behind.

    /** Certificates and keys, from the files that people have. */
    static final class Tls {
        /** Where the gateway's certificate is; all empty where it speaks plain HTTP. */
        record Source(String cert, String key, String keystore, String password) {
            boolean areSet() {
                return !(cert.isEmpty() && keystore.isEmpty());
            }

            /** Without the password. */
            @Override
            public String toString() {
                if (!keystore.isEmpty()) return "TLS_KEYSTORE " + keystore;
                return "TLS_CERT " + cert + " and TLS_KEY " + key;
            }
        }

        static final Source NONE = new Source("", "", "", "");

        private Tls() {}

        /** TLS 1.2 and 1.3 with the certificate of these files. Throws Env.Refused where they are no good. */
        static HttpsConfigurator front(Source source) {
            try {
                SSLContext context = SSLContext.getInstance("TLS");
                context.init(new KeyManager[] {new Renewed(source)}, null, null);
                return new HttpsConfigurator(context) {
                    @Override
                    public void configure(HttpsParameters parameters) {
                        SSLParameters tls = context.getDefaultSSLParameters();
                        tls.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
                        parameters.setSSLParameters(tls);
                    }
                };
            } catch (IOException | GeneralSecurityException e) {
                throw new Env.Refused(source + " cannot be used: " + e.getMessage());
            }
        }

        /**
         * The JDK's trust, and that in the certificates of a PEM file. Throws Env.Refused where that is no
         * good.
         */
        static SSLContext trusting(String pemFile) {
            try {
                if (pemFile.isEmpty()) return SSLContext.getDefault();
                KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
                store.load(null, null);
                String algorithm = TrustManagerFactory.getDefaultAlgorithm();
                TrustManagerFactory trust = TrustManagerFactory.getInstance(algorithm);
                trust.init((KeyStore) null);
                List<Certificate> trusted = new ArrayList<>(certificates(Path.of(pemFile)));
                for (TrustManager manager : trust.getTrustManagers()) {
                    if (!(manager instanceof X509TrustManager x509)) continue;
                    trusted.addAll(List.of(x509.getAcceptedIssuers()));
                }
                for (Certificate one : trusted) store.setCertificateEntry("ca-" + store.size(), one);
                trust.init(store);
                SSLContext context = SSLContext.getInstance("TLS");
                context.init(null, trust.getTrustManagers(), null);
                return context;
            } catch (IOException | GeneralSecurityException e) {
                throw new Env.Refused("BACKEND_CA " + pemFile + " cannot be used: " + e.getMessage());
            }
        }

        private static List<Certificate> certificates(Path file)
                throws IOException, GeneralSecurityException {
            try (InputStream in = Files.newInputStream(file)) {
                CertificateFactory factory = CertificateFactory.getInstance("X.509");
                List<Certificate> found = List.copyOf(factory.generateCertificates(in));
                if (found.isEmpty()) throw new IOException("there is no certificate in it");
                return found;
            }
        }

        private static PrivateKey privateKey(Path file) throws IOException, GeneralSecurityException {
            Matcher pem = PKCS8.matcher(Files.readString(file));
            if (!pem.find()) {
                throw new IOException("there is no unencrypted PKCS#8 key in " + file + "; make one by "
                    + "openssl pkcs8 -topk8 -nodes -in OLD.pem -out NEW.pem");
            }
            PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(pem.group(1)));
            for (String algorithm : List.of("RSA", "EC", "EdDSA")) {
                try {
                    return KeyFactory.getInstance(algorithm).generatePrivate(spec);
                } catch (GeneralSecurityException e) {
                    // A key of another kind: the file itself does not say which.
                }
            }
            throw new GeneralSecurityException("the key in " + file + " is neither RSA nor EC nor Ed25519");
        }

        private static final Pattern PKCS8 =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");

        /** Throws where the two do not belong together, as between the two writes of a renewal. */
        private static void checkPair(PrivateKey key, Certificate certificate)
                throws GeneralSecurityException {
            String algorithm = switch (key.getAlgorithm()) {
                case "RSA" -> "SHA256withRSA";
                case "EC" -> "SHA256withECDSA";
                default -> "EdDSA";
            };
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(key);
            byte[] signed = signature.sign();
            signature.initVerify(certificate);
            if (signature.verify(signed)) return;
            throw new GeneralSecurityException("certificate and key do not belong together");
        }

        /** The key and certificate in force: looked at again at handshakes, once a second at the most. */
        private static final class Renewed extends X509ExtendedKeyManager {
            private final Source source;
            private volatile X509ExtendedKeyManager current;
            private volatile String seen;
            private volatile long looked;

            Renewed(Source source) throws IOException, GeneralSecurityException {
                this.source = source;
                seen = state();
                current = load();
                looked = System.nanoTime();
            }

            private String state() throws IOException {
                StringBuilder state = new StringBuilder();
                for (String file : List.of(source.cert, source.key, source.keystore)) {
                    if (!file.isEmpty()) state.append(Files.getLastModifiedTime(Path.of(file)));
                }
                return state.toString();
            }

            private X509ExtendedKeyManager load() throws IOException, GeneralSecurityException {
                char[] password = source.password.toCharArray();
                KeyStore store = KeyStore.getInstance("PKCS12");
                if (source.keystore.isEmpty()) {
                    Certificate[] chain = certificates(Path.of(source.cert)).toArray(Certificate[]::new);
                    PrivateKey key = privateKey(Path.of(source.key));
                    checkPair(key, chain[0]);
                    store.load(null, null);
                    store.setKeyEntry("gateway", key, password, chain);
                } else {
                    try (InputStream in = Files.newInputStream(Path.of(source.keystore))) {
                        store.load(in, password);
                    }
                }
                String algorithm = KeyManagerFactory.getDefaultAlgorithm();
                KeyManagerFactory factory = KeyManagerFactory.getInstance(algorithm);
                factory.init(store, password);
                return (X509ExtendedKeyManager) factory.getKeyManagers()[0];
            }

            private X509ExtendedKeyManager current() {
                long now = System.nanoTime();
                if (now - looked < 1_000_000_000) return current;
                looked = now;
                try {
                    String state = state();
                    if (state.equals(seen)) return current;
                    seen = state;
                    current = load();
                    Log.info("The certificate was renewed from " + source + ".");
                } catch (IOException | GeneralSecurityException e) {
                    Log.warn(source + " changed and cannot be used: "
                        + Log.clean(String.valueOf(e.getMessage())) + ". The certificate stays as it was.");
                }
                return current;
            }

            @Override
            public String chooseEngineServerAlias(String type, Principal[] issuers, SSLEngine engine) {
                return current().chooseEngineServerAlias(type, issuers, engine);
            }

            @Override
            public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
                return current().chooseServerAlias(type, issuers, socket);
            }

            @Override
            public X509Certificate[] getCertificateChain(String alias) {
                return current.getCertificateChain(alias);
            }

            @Override
            public PrivateKey getPrivateKey(String alias) {
                return current.getPrivateKey(alias);
            }

            @Override
            public String[] getServerAliases(String type, Principal[] issuers) {
                return current.getServerAliases(type, issuers);
            }

            @Override
            public String[] getClientAliases(String type, Principal[] issuers) {
                return null;                               // the gateway is never a client by this key
            }

            @Override
            public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
                return null;
            }
        }
    }

    /**
     * For plain HTTP. HttpClient wants a context, and the JDK's own would read every certificate and every
     * curve that it knows: an eighth of a start.
     */
    static final class NoTls extends SSLContext {
        NoTls() {
            super(new Nothing(), null, "none");
        }

        private static final class Nothing extends SSLContextSpi {
            @Override
            protected void engineInit(KeyManager[] keys, TrustManager[] trust, SecureRandom random) {}

            @Override
            protected SSLSocketFactory engineGetSocketFactory() {
                throw new UnsupportedOperationException();
            }

            @Override
            protected SSLServerSocketFactory engineGetServerSocketFactory() {
                throw new UnsupportedOperationException();
            }

            @Override
            protected SSLEngine engineCreateSSLEngine() {
                throw new UnsupportedOperationException();
            }

            @Override
            protected SSLEngine engineCreateSSLEngine(String host, int port) {
                throw new UnsupportedOperationException();
            }

            @Override
            protected SSLSessionContext engineGetServerSessionContext() {
                return null;
            }

            @Override
            protected SSLSessionContext engineGetClientSessionContext() {
                return null;
            }

            @Override
            protected SSLParameters engineGetDefaultSSLParameters() {
                return new SSLParameters(new String[0], new String[0]);
            }

            @Override
            protected SSLParameters engineGetSupportedSSLParameters() {
                return engineGetDefaultSSLParameters();
            }
        }
    }

    // ---- 10. Own endpoints --------------------------------------------------------------------------
    // What the gateway answers by itself. All but /gateway/health are for its operator: who has ADMIN_TOKEN,
    // or, where none is set, who sits at this machine.

    /** The gateway's own pages, under /gateway/ and, for three of them, under /proxy/ as well. */
    static final class OwnEndpoints {
        private interface Page {
            void answer(Inbound in) throws IOException;
        }

        /** Who may see a page: everybody, or the operator alone. */
        private enum For { ALL, OPERATOR }

        private record Endpoint(String method, For whom, Page page) {}

        private final Config config;
        private final Routes routes;
        private final Record record;
        private final BooleanSupplier draining;
        private final Map<String, Endpoint> endpoints = new LinkedHashMap<>();

        OwnEndpoints(Config config, Routes routes, Record record, BooleanSupplier draining) {
            this.config = config;
            this.routes = routes;
            this.record = record;
            this.draining = draining;
            // A browser has no token to send for a page; this one has no data in it, and asks for the token.
            For visitor = config.adminToken().isEmpty() ? For.OPERATOR : For.ALL;
            endpoints.put("/gateway/", new Endpoint("GET", visitor, Dashboard::answer));
            endpoints.put("/gateway/health", new Endpoint("GET", For.ALL, this::health));
            endpoints.put("/gateway/status", new Endpoint("GET", For.OPERATOR, this::status));
            endpoints.put("/gateway/routing", new Endpoint("GET", For.OPERATOR, this::routing));
            endpoints.put("/gateway/explain", new Endpoint("GET", For.OPERATOR, this::explain));
            endpoints.put("/gateway/failures", new Endpoint("GET", For.OPERATOR, this::failures));
            endpoints.put("/gateway/metrics", new Endpoint("GET", For.OPERATOR, this::metrics));
            endpoints.put("/gateway/reload", new Endpoint("POST", For.OPERATOR, this::reload));
            for (String page : List.of("health", "status", "routing")) {       // as the original had them
                endpoints.put("/proxy/" + page, endpoints.get("/gateway/" + page));
            }
        }

        boolean serves(String path) {
            return path.equals("/gateway") || path.startsWith("/gateway/") || endpoints.containsKey(path);
        }

        void answer(Inbound in) throws IOException {
            String path = in.target.path();
            Endpoint endpoint = endpoints.get(path.equals("/gateway") ? "/gateway/" : path);
            if (endpoint == null || endpoint.whom() == For.OPERATOR) checkOperator(in);
            if (endpoint == null) {
                throw new Refused(Cause.NO_SUCH_PAGE,
                    "The pages here are " + String.join(", ", endpoints.keySet()) + ".");
            }
            String method = in.method.equals("HEAD") ? "GET" : in.method;
            if (!method.equals(endpoint.method())) {
                in.allow(endpoint.method());
                throw new Refused(Cause.METHOD_REFUSED, "This page answers " + endpoint.method() + ".");
            }
            in.exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
            endpoint.page().answer(in);
        }

        private void checkOperator(Inbound in) {
            if (config.adminToken().isEmpty()) {
                if (isLocal(in)) return;
                throw new Refused(Cause.ADMIN_ONLY, "This page answers the machine itself only. To read it "
                    + "from elsewhere set ADMIN_TOKEN, and send it as Authorization: Bearer.");
            }
            if (isSecret(bearer(in.headers.getFirst("Authorization")), config.adminToken())) return;
            in.exchange.getResponseHeaders().set("WWW-Authenticate", "Bearer");
            throw new Refused(Cause.ADMIN_TOKEN_WRONG, "Send ADMIN_TOKEN as Authorization: Bearer.");
        }

        /**
         * A request of this machine itself, by its own name: not one that a proxy passed on, not one of a web
         * page whose name was made to point here (DNS rebinding shows in Host), and not one that a foreign
         * page makes a browser post (Origin tells whose it is).
         */
        private static boolean isLocal(Inbound in) {
            for (String name : PASSED_ON) if (in.headers.containsKey(name)) return false;
            String host = in.host;
            String origin = in.headers.getFirst("Origin");
            if (origin != null && !origin.equalsIgnoreCase(in.scheme() + "://" + host)) return false;
            return in.peer.isLoopbackAddress() && host != null && LOCAL_HOST.matcher(host).matches();
        }

        private static final List<String> PASSED_ON = List.of("Forwarded", "Via", "X-Real-IP",
            "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto");
        private static final Pattern LOCAL_HOST =
            Pattern.compile("(?i)(localhost|127\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}|\\[::1])(:[0-9]+)?");

        private void health(Inbound in) throws IOException {
            RoutingTable table = routes.table();
            boolean ok = !draining.getAsBoolean();
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("status", ok ? "ok" : "draining");
            json.put("backends", table.backends().size());
            json.put("healthy", table.healthy());
            json.put("cacheAge", routes.age());
            in.answerJson(ok ? 200 : 503, json, true);
        }

        private void status(Inbound in) throws IOException {
            RoutingTable table = routes.table();
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("total", table.backends().size());
            json.put("healthy", table.healthy());
            json.put("backends", table.backends().stream().map(OwnEndpoints::about).toList());
            json.put("cacheAge", routes.age());
            json.put("registry", routes.registry().place());
            if (!routes.trouble().isEmpty()) json.put("registryError", routes.trouble());
            json.put("skipped", table.skipped());
            json.put("draining", draining.getAsBoolean());
            json.put("uptime", (System.nanoTime() - record.since) / 1_000_000_000);
            json.put("requests", record.durations.counts().stream().mapToLong(Long::longValue).sum());
            json.put("inFlight", record.inFlight.sum());
            json.put("latencyBounds", Durations.BOUNDS);
            in.answerJson(200, json, true);
        }

        private static Map<String, Object> about(Backend backend) {
            Health health = backend.health;
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("name", backend.name());
            json.put("url", backend.entry.url());
            json.put("prefix", backend.data.get("prefix"));
            json.put("normalized_prefix", Route.title(backend.entry.prefix()));
            json.put("weight", backend.entry.weight());
            json.put("healthy", backend.isAvailable());
            json.put("lastCheck", health.lastCheck == 0 ? "never" : Instant.ofEpochMilli(health.lastCheck));
            json.put("consecutiveFailures", health.failures);
            if (!backend.reason().isEmpty()) json.put("reason", backend.reason());
            Traffic traffic = backend.traffic;
            json.put("requests", traffic.requests());
            Map<String, Object> statuses = new LinkedHashMap<>();
            for (int code = 2; code <= 5; code++) statuses.put(code + "xx", traffic.classes.get(code));
            json.put("statuses", statuses);
            json.put("failures", traffic.failures.sum());
            json.put("inFlight", traffic.inFlight.sum());
            json.put("latency", traffic.durations.counts());
            return json;
        }

        private void routing(Inbound in) throws IOException {
            String host = in.host;
            List<Map<String, Object>> json = new ArrayList<>();
            for (Route route : new TreeMap<>(routes.table().routes()).values()) {
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("prefix", route.title());
                line.put("backends", route.backends.stream().map(Backend::name).toList());
                line.put("example", in.scheme() + "://" + host + route.prefix + "/example");
                json.add(line);
            }
            in.answerJson(200, json, true);
        }

        private void failures(Inbound in) throws IOException {
            in.answerJson(200, record.failures().stream().map(Finished::json).toList(), true);
        }

        private void metrics(Inbound in) throws IOException {
            byte[] text = Metrics.of(record, routes).getBytes(StandardCharsets.UTF_8);
            in.answer(200, "text/plain; version=0.0.4; charset=utf-8", text, true);
        }

        /** Tells what would become of a request for {@code path}, and sends nothing. */
        private void explain(Inbound in) throws IOException {
            String path = decoded(in.target.query(), "path");
            if (path == null) {
                throw new Refused(Cause.BAD_TARGET, "Ask for /gateway/explain?path=/api/x, percent-encoded.");
            }
            Map<String, Object> json = new LinkedHashMap<>();
            String method = Objects.requireNonNullElse(decoded(in.target.query(), "method"), "GET");
            json.put("method", method);
            json.put("path", path);
            try {
                Target target = Target.of(path);
                RoutingTable table = routes.table();
                Route route = serves(target.path()) ? null : table.route(target.path());
                json.put("considered", considered(table, target.path(), route));
                json.put("route", route == null ? null : route.title());
                if (route != null) explain(in, target, route, json);
                else json.put("answer", serves(target.path()) ? "the gateway's own page" : "404 no-route");
            } catch (Refused refused) {
                json.put("answer", refused.cause.status + " " + refused.cause.word);
                json.put("why", refused.getMessage());
            }
            in.answerJson(200, json, true);
        }

        private static String decoded(String query, String name) {
            String value = parameter(query, name);
            return value == null ? null : URLDecoder.decode(value, StandardCharsets.UTF_8);
        }

        /** Every prefix that the path could have, the longest first, and why it was taken or not. */
        private static List<Map<String, Object>> considered(RoutingTable table, String path, Route taken) {
            List<Map<String, Object>> lines = new ArrayList<>();
            for (int end = path.length(); end >= 0; end = path.lastIndexOf('/', end - 1)) {
                String prefix = path.substring(0, end);
                Route route = table.routes().get(prefix);
                String why = route == null ? "no backend has it"
                    : route == taken ? "taken: the longest that a backend has" : "shorter than the one taken";
                lines.add(Map.of("prefix", Route.title(prefix), "why", why));
                if (end == 0) break;
            }
            return lines;
        }

        private void explain(Inbound in, Target target, Route route, Map<String, Object> json) {
            List<Map<String, Object>> candidates = new ArrayList<>();
            for (Backend backend : route.backends) {
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("name", backend.name());
                line.put("state", backend.isAvailable() ? "up" : "down");
                if (!backend.reason().isEmpty()) line.put("reason", backend.reason());
                line.put("weight", backend.entry.weight());
                line.put("target", backend.entry.url() + target.behind(route.prefix));
                String fingerprint = TokenCipher.fingerprint(config.apiKey(), backend.token);
                line.put("authorization", backend.token.isEmpty() ? "none" : "Bearer #" + fingerprint);
                candidates.add(line);
            }
            boolean served = route.backends.stream().anyMatch(Backend::isAvailable);
            json.put("answer", served ? "from one of the candidates that are up" : "503 no-healthy-backend");
            json.put("sentAgain", Gateway.REPEATABLE.contains(json.get("method"))
                ? "without a body, if no answer began" : "only if it cannot have arrived");
            json.put("forwarded", target.behind(route.prefix));
            json.put("candidates", candidates);
            Map<String, Object> headers = new TreeMap<>();
            RequestHeaders.of(in, route, config).forEach((name, values) -> {
                if (name.startsWith("X-")) headers.put(name, values.getFirst());
            });
            json.put("headers", headers);
        }

        private void reload(Inbound in) throws IOException {
            boolean done = routes.refresh();
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("success", done);
            json.put("backends", routes.table().backends().size());
            if (!done) json.put("message", "The registry did not answer: " + routes.trouble() + ".");
            in.answerJson(done ? 200 : 502, json, true);
        }
    }

    // ---- 11. What happened -------------------------------------------------------------------------
    // Counted for /gateway/metrics and the page, remembered for /gateway/failures, written as access log.

    /** A request that is over, as the access log and /gateway/failures tell of it. */
    record Finished(Instant time, String id, String client, String method, String path, int status,
                    long bytes, long nanos, String backend, List<String> attempts, Cause cause) {

        static Finished of(Inbound in, long nanos) {
            String path = in.target.path();                    // without the query: it may hold secrets
            return new Finished(Instant.now(), in.id, Log.host(in.peer), Log.clean(in.method),
                path.length() > 300 ? path.substring(0, 300) + "…" : path, in.status, in.bytes,
                nanos, in.backend == null ? "" : in.backend.name(),
                List.copyOf(in.attempts), in.cause);
        }

        Map<String, Object> json() {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("time", time.toString());
            json.put("id", id);
            json.put("client", client);
            json.put("method", method);
            json.put("path", path);
            json.put("status", status);
            json.put("bytes", bytes);
            json.put("ms", nanos / 1_000_000);
            json.put("backend", backend);
            json.put("attempts", attempts);
            if (cause != null) json.put("cause", cause.word);
            return json;
        }

        String line() {
            String failed = (cause == null ? "" : cause.word + " ") + String.join("; ", attempts);
            StringBuilder line = new StringBuilder(160);
            line.append(time.truncatedTo(ChronoUnit.MILLIS)).append(' ');
            left(line, id, 14);
            left(line, client, 15);
            left(line, method, 7);
            right(line, status, 3);
            right(line, bytes, 9).append(" B");
            right(line, nanos / 1_000_000, 6).append(" ms ");
            left(line, backend.isEmpty() ? "-" : backend, 12);
            return line.append(' ').append(path).append("  ").append(failed).toString().stripTrailing();
        }

        // By hand: String.format takes a third of what a line costs.
        private static void left(StringBuilder line, String text, int width) {
            line.append(' ').append(text).repeat(' ', Math.max(0, width - text.length()));
        }

        private static StringBuilder right(StringBuilder line, long number, int width) {
            String text = Long.toString(number);
            return line.append(' ').repeat(' ', Math.max(0, width - text.length())).append(text);
        }
    }

    /** How long requests took: counts by upper bounds, and their sum. */
    static final class Durations {
        /** Upper bounds in milliseconds; one more bucket holds what took longer. */
        static final List<Integer> BOUNDS =
            List.of(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000);

        private final AtomicLongArray buckets = new AtomicLongArray(BOUNDS.size() + 1);
        private final LongAdder nanos = new LongAdder();

        void add(long duration) {
            int bucket = 0;
            while (bucket < BOUNDS.size() && duration > BOUNDS.get(bucket) * 1_000_000L) bucket++;
            buckets.incrementAndGet(bucket);
            nanos.add(duration);
        }

        List<Long> counts() {
            List<Long> counts = new ArrayList<>();
            for (int i = 0; i < buckets.length(); i++) counts.add(buckets.get(i));
            return counts;
        }

        double seconds() {
            return nanos.sum() / 1e9;
        }
    }

    /** What one backend was asked and how it answered. It outlives tables as long as the name is there. */
    static final class Traffic {
        final AtomicLongArray classes = new AtomicLongArray(6);    // [2] counts the answers 200 to 299
        final LongAdder failures = new LongAdder();                // attempts without an answer
        final LongAdder inFlight = new LongAdder();
        final Durations durations = new Durations();

        void answered(int status, long nanos) {
            classes.incrementAndGet(Math.clamp(status / 100, 1, 5));
            durations.add(nanos);
        }

        long requests() {
            return classes.get(1) + classes.get(2) + classes.get(3) + classes.get(4) + classes.get(5);
        }
    }

    /** What the gateway did, and the last requests that it had to answer itself or that broke. */
    static final class Record {
        private static final int REMEMBERED = 100;

        final long since = System.nanoTime();
        final Durations durations = new Durations();               // of all requests but those for own pages
        final LongAdder inFlight = new LongAdder();
        final LongAdder retries = new LongAdder();
        final Map<Cause, LongAdder> causes = new EnumMap<>(Cause.class);
        private final Deque<Finished> failures = new ArrayDeque<>();
        private final String accessLog;

        Record(String accessLog) {
            this.accessLog = accessLog;
            for (Cause cause : Cause.values()) causes.put(cause, new LongAdder());
        }

        /** Takes note of a request that is for a backend. */
        void begin(Inbound in) {
            in.counted = true;
            inFlight.increment();
        }

        /** Takes note of a request that is over. */
        void add(Inbound in) {
            long nanos = System.nanoTime() - in.began;
            if (in.counted) {
                inFlight.decrement();
                durations.add(nanos);
            }
            if (in.relayed) in.backend.traffic.answered(in.status, nanos);
            boolean all = accessLog.equals("text") || accessLog.equals("json");
            if (in.cause == null && !all) return;                  // nearly every request
            Finished finished = Finished.of(in, nanos);
            if (in.cause != null) remember(finished);
            switch (accessLog) {
                case "text" -> Log.later(finished::line);
                case "json" -> Log.later(() -> Json.write(finished.json()));
                case "errors" -> {
                    if (in.cause.status >= 500) Log.later(finished::line);
                }
                default -> { }
            }
        }

        private void remember(Finished finished) {
            causes.get(finished.cause).increment();
            synchronized (failures) {
                if (failures.size() == REMEMBERED) failures.removeLast();
                failures.addFirst(finished);
            }
        }

        /** The newest first. */
        List<Finished> failures() {
            synchronized (failures) {
                return List.copyOf(failures);
            }
        }
    }

    /** The text that Prometheus reads (its exposition format, version 0.0.4). */
    static final class Metrics {
        private final StringBuilder text = new StringBuilder();
        private String family = "";

        private Metrics() {}

        static String of(Record record, Routes routes) {
            Metrics metrics = new Metrics();
            metrics.requests(routes.table().backends());
            metrics.duration(record.durations);
            metrics.family("gateway_requests_in_flight", "gauge", "Requests under way.");
            metrics.sample("", record.inFlight.sum());
            metrics.family("gateway_retries_total", "counter", "Attempts after a first one.");
            metrics.sample("", record.retries.sum());
            metrics.family("gateway_failures_total", "counter", "Requests that no backend answered whole.");
            record.causes.forEach((cause, count) ->
                metrics.sample("cause=\"" + cause.word + "\"", count.sum()));
            metrics.table(routes);
            metrics.machine();
            return metrics.text.toString();
        }

        private void family(String name, String type, String help) {
            family = name;
            text.append("# HELP ").append(name).append(' ').append(help)
                .append("\n# TYPE ").append(name).append(' ').append(type).append('\n');
        }

        private void sample(String labels, Number value) {
            sample("", labels, value);
        }

        private void sample(String suffix, String labels, Number value) {
            text.append(family).append(suffix);
            if (!labels.isEmpty()) text.append('{').append(labels).append('}');
            text.append(' ').append(value).append('\n');
        }

        private void requests(List<Backend> backends) {
            family("gateway_requests_total", "counter", "Requests by backend and class of status.");
            for (Backend backend : backends) {
                for (int code = 1; code <= 5; code++) {
                    long count = backend.traffic.classes.get(code);
                    String labels = "backend=\"" + backend.name() + "\",code=\"" + code + "xx\"";
                    if (count > 0 || code == 2) sample(labels, count);
                }
            }
            family("gateway_backend_duration_seconds_total", "counter", "Time spent on its requests.");
            for (Backend backend : backends) sample(label(backend), backend.traffic.durations.seconds());
            family("gateway_backend_failures_total", "counter", "Attempts that a backend did not answer.");
            for (Backend backend : backends) sample(label(backend), backend.traffic.failures.sum());
            family("gateway_backend_requests_in_flight", "gauge", "Requests that a backend works on.");
            for (Backend backend : backends) sample(label(backend), backend.traffic.inFlight.sum());
            family("gateway_backend_up", "gauge", "Whether a backend is in service.");
            for (Backend backend : backends) sample(label(backend), backend.isAvailable() ? 1 : 0);
        }

        private static String label(Backend backend) {
            return "backend=\"" + backend.name() + "\"";      // a name has no character to be escaped
        }

        private void duration(Durations durations) {
            family("gateway_request_duration_seconds", "histogram", "From the head to the answer's end.");
            long sum = 0;
            List<Long> counts = durations.counts();
            for (int i = 0; i < counts.size(); i++) {
                sum += counts.get(i);
                boolean last = i == Durations.BOUNDS.size();
                String bound = last ? "+Inf" : Double.toString(Durations.BOUNDS.get(i) / 1000.0);
                sample("_bucket", "le=\"" + bound + "\"", sum);
            }
            sample("_sum", "", durations.seconds());
            sample("_count", "", sum);
        }

        private void table(Routes routes) {
            family("gateway_table_age_seconds", "gauge", "Since the registry last agreed with the table.");
            sample("", routes.age() / 1000.0);
            family("gateway_table_skipped_entries", "gauge", "Entries of the registry that are no backends.");
            sample("", routes.table().skipped().size());
            family("gateway_refreshes_total", "counter", "Answers of the registry, and failures to get one.");
            sample("result=\"answered\"", routes.answers.sum());
            sample("result=\"failed\"", routes.failures.sum());
        }

        private void machine() {
            Runtime runtime = Runtime.getRuntime();
            family("jvm_memory_used_bytes", "gauge", "Heap in use.");
            sample("", runtime.totalMemory() - runtime.freeMemory());
            family("jvm_memory_max_bytes", "gauge", "Heap that may be used.");
            sample("", runtime.maxMemory());
            family("jvm_threads", "gauge", "Platform threads.");
            sample("", Thread.getAllStackTraces().size());
        }
    }

    // ---- 12. Doctor --------------------------------------------------------------------------------
    // What --check does: it looks at all that a gateway depends on, as a gateway would, and changes nothing.

    /** Finds what is wrong, or soon will be, and says what to do. */
    static final class Doctor {
        /** How bad a finding is; only what must be fixed makes the exit code 1. */
        private enum Level { OK, WARN, FIX }

        private record Finding(Level level, String about, String what) {}

        private static final int SKEW = 60;                        // seconds that clocks may differ
        private static final int RENEWAL = 14;                     // days before a certificate ends

        private final Config config;
        private final Env env;
        private final Backends backends;
        private final List<Finding> findings = new ArrayList<>();
        private String running;                                    // where a gateway of ours answers; or null

        Doctor(Config config, Env env) {
            this.config = config;
            this.env = env;
            this.backends = new Backends(config);
        }

        /** Looks, prints, and gives the exit code: 0 where nothing must be fixed. */
        int report() throws InterruptedException {
            settings();
            port("PROXY_PORT", config.bindAddress(), config.port(), "/gateway/health");
            if (config.embedded()) {
                port("REGISTRY_PORT", config.registryBind(), config.registryPort(), "/health");
            }
            exposure();
            registry();
            List<?> json = findings.stream().map(Doctor::json).toList();
            System.out.print(env.isOn("json") ? Json.write(json) + "\n" : table());
            return findings.stream().anyMatch(finding -> finding.level == Level.FIX) ? 1 : 0;
        }

        private void ok(String about, String what) {
            note(Level.OK, about, what);
        }

        private void warn(String about, String what) {
            note(Level.WARN, about, what);
        }

        private void fix(String about, String what) {
            note(Level.FIX, about, what);
        }

        private void note(Level level, String about, String what) {
            findings.add(new Finding(level, Log.clean(about), Log.clean(what)));
        }

        private void settings() {
            ok("Java", Runtime.version().toString());
            for (Env.Setting setting : Config.SETTINGS) {
                Env.Value value = env.value(setting.option());
                if (value.source().equals("default") || setting.isFlag()) continue;
                boolean secret = setting.option().matches("(api|encryption)-key|.*(token|password|url)");
                ok(setting.title(), (secret ? "set" : value.text()) + ", from " + value.source());
            }
            for (String key : config.newKeys().keySet()) {
                warn(key, "is not set: the first start writes a new one to " + config.envFile());
            }
        }

        /** A port must be free, or have a server of ours on it already. */
        private void port(String setting, String address, int port, String page) throws InterruptedException {
            String place = address + ":" + port;
            try (ServerSocket socket = new ServerSocket()) {
                socket.setReuseAddress(true);
                socket.bind(new InetSocketAddress(address, port));
                ok(setting, place + " is free");
            } catch (IOException e) {
                boolean ours = answers(address, port, page);
                note(ours ? Level.OK : Level.FIX, setting, place + (ours ? " is served by a running gateway"
                    : " cannot be used (" + e.getMessage() + "): stop what uses it, or set another one"));
            }
        }

        private boolean answers(String address, int port, String page) throws InterruptedException {
            String host = address.equals("0.0.0.0") || address.equals("::") ? "localhost" : address;
            boolean own = page.startsWith("/gateway");
            String place = (own && config.tls().areSet() ? "https://" : "http://") + host + ":" + port;
            try {
                boolean ours = ask(place + page, "").body().contains("\"status\"");
                if (ours && own) running = place;
                return ours;
            } catch (IOException | IllegalArgumentException e) {
                // It speaks TLS, with a certificate that is made out to its public name.
                return String.valueOf(e.getMessage()).contains("certificate");
            }
        }

        /** Sends a token, where it is not empty: a stranger's port must not get ADMIN_TOKEN. */
        private static Reply ask(String url, String token) throws IOException, InterruptedException {
            try (HttpClient client = HttpClient.newHttpClient()) {
                HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url));
                if (!token.isEmpty()) request.header("Authorization", "Bearer " + token);
                return Reply.to(request.build(), client, MOST_STATUS, Duration.ofSeconds(3));
            }
        }

        private static final int MOST_STATUS = 64 << 20;           // bytes, of a status with 100,000 backends

        /** Who could listen in, or look in. */
        private void exposure() {
            boolean open = !isLoopback(config.bindAddress());
            if (config.adminToken().isEmpty()) {
                ok("ADMIN_TOKEN", "is not set: /gateway/status and the like answer this machine only");
            } else if (open && !config.tls().areSet()) {
                warn("ADMIN_TOKEN", "travels in clear text: set TLS_CERT, or have a proxy speak TLS");
            }
            if (config.embedded() && !isLoopback(config.registryBind())) {
                warn("REGISTRY_BIND", "lets others in, and API_KEY travels in clear text");
            }
        }

        private static boolean isLoopback(String address) {
            try {
                return InetAddress.getByName(address).isLoopbackAddress();
            } catch (UnknownHostException e) {
                return false;
            }
        }

        /** Reads the registry, opens every token and asks every backend. */
        private void registry() throws InterruptedException {
            Registry registry = source();
            try {
                Listing listing = registry.read(null);
                ok("Registry", registry.place() + " holds " + listing.items().size() + " entries");
                TokenCipher cipher = new TokenCipher(config.secrets());
                RoutingTable table = RoutingTable.EMPTY.next(listing, cipher, new AtomicInteger());
                table.skipped().forEach((key, why) -> fix(key, "is no backend: " + why));
                for (Backend backend : table.backends()) backend(backend);
                newer(table);
            } catch (NoSuchFileException e) {
                String place = registry.place();
                if (config.embedded()) ok("Registry", place + " is not there yet: a start makes it");
                else fix("Registry", place + " is not there: set BACKENDS_REGISTRY_URL, or write it");
            } catch (IOException e) {
                fix("Registry", registry.place() + " is of no use: " + e.getMessage());
            }
        }

        /** The registry itself; of an embedded one its file, for a running gateway may hold it. */
        private Registry source() {
            return config.embedded() ? new FileRegistry(config.registryFile()) : Registry.of(config, null);
        }

        /** What the registry has, and a gateway that runs here does not have yet. */
        private void newer(RoutingTable table) throws InterruptedException {
            if (running == null) return;
            try {
                Reply status = ask(running + "/gateway/status", config.adminToken());
                if (!(Json.parseObject(status.body()).get("backends") instanceof List<?> known)) return;
                Map<Object, Object> urls = new HashMap<>();
                for (Object each : known) {
                    if (each instanceof Map<?, ?> backend) urls.put(backend.get("name"), backend.get("url"));
                }
                for (Backend backend : table.backends()) {
                    if (backend.entry.url().equals(urls.get(backend.name()))) continue;
                    warn(backend.name(), "is newer in the registry than in the running gateway: POST "
                        + "/gateway/reload there; if that changes nothing, it reads another registry");
                }
            } catch (IOException | IllegalArgumentException e) {
                warn("PROXY_PORT", "the running gateway does not show its table: " + e.getMessage());
            }
        }

        private void backend(Backend backend) throws InterruptedException {
            if (!backend.fault.isEmpty()) {
                fix(backend.name(), backend.fault + ": register it again with this gateway's keys");
                return;
            }
            if (backend.token.equals(backend.entry.token()) && !backend.token.isEmpty()) {
                warn(backend.name(), "has its token in plain text in the registry");
            }
            try {
                HttpResponse<?> answer = backends.probe(backend);
                boolean well = Prober.isWell(backend, answer.statusCode());
                note(well ? Level.OK : Level.FIX, backend.name(), backend.entry.url() + backend.healthPath()
                    + " answers " + answer.statusCode() + (well ? "" : ": mend it, or set a healthPath"));
                keepAlive(backend, answer.headers());
                clock(backend, answer.headers());
                certificate(backend, answer);
            } catch (IOException | RuntimeException e) {
                fix(backend.name(), backend.entry.url() + ": " + backends.failure(e).message());
            }
        }

        private void keepAlive(Backend backend, HttpHeaders headers) {
            Matcher seconds = TIMEOUT.matcher(headers.firstValue("Keep-Alive").orElse(""));
            if (!seconds.find() || Integer.parseInt(seconds.group(1)) > 4) return;
            warn(backend.name(), "closes idle connections after " + seconds.group(1)
                + " s; the gateway keeps them for 4 s: let it wait for 5 s or more");
        }

        private static final Pattern TIMEOUT = Pattern.compile("timeout=([0-9]{1,9})");

        private void clock(Backend backend, HttpHeaders headers) {
            try {
                String date = headers.firstValue("Date").orElse("");
                if (date.isEmpty()) return;
                Instant theirs = Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(date));
                long seconds = Duration.between(theirs, Instant.now()).toSeconds();
                if (Math.abs(seconds) > SKEW) {
                    warn(backend.name(), "has a clock that is off by " + seconds + " s");
                }
            } catch (DateTimeException e) {
                warn(backend.name(), "sends a Date that is none");
            }
        }

        private void certificate(Backend backend, HttpResponse<?> answer) throws IOException {
            if (answer.sslSession().isEmpty()) return;
            X509Certificate shown = (X509Certificate) answer.sslSession().get().getPeerCertificates()[0];
            long days = Duration.between(Instant.now(), shown.getNotAfter().toInstant()).toDays();
            String what = "has a certificate for " + days + " more days";
            note(days < RENEWAL ? Level.WARN : Level.OK, backend.name(), what);
        }

        private static Map<String, Object> json(Finding finding) {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("level", finding.level.name().toLowerCase(Locale.ROOT));
            json.put("about", finding.about);
            json.put("what", finding.what);
            return json;
        }

        /** Whether people read it. The JDK's own answer is newer than 21; this one knows Linux alone. */
        private static boolean isTerminal() {
            try {
                return Path.of("/proc/self/fd/1").toRealPath().startsWith("/dev/pts");
            } catch (IOException e) {
                return false;
            }
        }

        private String table() {
            boolean colours = isTerminal() && System.getenv("NO_COLOR") == null;
            StringBuilder table = new StringBuilder();
            for (Finding finding : findings) {
                String word = "%-4s".formatted(finding.level.name().toLowerCase(Locale.ROOT));
                String colour = switch (finding.level) {
                    case OK -> "32";
                    case WARN -> "33";
                    case FIX -> "31";
                };
                table.append(colours ? "\u001B[" + colour + "m" + word + "\u001B[0m" : word)
                    .append("  %-22s %s%n".formatted(finding.about, finding.what));
            }
            return table.toString();
        }
    }

    // ---- 13. Demo ----------------------------------------------------------------------------------
    // Two backends in this process, registered as any other would be: by HTTP, with encrypted tokens.

    /** A gateway with something behind it, for a first look. */
    static final class Demo {
        private Demo() {}

        static GatewayServer start(Config config) throws IOException, InterruptedException {
            GatewayServer gateway = new GatewayServer(config);
            TokenCipher cipher = new TokenCipher(config.secrets());
            for (String name : List.of("demo-1", "demo-2")) {
                String token = "token of " + name;
                String url = "http://localhost:" + startBackend(name, token);
                String sealed = cipher.seal(token, TokenCipher.sharedSalt(config.apiKey()),
                    TokenCipher.binding(name, url, "/api"));
                register(gateway, config.apiKey(), new Entry(name, url, sealed, "/api", "", 1, 0));
            }
            for (int i = 0; i < 5000 && gateway.routes.table().backends().size() < 2; i++) {
                LockSupport.parkNanos(1_000_000);              // what is printed works at once
            }
            String place = "http://localhost:" + gateway.port();
            Log.plain("""

                Try, in another terminal:
                  curl -i %s/api/hello
                  curl %s/gateway/health
                  curl %s/gateway/status
                """.replace("%s", place));
            return gateway;
        }

        /** A registry's file that goes away with the process. Throws Env.Refused. */
        static String file() {
            try {
                Path folder = Files.createTempDirectory("backend-gateway-demo");
                folder.toFile().deleteOnExit();  // last in, first out: the folder is empty by then
                for (String name : List.of("backends.json", "backends.json.lock")) {
                    folder.resolve(name).toFile().deleteOnExit();
                }
                return folder.resolve("backends.json").toString();
            } catch (IOException e) {
                throw new Env.Refused("The demo cannot write its temporary files: " + e.getMessage());
            }
        }

        private static int startBackend(String name, String token) {
            HttpServer backend = listen("PORT", 0, "BIND_ADDRESS", "localhost", Tls.NONE);
            serve(backend, exchange -> {
                Map<String, Object> json = new LinkedHashMap<>();
                json.put("backend", name);
                json.put("method", exchange.getRequestMethod());
                json.put("path", exchange.getRequestURI().toString());
                Headers headers = exchange.getRequestHeaders();
                json.put("tokenArrived", ("Bearer " + token).equals(headers.getFirst("Authorization")));
                json.put("forwardedFor", headers.getFirst("X-Forwarded-For"));
                byte[] body = (Json.write(json) + "\n").getBytes(StandardCharsets.UTF_8);
                exchange.getResponseHeaders().set("Content-Type", "application/json");
                exchange.sendResponseHeaders(200, body.length);
                try (OutputStream out = exchange.getResponseBody()) {
                    out.write(body);
                }
            }, new Watched());
            return backend.getAddress().getPort();
        }

        private static void register(GatewayServer gateway, String apiKey, Entry entry)
                throws IOException, InterruptedException {
            String registry = "http://localhost:" + gateway.registryPort() + "/collections/backends/";
            HttpRequest request = HttpRequest.newBuilder(URI.create(registry + entry.name()))
                .header("Authorization", "Bearer " + apiKey)
                .PUT(HttpRequest.BodyPublishers.ofString(Json.write(Map.of("data", entry.data())))).build();
            try (HttpClient client = HttpClient.newHttpClient()) {
                int status = client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
                if (status != 200) throw new IOException("The demo's registry answered " + status + ".");
            }
        }
    }

    // ---- 14. Toolbox -------------------------------------------------------------------------------
    // Addresses, files and the log. After them, what the three programs share to the letter.

    /** A range of addresses: "10.0.0.0/8", "fe80::/10", or one address. */
    record Cidr(byte[] network, int bits) {
        /** Throws IllegalArgumentException for what is not one; never asks a name server. */
        static Cidr parse(String text) {
            int slash = text.indexOf('/');
            String address = slash < 0 ? text : text.substring(0, slash);
            if (!address.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")) {
                throw new IllegalArgumentException("not an address");
            }
            try {
                byte[] network = InetAddress.getByName(address).getAddress();
                int bits = network.length * 8;
                if (slash >= 0) bits = Integer.parseUnsignedInt(text, slash + 1, text.length(), 10);
                if (bits > network.length * 8) throw new IllegalArgumentException("too many bits");
                return new Cidr(network, bits);
            } catch (UnknownHostException e) {
                throw new IllegalArgumentException("not an address", e);
            }
        }

        boolean contains(InetAddress address) {
            byte[] other = address.getAddress();
            if (other.length != network.length) return false;
            for (int bit = 0; bit < bits; bit++) {
                int mask = 0x80 >> bit % 8;
                if ((other[bit / 8] & mask) != (network[bit / 8] & mask)) return false;
            }
            return true;
        }

        static boolean anyContains(List<Cidr> cidrs, InetAddress address) {
            for (Cidr cidr : cidrs) if (cidr.contains(address)) return true;
            return false;
        }
    }

    /**
     * Where registered urls may lead: anywhere but to link-local addresses, or where ALLOWED_BACKENDS says.
     */
    record Allowed(List<String> hosts, List<Cidr> cidrs) {
        // Clouds serve a machine's credentials there; not all such addresses are link-local by number.
        private static final List<Cidr> METADATA = Stream.of("169.254.0.0/16", "fe80::/10", "fd00:ec2::254",
            "100.100.100.200").map(Cidr::parse).toList();

        boolean permits(String host, InetAddress address) {
            if (Cidr.anyContains(cidrs, address)) return true;
            if (Cidr.anyContains(METADATA, address) || address.isAnyLocalAddress()) return false;
            if (hosts.isEmpty() && cidrs.isEmpty()) return true;
            String name = host.toLowerCase(Locale.ROOT);
            for (String pattern : hosts) {
                boolean wild = pattern.startsWith("*.");
                if (wild ? name.endsWith(pattern.substring(1)) : name.equals(pattern)) return true;
            }
            return false;
        }
    }

    /**
     * The token of "Bearer TOKEN", whose scheme may be written in any case (RFC 9110 section 11.1); or null.
     */
    private static String bearer(String authorization) {
        boolean is = authorization != null && authorization.regionMatches(true, 0, "Bearer ", 0, 7);
        return is ? authorization.substring(7).strip() : null;
    }

    /** The first value of a name in a query, as it was sent; null where there is none. */
    private static String parameter(String query, String name) {
        for (String part : query == null ? new String[0] : query.split("&")) {
            if (part.startsWith(name + "=")) return part.substring(name.length() + 1);
        }
        return null;
    }

    /** Compares a secret in a time that tells nothing about it. {@code given} may be null. */
    private static boolean isSecret(String given, String secret) {
        return given != null && MessageDigest.isEqual(given.getBytes(StandardCharsets.UTF_8),
            secret.getBytes(StandardCharsets.UTF_8));
    }

    /** Files that are there whole, or not at all, and for their owner alone. */
    static final class Durable {
        private static final Set<PosixFilePermission> OWNER = PosixFilePermissions.fromString("rw-------");

        private Durable() {}

        /** Replaces a file: a new one beside it, fsync, rename, fsync of the folder. */
        static void write(Path file, byte[] content) throws IOException {
            Path fresh = Path.of(file + ".tmp");
            Files.deleteIfExists(fresh);
            ownerOnly(fresh);
            try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = ByteBuffer.wrap(content);
                while (bytes.hasRemaining()) channel.write(bytes);
                channel.force(true);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            if (isPosix()) {  // Windows opens no folders, and needs no such thing
                try (FileChannel folder = FileChannel.open(file.toAbsolutePath().getParent())) {
                    folder.force(true);
                }
            }
        }

        /** Sees to it that a file exists and that only its owner may read it. */
        static void ownerOnly(Path file) throws IOException {
            if (Files.exists(file)) {
                if (isPosix()) Files.setPosixFilePermissions(file, OWNER);
            } else if (isPosix()) {
                Files.createFile(file, PosixFilePermissions.asFileAttribute(OWNER));
            } else {
                Files.createFile(file);
            }
        }

        private static boolean isPosix() {
            return FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
        }

        /** Keeps a second process off the same files, for as long as the channel is open. */
        static FileChannel lock(Path file) throws IOException {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            try {
                if (channel.tryLock() != null) return channel;
            } catch (OverlappingFileLockException e) {
                // Held by this very process: as good as by another one.
            }
            channel.close();
            throw new IOException(file + " is held by another registry: stop that, or set REGISTRY_FILE.");
        }
    }

    /** What the gateway tells its operator, a line each, and how texts from outside are made fit for that. */
    static final class Log {
        private Log() {}

        static void info(String line) {
            plain(Instant.now().truncatedTo(ChronoUnit.MILLIS) + "  " + line);
        }

        static void warn(String line) {
            info("WARNING  " + line);
        }

        static void plain(String line) {
            later(() -> line);
        }

        private static final int MOST_WAITING = 10_000;
        private static final long GATHERING = 10_000_000;    // ns
        private static final BlockingQueue<Supplier<String>> LINES = new LinkedBlockingQueue<>(MOST_WAITING);
        private static final LongAdder LOST = new LongAdder();
        private static volatile boolean idle = true;

        static {
            Thread.ofPlatform().daemon().name("log").start(Log::write);
        }

        /**
         * Has a line made and written by a thread of its own: who logs never waits for a terminal or a pipe.
         */
        static void later(Supplier<String> line) {
            idle = false;
            if (!LINES.offer(line)) LOST.increment();
        }

        private static void write() {
            List<Supplier<String>> batch = new ArrayList<>();
            while (true) {
                try {
                    idle = LINES.isEmpty();
                    batch.add(LINES.take());
                    idle = false;
                    LockSupport.parkNanos(GATHERING);        // to wake and to write once for many lines
                    LINES.drainTo(batch);
                    StringBuilder text = new StringBuilder();
                    for (Supplier<String> line : batch) text.append(line.get()).append('\n');
                    long lost = LOST.sumThenReset();
                    if (lost > 0) text.append(lost).append(" lines were lost: their reader is slow.\n");
                    System.out.print(text);                  // a PrintStream swallows that nobody reads it
                    System.out.flush();
                    batch.clear();
                } catch (InterruptedException e) {
                    return;
                }
            }
        }

        /** Waits until all is written that was logged, a second at the most. */
        static void flush() {
            long end = System.nanoTime() + 1_000_000_000;
            while (!idle && System.nanoTime() - end < 0) LockSupport.parkNanos(1_000_000);
        }

        /** Without control characters, so that nobody's text can begin a line of its own. */
        static String clean(String text) {
            StringBuilder clean = new StringBuilder(text);
            for (int i = 0; i < clean.length(); i++) {
                if (Character.isISOControl(clean.charAt(i))) clean.setCharAt(i, '?');
            }
            return clean.toString();
        }

        /** A fault in one line: what it is, and where. */
        static String trace(Throwable fault) {
            StackTraceElement[] where = fault.getStackTrace();
            return clean(fault.toString()) + (where.length == 0 ? "" : " at " + where[0]);
        }

        /** An address as headers and people have it: without an interface's name. */
        static String host(InetAddress address) {
            String text = address.getHostAddress();
            int zone = text.indexOf('%');
            return zone < 0 ? text : text.substring(0, zone);
        }

        /** An address to be opened: IPv6 in brackets. */
        static String urlHost(InetAddress address) {
            String text = host(address);
            return text.indexOf(':') < 0 ? text : "[" + text + "]";
        }
    }

    // >>> shared: Env
    /**
     * Where settings come from: the command line, then the environment, then a {@code .env} file, then the
     * default. Faults are collected, so that a user sees all of them at once; {@link #check} ends the
     * collecting.
     */
    static final class Env {
        /**
         * One thing that a user can set. {@code option} is its name on the command line, without the dashes;
         * {@code variables} the names it has in the environment and in {@code .env}, of which the first that
         * is there wins; a {@code fallback} of null makes it a flag, which takes no value; {@code meaning} is
         * its line in --help.
         */
        record Setting(String option, List<String> variables, String fallback, String meaning) {
            static Setting of(String option, String variables, String fallback, String meaning) {
                return new Setting(option, variables.isEmpty() ? List.of() : List.of(variables.split(" ")),
                    fallback, meaning);
            }

            boolean isFlag() {
                return fallback == null;
            }

            /** How messages call this setting: by its variable where it has one, as users know it. */
            String title() {
                return variables.isEmpty() ? "--" + option : variables.getFirst();
            }
        }

        /** A setting's text and the place it came from, as --check shows it. */
        record Value(String text, String source) {
            /** Without the text, which may be a secret. */
            @Override
            public String toString() {
                return "a value from " + source;
            }
        }

        /** The settings are wrong; the message has one sentence a line, fit to be shown to the user. */
        static final class Refused extends IllegalArgumentException {
            private static final long serialVersionUID = 1;

            Refused(String message) {
                super(message);
            }
        }

        private final Map<String, Setting> settings = new LinkedHashMap<>();
        private final Map<String, Value> given = new HashMap<>();
        private final List<String> words = new ArrayList<>();
        private final List<String> faults = new ArrayList<>();

        /**
         * Reads all sources. The file is the one that --env-file names (it must exist), else {@code .env} in
         * the working directory, if there is one.
         */
        Env(List<Setting> settings, String[] args, Map<String, String> environment) {
            settings.forEach(setting -> this.settings.put(setting.option(), setting));
            readArguments(args);
            String file = given.containsKey("env-file") ? given.get("env-file").text() : "";
            Map<String, String> fromFile = readFile(Path.of(file.isEmpty() ? ".env" : file), !file.isEmpty());
            for (Setting setting : settings) {
                take(setting, environment, "environment");
                take(setting, fromFile, file.isEmpty() ? ".env" : file);
            }
        }

        private void readArguments(String[] args) {
            for (int at = 0; at < args.length; at++) {
                String argument = args[at];
                if (!argument.startsWith("--")) {
                    words.add(argument);
                    continue;
                }
                int equals = argument.indexOf('=');
                String option = argument.substring(2, equals < 0 ? argument.length() : equals);
                Setting setting = settings.get(option);
                if (setting == null) {
                    faults.add("--" + option + " is not an option of this program; --help lists them all.");
                } else if (equals >= 0) {
                    given.put(option, new Value(argument.substring(equals + 1), "command line"));
                } else if (setting.isFlag()) {
                    given.put(option, new Value("true", "command line"));
                } else if (at + 1 < args.length && !args[at + 1].startsWith("--")) {
                    given.put(option, new Value(args[++at], "command line"));
                } else {
                    faults.add("--" + option + " needs a value: --" + option + "=…");
                }
            }
        }

        private void take(Setting setting, Map<String, String> source, String name) {
            for (String variable : setting.variables()) {
                String text = source.getOrDefault(variable, "");     // an empty one counts as not set
                if (!text.isEmpty()) given.putIfAbsent(setting.option(), new Value(text, name));
            }
        }

        private Map<String, String> readFile(Path file, boolean wanted) {
            if (!wanted && !Files.exists(file)) return Map.of();
            Map<String, String> variables = new HashMap<>();
            try {
                int number = 0;
                for (String line : Files.readAllLines(file)) {
                    number++;
                    if (number == 1 && line.startsWith("\uFEFF")) line = line.substring(1);   // from Windows
                    if (readLine(line.strip(), variables)) continue;
                    faults.add(file + ", line " + number + " is not NAME=value.");   // and may be a secret
                }
            } catch (IOException e) {
                faults.add(file + " cannot be read as UTF-8 text: check that it exists and who may read it.");
            }
            return variables;
        }

        /** NAME=value, as shells read it: 'as it is', "with \", \\, \$ and \` escaped", or bare # comment. */
        private static boolean readLine(String line, Map<String, String> variables) {
            if (line.isEmpty() || line.startsWith("#")) return true;
            Matcher parts = ASSIGNMENT.matcher(line);
            if (!parts.matches()) return false;
            String rest = parts.group(2).strip();
            char quote = rest.isEmpty() ? 0 : rest.charAt(0);
            if (quote != '"' && quote != '\'') {
                variables.put(parts.group(1), COMMENT.split(parts.group(2), 2)[0].strip());
                return true;
            }
            StringBuilder text = new StringBuilder();
            int at = 1;
            for (; at < rest.length() && rest.charAt(at) != quote; at++) {
                if (quote == '"' && ESCAPE.matcher(rest).region(at, rest.length()).lookingAt()) at++;
                text.append(rest.charAt(at));
            }
            variables.put(parts.group(1), text.toString());
            return at < rest.length() && COMMENT.split(rest.substring(at + 1) + " ", 2)[0].isBlank();
        }

        private static final Pattern ASSIGNMENT =
            Pattern.compile("(?s)(?:export\\s+)?([A-Za-z_][A-Za-z0-9_]*)\\s*=(.*)");
        private static final Pattern COMMENT = Pattern.compile("\\s#");
        private static final Pattern ESCAPE = Pattern.compile("\\\\[\"\\\\$`]");    // C:\new.pem keeps its \

        /** The setting's text: never null, empty where nothing was given and there is no default. */
        String text(String option) {
            return value(option).text();
        }

        /** The setting's text with its source. */
        Value value(String option) {
            Setting setting = settings.get(option);
            Value fallback = new Value(setting.isFlag() ? "false" : setting.fallback(), "default");
            return given.getOrDefault(option, fallback);
        }

        /** A flag, or a setting that is true or false. */
        boolean isOn(String option) {
            String text = text(option);
            if (text.equals("true") || text.equals("false")) return text.equals("true");
            fault(option, "must be true or false, not \"" + text + "\".");
            return false;
        }

        /** A whole number between two bounds, both included. */
        long number(String option, long least, long most) {
            String text = text(option);
            long number = text.matches("[0-9]{1,18}") ? Long.parseLong(text) : -1;
            if (number >= least && number <= most) return number;
            fault(option, "must be a whole number from " + least + " to " + most + ", not \"" + text + "\".");
            return least;
        }

        /** One of a few words. */
        String choice(String option, String... choices) {
            if (List.of(choices).contains(text(option))) return text(option);
            fault(option, "must be one of " + String.join(", ", choices) + ", not \"" + text(option) + "\".");
            return choices[0];
        }

        /** The arguments that are not options, in their order. */
        List<String> words() {
            return words;
        }

        /** Notes that a setting is wrong. The sentence goes on where the setting's name ends. */
        void fault(String option, String sentence) {
            faults.add(settings.get(option).title() + " " + sentence);
        }

        /** Throws {@link Refused} with every fault that was noted, if any was. */
        void check() {
            if (!faults.isEmpty()) throw new Refused(String.join("\n", faults));
        }

        /** One line for each setting: option, variable, default, meaning. */
        static String help(List<Setting> settings) {
            StringBuilder lines = new StringBuilder();
            for (Setting setting : settings) {
                String usage = "--" + setting.option() + (setting.isFlag() ? "" : "=…");
                String variables = String.join(", ", setting.variables());
                boolean plain = setting.isFlag() || setting.fallback().isEmpty();
                lines.append("  %-28s %s%s%n".formatted(usage, setting.meaning(),
                    plain ? "" : " (" + setting.fallback() + ")"));
                if (!variables.isEmpty()) lines.append("  %-28s   %s%n".formatted("", variables));
            }
            return lines.toString();
        }
    }
    // <<< shared: Env

    // >>> shared: Json
    /**
     * JSON text (RFC 8259) to and from Java's own types: Map, List, String, Long, BigDecimal, Boolean and
     * null. Strict: one value, no comments, no trailing commas, no nesting deeper than {@link #DEPTH}.
     */
    static final class Json {
        private static final int DEPTH = 64;     // deeper text is an attack on the stack, not data

        private final String text;
        private int at;
        private int depth;

        private Json(String text) {
            this.text = text;
        }

        /** The value that the text stands for. Throws IllegalArgumentException that names a fault's place. */
        static Object parse(String text) {
            Json json = new Json(text);
            Object value = json.value();
            json.skipBlanks();
            if (json.at < text.length()) throw json.expected("the end");
            return value;
        }

        /** As {@link #parse}, for text that must be an object. */
        static Map<?, ?> parseObject(String text) {
            if (parse(text) instanceof Map<?, ?> object) return object;
            throw new IllegalArgumentException("expected a JSON object");
        }

        private Object value() {
            skipBlanks();
            return switch (peek()) {
                case '{' -> object();
                case '[' -> array();
                case '"' -> string();
                case 't' -> word("true", true);
                case 'f' -> word("false", false);
                case 'n' -> word("null", null);
                default -> number();
            };
        }

        private Map<String, Object> object() {
            Map<String, Object> members = new LinkedHashMap<>();
            enter();
            if (!closes('}')) {
                do {
                    skipBlanks();
                    if (peek() != '"') throw expected("a name in quotes");
                    String name = string();
                    skipBlanks();
                    if (next() != ':') throw expectedBefore("a colon");
                    members.put(name, value());
                } while (continues('}'));
            }
            depth--;
            return members;
        }

        private List<Object> array() {
            List<Object> items = new ArrayList<>();
            enter();
            if (!closes(']')) {
                do items.add(value()); while (continues(']'));
            }
            depth--;
            return items;
        }

        private void enter() {
            if (++depth > DEPTH) throw expected("at most " + DEPTH + " levels");
            at++;
        }

        private boolean closes(char end) {
            skipBlanks();
            if (peek() != end) return false;
            at++;
            return true;
        }

        private boolean continues(char end) {
            skipBlanks();
            char c = next();
            if (c != ',' && c != end) throw expectedBefore("a comma or " + end);
            return c == ',';
        }

        private String string() {
            int start = ++at;
            while (peek() != '"' && peek() != '\\' && peek() >= ' ') at++;
            if (peek() == '"') return text.substring(start, at++);            // most strings have no escapes
            StringBuilder result = new StringBuilder(text.substring(start, at));
            while (true) {
                char c = next();
                if (c == '"') return result.toString();
                if (c < ' ') throw expectedBefore("no control character in a string");
                result.append(c == '\\' ? escape() : c);
            }
        }

        private char escape() {
            char c = next();
            if (c == 'u') {
                if (at + 4 > text.length()) throw expected("four hex digits");
                try {
                    char unit = (char) HexFormat.fromHexDigits(text, at, at + 4);
                    at += 4;
                    return unit;
                } catch (NumberFormatException e) {
                    throw expected("four hex digits");
                }
            }
            int known = "\"\\/bfnrt".indexOf(c);
            if (known < 0) throw expectedBefore("an escape that JSON knows");
            return "\"\\/\b\f\n\r\t".charAt(known);
        }

        private Object word(String word, Object value) {
            if (!text.startsWith(word, at)) throw expected("a value");
            at += word.length();
            return value;
        }

        private Object number() {
            Matcher number = NUMBER.matcher(text).region(at, text.length());
            if (!number.lookingAt()) throw expected("a value");
            at = number.end();
            String digits = number.group();
            boolean whole = number.group(1) == null && number.group(2) == null;
            return whole && digits.length() <= 18 ? (Object) Long.valueOf(digits) : new BigDecimal(digits);
        }

        private static final Pattern NUMBER =
            Pattern.compile("-?(?:0|[1-9][0-9]{0,308})(\\.[0-9]{1,308})?([eE][+-]?[0-9]{1,3})?");

        private void skipBlanks() {
            while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) at++;
        }

        private char peek() {
            return at < text.length() ? text.charAt(at) : 0;
        }

        private char next() {
            if (at >= text.length()) throw expected("more text");
            return text.charAt(at++);
        }

        private IllegalArgumentException expectedBefore(String what) {
            at--;
            return expected(what);
        }

        private IllegalArgumentException expected(String what) {
            return new IllegalArgumentException("not JSON: expected " + what + " at character " + (at + 1));
        }

        /**
         * The text of a value made of maps, lists, numbers, booleans and nulls; anything else is a string.
         */
        static String write(Object value) {
            StringBuilder out = new StringBuilder();
            write(value, out);
            return out.toString();
        }

        private static void write(Object value, StringBuilder out) {
            switch (value) {
                case Map<?, ?> object -> {
                    String separator = "{";
                    for (Map.Entry<?, ?> member : object.entrySet()) {
                        quote(member.getKey().toString(), out.append(separator));
                        write(member.getValue(), out.append(':'));
                        separator = ",";
                    }
                    out.append(object.isEmpty() ? "{}" : "}");
                }
                case Collection<?> items -> {
                    String separator = "[";
                    for (Object item : items) {
                        write(item, out.append(separator));
                        separator = ",";
                    }
                    out.append(items.isEmpty() ? "[]" : "]");
                }
                case null -> out.append("null");
                case Number number -> out.append(number);
                case Boolean truth -> out.append(truth);
                default -> quote(value.toString(), out);
            }
        }

        private static void quote(String string, StringBuilder out) {
            out.append('"');
            for (int i = 0; i < string.length(); i++) {
                char c = string.charAt(i);
                boolean hidden = c < ' ' || c == 0x7F || Character.isSurrogate(c);
                if (c == '"' || c == '\\') out.append('\\').append(c);
                else if (hidden) out.append("\\u%04x".formatted((int) c));
                else out.append(c);
            }
            out.append('"');
        }
    }
    // <<< shared: Json

    // >>> shared: Entry
    /**
     * A backend as a registry holds it, checked: an Entry that breaks a rule cannot exist. {@code url} and
     * {@code prefix} have no slash at their end, so the prefix of everything is the empty text; {@code ttlMs}
     * of 0 means that it does not expire; an empty {@code healthPath} means the default one.
     */
    record Entry(String name, String url, String token, String prefix, String healthPath, int weight,
                 long ttlMs) {
        private static final Pattern NAME = Pattern.compile("(?!\\.{1,2}$)[A-Za-z0-9._-]{1,64}");
        private static final Pattern URL = Pattern.compile(
            "https?://(\\[[0-9A-Fa-f:.]{2,45}]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?(/[!-~&&[^?#\\\\]]*)?");
        private static final Pattern SEGMENTS =
            Pattern.compile("(/(?!\\.{1,2}(/|$))[A-Za-z0-9._~!$&'()*+,;=:@-]++)*+");
        private static final Pattern TOKEN = Pattern.compile("[ -~]{0,8192}");
        private static final Pattern HEALTH_PATH =
            Pattern.compile("(/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*+)?");

        /** Throws IllegalArgumentException whose message begins with the name of the field that is wrong. */
        Entry {
            require(NAME.matcher(name).matches(),
                "name must be 1 to 64 of the characters A-Z a-z 0-9 . _ -, and not . or ..");
            require(url.length() <= 2048 && URL.matcher(url).matches(),
                "url must be http:// or https:// with a host, and no user, query or fragment");
            require(hasHost(url), "url must have an IP address or a host that Java's HTTP client can reach"
                + " (over https that is none with an underscore)");
            url = withoutLastSlash(url);
            int port = portOf(url);
            require(port > 0 && port < 65536, "url must have a port from 1 to 65535");
            require(SEGMENTS.matcher(url.substring(hostEnd(url))).matches(),
                "url must have a path of clean segments, without . or .. or %");
            require(isToken(token), "token must be at most 8192 characters of printable ASCII");
            prefix = withoutLastSlash(prefix.startsWith("/") || prefix.isEmpty() ? prefix : "/" + prefix);
            require(prefix.length() <= 256 && SEGMENTS.matcher(prefix).matches(),
                "prefix must be clean path segments such as /api or /api/v2");
            require(!(prefix + "/").startsWith("/gateway/"), "prefix /gateway belongs to the gateway itself");
            require(healthPath.length() <= 1024 && HEALTH_PATH.matcher(healthPath).matches(),
                "healthPath must begin with / and be a path that a url can have, such as /health?full=1");
            require(weight >= 1 && weight <= 100, "weight must be a whole number from 1 to 100");
            require(ttlMs == 0 || ttlMs >= 1000, "ttlMs must be 0 (never expires) or at least 1000");
        }

        /**
         * The entry in a registry's {@code data}. The name may be missing there, but not differ from the key.
         */
        static Entry of(String key, Map<?, ?> data) {
            Object name = data.get("name") == null ? key : data.get("name");
            require(key.equals(name), "name must be the same as the key");
            Entry entry = new Entry(key, text(data, "url"), text(data, "token"), text(data, "prefix"),
                text(data, "healthPath"), (int) number(data, "weight", 1), number(data, "ttlMs", 0));
            require(!text(data, "prefix").isEmpty(), "prefix must be there (/ takes everything)");
            return entry;
        }

        /** The entry as a registry's {@code data}: what {@link #of} reads. */
        Map<String, Object> data() {
            Map<String, Object> data = new LinkedHashMap<>();
            data.put("name", name);
            data.put("url", url);
            data.put("token", token);
            data.put("prefix", prefix.isEmpty() ? "/" : prefix);
            if (!healthPath.isEmpty()) data.put("healthPath", healthPath);
            if (weight != 1) data.put("weight", weight);
            if (ttlMs != 0) data.put("ttlMs", ttlMs);
            return data;
        }

        /** Without the token, so that no log line and no exception can carry it. */
        @Override
        public String toString() {
            return name + " at " + url + " for " + (prefix.isEmpty() ? "/" : prefix);
        }

        /** Whether a header can carry the token. HttpClient refuses others in a message that shows them. */
        static boolean isToken(String token) {
            return TOKEN.matcher(token).matches();
        }

        /**
         * Whether HttpClient will take the url: URI finds no host in 1.2.3, nor, unless looked up, in my_api.
         */
        private static boolean hasHost(String url) {
            String place = url.substring(0, hostEnd(url));
            if (!url.startsWith("https")) place = place.replace('_', '-');     // looked up before HttpClient
            try {
                return URI.create(place).getHost() != null;
            } catch (IllegalArgumentException e) {
                return false;
            }
        }

        /** Where the authority of an http(s) url ends and its path begins. */
        private static int hostEnd(String url) {
            int slash = url.indexOf('/', url.indexOf("//") + 2);
            return slash < 0 ? url.length() : slash;
        }

        private static int portOf(String url) {
            String authority = url.substring(url.indexOf("//") + 2, hostEnd(url));
            int colon = authority.lastIndexOf(':');
            if (colon <= authority.lastIndexOf(']')) return url.startsWith("https") ? 443 : 80;
            return Integer.parseInt(authority.substring(colon + 1));
        }

        private static String withoutLastSlash(String path) {
            return path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        }

        private static String text(Map<?, ?> data, String field) {
            Object value = data.get(field);
            require(value == null || value instanceof String, field + " must be a text");
            return value == null ? "" : (String) value;
        }

        private static long number(Map<?, ?> data, String field, long fallback) {
            Object value = data.get(field);
            require(value == null || value instanceof Long n && n >= 0 && n <= Integer.MAX_VALUE,
                field + " must be a whole number from 0 to " + Integer.MAX_VALUE);
            return value == null ? fallback : (Long) value;
        }

        private static void require(boolean holds, String rule) {
            if (!holds) throw new IllegalArgumentException(rule);
        }
    }
    // <<< shared: Entry

    // >>> shared: TokenCipher
    /**
     * Keeps a backend's token unreadable in the registry. v1, as older clients write it: base64 of salt (16
     * bytes), iv (12 bytes), AES-256-GCM ciphertext and tag, under a key by PBKDF2-HMAC-SHA256 with 100,000
     * rounds. v2, the default: "v2." and the same, with 600,000 rounds (OWASP's figure for this function) and
     * the entry's name, url and prefix as associated data, so that a token copied into another entry does not
     * open.
     */
    static final class TokenCipher {
        private static final int SALT = 16;
        private static final int IV = 12;
        private static final int TAG = 16;
        private static final int MOST_KEYS = 10_000;

        private final List<String> secrets;
        private final Map<String, SecretKeySpec> keys = new ConcurrentHashMap<>();  // one takes 0.1 to 1 s
        private final SecureRandom random = new SecureRandom();

        /** The first secret seals; all of them open, so that a new one can be brought in without a gap. */
        TokenCipher(List<String> secrets) {
            this.secrets = List.copyOf(secrets);
        }

        /**
         * The salt of all who share a registry's key: a gateway then derives one key for all its backends.
         */
        static byte[] sharedSalt(String apiKey) {
            return Arrays.copyOf(hmac(apiKey, "token-salt"), SALT);
        }

        /** The secret where ENCRYPTION_KEY is not set. */
        static String secretFrom(String apiKey) {
            return HexFormat.of().formatHex(hmac(apiKey, "encryption-key"));
        }

        /** What ties a v2 token to its entry. None of the three can hold a line feed. */
        static String binding(String name, String url, String prefix) {
            return name + "\n" + url + "\n" + prefix;
        }

        /** Seals a token as v2. */
        String seal(String token, byte[] salt, String binding) {
            return "v2." + seal(token, salt, 600_000, binding);
        }

        /** Seals a token as v1, for gateways that know no other. */
        String sealV1(String token, byte[] salt) {
            return seal(token, salt, 100_000, "");
        }

        private String seal(String token, byte[] salt, int rounds, String binding) {
            byte[] iv = new byte[IV];
            random.nextBytes(iv);
            try {
                SecretKeySpec key = key(secrets.getFirst(), salt, rounds);
                Cipher cipher = cipher(Cipher.ENCRYPT_MODE, key, iv, binding);
                byte[] sealed = cipher.doFinal(token.getBytes(StandardCharsets.UTF_8));
                ByteBuffer all = ByteBuffer.allocate(SALT + IV + sealed.length).put(salt).put(iv).put(sealed);
                return Base64.getEncoder().encodeToString(all.array());
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("this Java lacks AES-GCM or PBKDF2", e);
            }
        }

        /**
         * Whether a value can be the work of {@link #seal} or {@link #sealV1}. What cannot is a plain-text
         * token; hex digits alone are one too, for no 60 characters of base64 are that by chance.
         */
        static boolean isSealed(String value) {
            if (value.startsWith("v2.")) return value.indexOf('.', 3) < 0;      // else it is a PASETO token
            byte[] bytes = decode(value);
            return bytes != null && bytes.length >= SALT + IV + TAG && !value.matches("[0-9A-Fa-f]+");
        }

        /** The token in a sealed value. Throws GeneralSecurityException where no secret opens it. */
        String open(String value, String binding) throws GeneralSecurityException {
            boolean v2 = value.startsWith("v2.");
            byte[] bytes = decode(v2 ? value.substring(3) : value);
            if (bytes == null || bytes.length < SALT + IV + TAG) {
                throw new GeneralSecurityException("it is cut short or not base64");
            }
            byte[] salt = Arrays.copyOf(bytes, SALT);
            byte[] iv = Arrays.copyOfRange(bytes, SALT, SALT + IV);
            for (String secret : secrets) {
                SecretKeySpec key = key(secret, salt, v2 ? 600_000 : 100_000);
                try {
                    Cipher cipher = cipher(Cipher.DECRYPT_MODE, key, iv, v2 ? binding : "");
                    return new String(cipher.doFinal(bytes, SALT + IV, bytes.length - SALT - IV),
                        StandardCharsets.UTF_8);
                } catch (AEADBadTagException e) {
                    // Not this secret's work: the next one may open it.
                }
            }
            throw new GeneralSecurityException("no key opens it: ENCRYPTION_KEY or the entry was changed");
        }

        private SecretKeySpec key(String secret, byte[] salt, int rounds) throws GeneralSecurityException {
            String id = rounds + HexFormat.of().formatHex(salt) + secret;
            SecretKeySpec known = keys.get(id);
            if (known != null) return known;
            PBEKeySpec spec = new PBEKeySpec(secret.toCharArray(), salt, rounds, 256);
            SecretKeyFactory factory = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256");
            byte[] bits = factory.generateSecret(spec).getEncoded();
            if (keys.size() >= MOST_KEYS) keys.clear();      // a flood of salts must not fill the memory
            SecretKeySpec key = new SecretKeySpec(bits, "AES");
            keys.put(id, key);
            return key;
        }

        private static Cipher cipher(int mode, SecretKeySpec key, byte[] iv, String binding)
                throws GeneralSecurityException {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(mode, key, new GCMParameterSpec(TAG * 8, iv));
            cipher.updateAAD(binding.getBytes(StandardCharsets.UTF_8));
            return cipher;
        }

        private static byte[] decode(String value) {
            try {
                return Base64.getDecoder().decode(value);
            } catch (IllegalArgumentException e) {
                return null;
            }
        }

        /**
         * Eight hex digits by which two who know the registry's key can tell that they hold the same token.
         */
        static String fingerprint(String apiKey, String token) {
            return HexFormat.of().formatHex(hmac("fingerprint of " + apiKey, token), 0, 4);
        }

        private static byte[] hmac(String key, String message) {
            try {
                Mac mac = Mac.getInstance("HmacSHA256");
                mac.init(new SecretKeySpec(key.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
                return mac.doFinal(message.getBytes(StandardCharsets.UTF_8));
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("this Java lacks HMAC-SHA256", e);
            }
        }
    }
    // <<< shared: TokenCipher

    // >>> shared: Reply
    /** An HTTP answer, read whole. */
    record Reply(int status, HttpHeaders headers, String body) {
        /**
         * Sends a request and reads its answer, within a size and a time that includes the body: HttpClient's
         * own timeout ends with the headers. An IOException's message says what is wrong, for users; its
         * cause is the fault itself.
         */
        static Reply to(HttpRequest request, HttpClient client, int mostBytes, Duration time)
                throws IOException, InterruptedException {
            return within(time, () -> {
                HttpResponse<InputStream> response = client.send(request, BodyHandlers.ofInputStream());
                return new Reply(response.statusCode(), response.headers(), read(response, mostBytes));
            });
        }

        /**
         * A refusal counts without its body, too. Some come with trailers, as etcd's do, and newer updates of
         * Java 21 and 25 give up on those.
         */
        private static String read(HttpResponse<InputStream> response, int mostBytes) throws IOException {
            try (InputStream body = response.body()) {
                byte[] bytes = body.readNBytes(mostBytes + 1);
                if (bytes.length > mostBytes) throw new IOException("its answer is too long");
                return new String(bytes, StandardCharsets.UTF_8);
            } catch (IOException e) {
                if (response.statusCode() < 400) throw e;
                return "";
            }
        }

        /** Does the work in a thread of its own, which is given up when the time is over. */
        static <T> T within(Duration time, Callable<T> work) throws IOException, InterruptedException {
            FutureTask<T> task = new FutureTask<>(work);
            Thread worker = Thread.ofPlatform().daemon().name("http call").start(task);
            try {
                return task.get(time.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                throw new IOException("it does not answer in time", e);
            } catch (ExecutionException e) {
                throw new IOException(why(e.getCause()), e.getCause());
            } finally {
                worker.interrupt();                             // closes the connection it still waits for
            }
        }

        private static String why(Throwable fault) {
            if (has(fault, UnresolvedAddressException.class)) return "its host name is not known";
            if (has(fault, HttpTimeoutException.class)) return "it does not answer in time";
            if (has(fault, CertPathBuilderException.class)) return "this Java does not trust its certificate";
            if (has(fault, CertificateException.class)) return "its certificate is expired or not its own";
            if (has(fault, SSLException.class)) return "there is no TLS, or none that this Java speaks";
            if (has(fault, ConnectException.class)) return "nothing listens there";
            boolean ours = fault.getClass() == IOException.class && fault.getCause() == null;
            return ours ? fault.getMessage() : "it breaks off or does not speak HTTP";
        }

        private static boolean has(Throwable fault, Class<? extends Throwable> kind) {
            return fault != null && (kind.isInstance(fault) || has(fault.getCause(), kind));
        }
    }
    // <<< shared: Reply

    // >>> shared: Etcd
    /**
     * etcd, by the JSON form of its v3 API: keys and values go as base64, numbers as text. One member is
     * asked; where it is dead, the next one, which is then asked first. The messages of its IOExceptions are
     * fit for users; a {@link Refused} is etcd's own no, any other means that no member could answer.
     */
    static final class Etcd {
        /** The beginning of every backend's key; the name follows, and the value is {"data","metadata"}. */
        static final String FOLDER = "/backend-gateway/backends/";

        /** A key with its value; in a watch, null stands for a key that is gone. */
        record Item(String key, String value) {}

        /** What was there at a revision. */
        record Snapshot(long revision, List<Item> items) {}

        /** etcd understood, and does not want to. */
        static final class Refused extends IOException {
            private static final long serialVersionUID = 1;

            Refused(String message) {
                super(message);
            }
        }

        static final Pattern URL =
            Pattern.compile("etcd(s?)://(?:([^:@/]+)(?::([^@/]*))?@)?([^@/]+)/?");
        private static final Pattern MEMBER =
            Pattern.compile("(\\[[0-9A-Fa-f:.]+]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?");
        private static final String NONSENSE = "it does not answer as etcd does";
        private static final Duration TIME = Duration.ofSeconds(5);
        private static final int MOST_BYTES = 16 << 20;
        private static final int PAGE = 250;                    // largest entries: 3 MB, below gRPC's 4 MB

        private final List<String> members = new ArrayList<>();
        private final AtomicInteger turn = new AtomicInteger();
        private final String user;
        private final String password;
        private volatile String token = "";                     // empty until etcd asks who we are
        private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(2)).build();

        /**
         * A client for {@code etcd://user:password@host:2379,host:2379}, or etcds:// for TLS. User and
         * password may come beside the url; in it they go first. Throws IllegalArgumentException where the
         * url is none of these.
         */
        Etcd(String url, String user, String password) {
            Matcher parts = URL.matcher(url);
            if (!parts.matches()) throw new IllegalArgumentException("not an etcd:// url");
            for (String member : parts.group(4).split(",")) {
                Matcher host = MEMBER.matcher(member);
                if (!host.matches()) throw new IllegalArgumentException("not an etcd:// url");
                String port = host.group(2) == null ? ":2379" : "";
                members.add("http" + parts.group(1) + "://" + member + port);
            }
            this.user = parts.group(2) == null ? user : decode(parts.group(2));
            this.password = parts.group(2) == null ? password : decode(parts.group(3));
        }

        private static String decode(String text) {
            return text == null ? "" : URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        }

        /** A new lease, which ends with all its keys after that time without a {@link #keepAlive}. */
        long grant(long ttlSeconds) throws IOException, InterruptedException {
            return number(call("lease/grant", Map.of("TTL", ttlSeconds)), "ID");
        }

        /** Begins a lease's time anew. False: there is no such lease any more. */
        boolean keepAlive(long lease) throws IOException, InterruptedException {
            return number(object(call("lease/keepalive", Map.of("ID", lease)), "result"), "TTL") > 0;
        }

        /** Ends a lease, and with it its keys. */
        void revoke(long lease) throws IOException, InterruptedException {
            call("lease/revoke", Map.of("ID", lease));
        }

        /** Writes a key; it lives as long as the lease, for ever if that is 0. */
        void put(String key, String value, long lease) throws IOException, InterruptedException {
            call("kv/put", Map.of("key", base64(key), "value", base64(value), "lease", lease));
        }

        /** Deletes a key. False where there was none. */
        boolean delete(String key) throws IOException, InterruptedException {
            return number(call("kv/deleterange", Map.of("key", base64(key))), "deleted") > 0;
        }

        /** The key's value, or null. */
        String get(String key) throws IOException, InterruptedException {
            List<Item> found = items(call("kv/range", Map.of("key", base64(key))).get("kvs"));
            return found.isEmpty() ? null : found.getFirst().value();
        }

        /** All keys with that beginning, page by page, yet as they were at one revision. */
        Snapshot range(String prefix) throws IOException, InterruptedException {
            List<Item> items = new ArrayList<>();
            long revision = 0;
            String from = prefix;
            while (true) {
                Map<?, ?> page = call("kv/range", Map.of("key", base64(from),
                    "range_end", base64(end(prefix)), "limit", PAGE, "revision", revision));
                if (revision == 0) revision = number(object(page, "header"), "revision");
                items.addAll(items(page.get("kvs")));
                if (!Boolean.TRUE.equals(page.get("more"))) return new Snapshot(revision, items);
                from = items.getLast().key() + "\0";
            }
        }

        /** The first key after all that begin with the prefix, whose last character is ASCII. */
        private static String end(String prefix) {
            int last = prefix.length() - 1;
            return prefix.substring(0, last) + (char) (prefix.charAt(last) + 1);
        }

        /**
         * Tells each change under a prefix, from a revision on: that of a {@link Snapshot}, plus one. When it
         * is told to stop (by false), or nothing was heard for so long that the connection may be dead, it
         * returns the revision to watch from next. It throws when the watch breaks, or etcd no longer has
         * that revision: then range again.
         */
        long watch(String prefix, long revision, Duration patience, Predicate<List<Item>> changes)
                throws IOException, InterruptedException {
            int at = turn.get();
            try (InputStream stream = open(at, prefix, revision)) {
                return follow(stream, revision, patience, changes);
            } catch (IOException e) {
                turn.compareAndSet(at, at + 1);
                throw e;
            }
        }

        private InputStream open(int at, String prefix, long revision)
                throws IOException, InterruptedException {
            HttpRequest request = request(at, "watch", Map.of("create_request", Map.of("key", base64(prefix),
                "range_end", base64(end(prefix)), "start_revision", revision)))
                .header("Grpc-Metadata-hasleader", "true")      // a member that is cut off must say so
                .build();
            HttpResponse<InputStream> response =
                Reply.within(TIME, () -> client.send(request, BodyHandlers.ofInputStream()));
            if (response.statusCode() == 200) return new BufferedInputStream(response.body());
            response.body().close();
            throw new IOException("it refuses the watch with status " + response.statusCode());
        }

        private long follow(InputStream stream, long revision, Duration patience,
                            Predicate<List<Item>> changes) throws IOException, InterruptedException {
            long next = revision;
            try {
                while (true) {
                    List<Item> items = new ArrayList<>();
                    next = read(Reply.within(patience, () -> readLine(stream)), next, items);
                    if (!items.isEmpty() && !changes.test(items)) return next;
                }
            } catch (IOException e) {
                if (e.getCause() instanceof TimeoutException) return next;
                throw e;
            }
        }

        private static String readLine(InputStream stream) throws IOException {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            for (int next = stream.read(); next != '\n'; next = stream.read()) {
                if (next < 0) throw new IOException("it ended the watch");
                if (line.size() == MOST_BYTES) throw new IOException("its answer is too long");
                line.write(next);
            }
            return line.toString(StandardCharsets.UTF_8);
        }

        /** Takes the changes out of one message of a watch. Returns the revision after it. */
        private static long read(String message, long next, List<Item> items) throws IOException {
            Map<?, ?> result = object(parse(message), "result");
            if (result.isEmpty() || Boolean.TRUE.equals(result.get("canceled"))) {
                throw new IOException("it ended the watch");    // compacted, no leader, or the token ran out
            }
            if (!(result.get("events") instanceof List<?> events)) return next;
            for (Object event : events) {
                Map<?, ?> pair = object(event, "kv");
                Item item = item(pair);
                boolean gone = object(event).get("type") instanceof String type && type.equals("DELETE");
                items.add(gone ? new Item(item.key(), null) : item);
                next = Math.max(next, number(pair, "mod_revision") + 1);
            }
            return next;
        }

        /** One more try than there are members: a kept connection may have died since it was used last. */
        private Map<?, ?> call(String path, Map<String, ?> body) throws IOException, InterruptedException {
            for (int tries = 0;; tries++) {
                int at = turn.get();
                try {
                    return ask(at, path, body);
                } catch (Refused e) {
                    throw e;
                } catch (IOException e) {
                    turn.compareAndSet(at, at + 1);             // unless another caller has moved on already
                    if (tries == members.size()) throw e;
                }
            }
        }

        /** Signs in when it is told to, by 400 without a token or by 401 with one that ran out. */
        private Map<?, ?> ask(int at, String path, Map<String, ?> body)
                throws IOException, InterruptedException {
            Reply reply = send(at, path, body);
            if (!user.isEmpty() && (reply.status() == 400 || reply.status() == 401)) {
                token = "";
                Map<String, ?> who = Map.of("name", user, "password", password);
                token = String.valueOf(result(send(at, "auth/authenticate", who)).get("token"));
                reply = send(at, path, body);
            }
            return result(reply);
        }

        private Reply send(int at, String path, Map<String, ?> body)
                throws IOException, InterruptedException {
            return Reply.to(request(at, path, body).build(), client, MOST_BYTES, TIME);
        }

        private HttpRequest.Builder request(int at, String path, Map<String, ?> body) {
            String member = members.get(Math.floorMod(at, members.size()));
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(member + "/v3/" + path))
                .POST(BodyPublishers.ofString(Json.write(body)));
            String known = token;
            return known.isEmpty() ? request : request.header("Authorization", known);
        }

        private static Map<?, ?> result(Reply reply) throws IOException {
            if (reply.status() == 200) return parse(reply.body());
            Object said = reply.body().startsWith("{") ? parse(reply.body()).get("message") : null;
            String message = said == null ? "status " + reply.status() : said.toString();
            if (reply.status() >= 500) throw new IOException(message);      // no leader: ask another
            throw new Refused(message);
        }

        private static Map<?, ?> parse(String text) throws IOException {
            try {
                return Json.parseObject(text);
            } catch (IllegalArgumentException e) {
                throw new IOException(NONSENSE, e);
            }
        }

        private static List<Item> items(Object pairs) throws IOException {
            List<Item> items = new ArrayList<>();
            if (!(pairs instanceof List<?> list)) return items;
            for (Object pair : list) items.add(item(object(pair)));
            return items;
        }

        private static Item item(Map<?, ?> pair) throws IOException {
            return new Item(text(pair, "key"), text(pair, "value"));
        }

        private static String text(Map<?, ?> pair, String member) throws IOException {
            try {
                Object value = pair.get(member);                // what is empty is left out
                byte[] bytes = Base64.getDecoder().decode(value == null ? "" : value.toString());
                return new String(bytes, StandardCharsets.UTF_8);
            } catch (IllegalArgumentException e) {
                throw new IOException(NONSENSE, e);
            }
        }

        private static String base64(String text) {
            return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
        }

        private static Map<?, ?> object(Object parent, String member) {
            return object(object(parent).get(member));
        }

        private static Map<?, ?> object(Object value) {
            return value instanceof Map<?, ?> object ? object : Map.of();
        }

        private static long number(Map<?, ?> object, String member) throws IOException {
            try {
                Object value = object.get(member);              // what is 0 is left out
                return value == null ? 0 : Long.parseLong(value.toString());
            } catch (NumberFormatException e) {
                throw new IOException(NONSENSE, e);
            }
        }

        /** The url without user and password. */
        @Override
        public String toString() {
            String hosts = String.join(",", members).replaceAll("https?://", "");
            return (members.getFirst().startsWith("https") ? "etcds://" : "etcd://") + hosts;
        }
    }
    // <<< shared: Etcd

    // ---- The page ----------------------------------------------------------------------------------
    // Static: its data come by fetch, and enter it as text.

    /** The page /gateway/. */
    static final class Dashboard {
        private Dashboard() {}

        private static void answer(Inbound in) throws IOException {
            in.exchange.getResponseHeaders().set("Content-Security-Policy", POLICY);
            in.answer(200, "text/html; charset=utf-8", PAGE.getBytes(StandardCharsets.UTF_8), true);
        }

        private static final String PAGE = """
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gateway</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E
%3Cpath fill='none' stroke='%233b6fe0' d='M1 4h6M4 4l3-2.5M4 4l3 2.5'/%3E%3C/svg%3E">
<style>
:root { --page: #f5f6f8; --card: #fff; --line: #e2e6eb; --text: #18202c; --quiet: #586273; --blue: #2a5bd0;
  --amber: #8f5600; --good: #12704a; --bad: #b3202a; --tint: #fdf2f2; color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  :root { --page: #0e1217; --card: #161b22; --line: #2a323d; --text: #e3e8ef; --quiet: #9ba7b6;
    --blue: #82acff; --amber: #e3b04b; --good: #55c894; --bad: #ff8d87; --tint: #261a1e; }
}
* { box-sizing: border-box; margin: 0; overflow-wrap: anywhere; }
[hidden] { display: none !important; }
:focus-visible { outline: 2px solid var(--blue); outline-offset: 2px; }
body { margin: 0 auto; max-width: 1600px; padding: 20px 24px 40px; background: var(--page);
  color: var(--text); font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  font-variant-numeric: tabular-nums; }
h1 { font-size: 20px; }
h2 { font-size: 15px; padding: 13px 16px 9px; }
small, .quiet, dt, dd ~ dd, thead th { color: var(--quiet); font-size: 12px; font-weight: 400; }
small { display: block; }
code { font: 12px/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
input, button { font: inherit; color: inherit; background: var(--card); border: 1px solid #7c8796;
  border-radius: 7px; padding: 6px 10px; min-width: 0; }
header, footer, form { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; }
header { margin-bottom: 16px; }
footer { justify-content: space-between; }
form { padding: 0 16px 8px; } #token { flex: 1; }
a { color: var(--blue); padding: 4px; }
#news { flex: 1 1 200px; } #news:empty { flex-basis: 0; }
#tools { display: contents; } #filter { flex: 0 1 280px; }
.state { display: inline-flex; gap: 7px; align-items: center; font-weight: 600; white-space: nowrap; }
.state::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: currentColor; }
.state.bad::before { border-radius: 1px; transform: rotate(45deg); }
#live.good::before { animation: beat 2s infinite; }
@keyframes beat { 50% { opacity: .35; } }
@media (prefers-reduced-motion: reduce) { #live.good::before { animation: none; } }
.good { color: var(--good); } .bad, dd.bad { color: var(--bad); } .warn { color: var(--amber); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin-bottom: 16px; }
.card > p { padding: 4px 16px 13px; }
#notice { padding: 12px 16px; border-left: 4px solid var(--bad); }
#door { max-width: 480px; }
.old { filter: grayscale(1); }
.tiles { display: grid; grid-template-columns: 2fr repeat(6, 1fr); gap: 1px; margin-bottom: 16px;
  overflow: hidden; background: var(--line); border: 1px solid var(--line); border-radius: 10px; }
.tiles div { position: relative; background: var(--card); padding: 12px 16px; }
.tiles svg { position: absolute; right: 16px; bottom: 12px; width: 50%; height: 50px; }
dt + dd { font-size: 22px; line-height: 1.3; font-weight: 600; }
.pair { display: grid; gap: 0 16px; align-items: start;
  grid-template-columns: minmax(0, 5fr) minmax(0, 3fr); }
table { width: 100%; border-collapse: collapse; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { text-align: left; vertical-align: top; padding: 8px; font-weight: 400; }
th:first-child { padding-left: 16px; } td:last-child, th:last-child { padding-right: 16px; }
thead th { padding-block: 4px; white-space: nowrap; } .wide { width: 40%; }
tbody tr { border-top: 1px solid var(--line); }
.down { background: var(--tint); box-shadow: inset 3px 0 var(--bad); }
.number { text-align: right; }
.number, .drawn, .cause, time { white-space: nowrap; }
.drawn { display: flex; gap: 2px 10px; align-items: center; }
svg { display: block; flex: none; overflow: visible; }
path { fill: none; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; }
b.p50 { color: var(--blue); display: inline-block; min-width: 56px; } path.p50 { stroke: var(--blue); }
b.p99 { color: var(--amber); } path.p99 { stroke: var(--amber); stroke-dasharray: 2 3; }
.area { fill: var(--blue); opacity: .12; } .rail { stroke: var(--line); stroke-width: 5; }
.bar { stroke: var(--blue); stroke-width: 5; }
@media (max-width: 1080px) {
  .tiles { grid-template-columns: repeat(3, 1fr); } .tiles div:first-child { grid-column: 1 / -1; }
  .pair { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 860px) {                               /* each row of a table becomes a card */
  body { padding: 14px 12px 32px; }
  #filter { flex-basis: 100%; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: 8px 16px;
    padding: 12px 16px; }
  tbody th, tbody td { padding: 0 !important; } tbody .number { text-align: left; }
  td[data-label]::before { content: attr(data-label); display: block; font-size: 12px;
    color: var(--quiet); }
  td:empty { display: none; }
  .whole { grid-column: 1 / -1; width: auto; } .drawn { flex-wrap: wrap; }
}
@media (max-width: 480px) { .tiles { grid-template-columns: repeat(2, 1fr); } }
</style>
</head>
<body>
<header>
  <h1>Gateway</h1> <span id="live" class="state">Connecting</span>
  <p id="news" class="quiet" role="status"></p>
  <div id="tools" hidden>
    <nav class="quiet" aria-label="Parts of this page"><a href="#backends">Backends</a>
      <a href="#failures">Failures</a> <a href="#routing">Routing</a></nav>
    <input id="filter" type="search" aria-label="Filter by name, prefix or state" autocomplete="off"
      placeholder="Filter by name, prefix or state" spellcheck="false">
  </div>
</header>
<main>
<noscript>This page draws itself by JavaScript. Without it, read /gateway/status and its sisters.</noscript>
<p id="notice" class="card" role="status" hidden></p>
<section id="door" class="card" aria-labelledby="h0" hidden>
  <h2 id="h0">This gateway asks for its ADMIN_TOKEN</h2>
  <form><input id="token" type="password" aria-label="ADMIN_TOKEN" autocomplete="off" required>
    <button>Open</button></form>
  <p id="refused" class="bad" role="status"></p>
  <p class="quiet">It is kept in this tab only, and forgotten when the tab closes.</p>
</section>
<div id="data" hidden>
<dl class="tiles">
  <div><dt>Requests per second</dt><dd id="rate"></dd><dd id="requests"></dd></div>
  <div><dt>Backends up</dt><dd id="up"></dd><dd id="down"></dd></div>
  <div><dt>Median latency</dt><dd id="p50"></dd><dd id="p99"></dd></div>
  <div><dt>Errors, last minute</dt><dd id="errors"></dd><dd id="errorShare"></dd></div>
  <div><dt>In flight</dt><dd id="inFlight"></dd><dd>being served now</dd></div>
  <div><dt>Age of the table</dt><dd id="age"></dd><dd id="registry"></dd></div>
  <div><dt>Uptime</dt><dd id="uptime"></dd><dd id="since"></dd></div>
</dl>
<section id="backends" class="card" aria-labelledby="h1"><h2 id="h1">Backends</h2></section>
<section id="skipped" class="card" aria-labelledby="h2"><h2 id="h2">Entries left out</h2></section>
<div class="pair">
<section id="failures" class="card" aria-labelledby="h3"><h2 id="h3">Recent failures</h2></section>
<section id="routing" class="card" aria-labelledby="h4"><h2 id="h4">Routing</h2></section>
</div>
</div>
</main>
<footer id="foot" hidden><p class="quiet">Share, latency and (+n) errors are of the last minute; totals count
  since this gateway started.</p><button id="forget" type="button" hidden>Forget the token</button></footer>
<script>
'use strict';
// What comes from outside enters as text: nothing here makes HTML of it.
const EVERY = 2000, SAMPLES = 31, LIMIT = 300;            // 31 samples, 2 seconds apart, span a minute
const $ = id => document.getElementById(id);

// ---- Words and numbers
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const count = n => n < 1e5 ? n.toLocaleString('en') : compact.format(n);
const speed = n => n === 0 || n >= 10 ? count(Math.round(n)) : n.toFixed(1);
const percent = part => part > 0 && part < .001 ? '<0.1 %' : +(part * 100).toFixed(part < .1 ? 1 : 0) + ' %';
const plural = (n, one) => count(n) + ' ' + one + (n === 1 ? '' : 's');
const clock = time => new Date(time).toLocaleTimeString([], { hourCycle: 'h23' });
const millis = ms => ms < 10 ? +ms.toFixed(1) + ' ms' : ms < 1000 ? Math.round(ms) + ' ms'
  : +(ms / 1000).toFixed(1) + ' s';
function span(seconds) {                                  // in its largest two units: 3 h 20 min
  const parts = [[86400, Infinity, ' d'], [3600, 24, ' h'], [60, 60, ' min'], [1, 60, ' s']]
    .map(([size, limit, unit]) => [Math.floor(Math.max(0, seconds) / size) % limit, unit]);
  const first = parts.findIndex(([n]) => n > 0);
  return first < 0 ? '0 s' : parts.slice(first, first + 2).filter(([n]) => n).map(p => p.join('')).join(' ');
}

// ---- Nodes. They change only where their content did: what is selected, focused or scrolled to stays.
function attribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}
function set(node, text, className) {
  if (node.textContent !== text) node.textContent = text;
  if (className !== undefined) attribute(node, 'class', className);
}
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const name in attributes) if (attributes[name]) node.setAttribute(name, attributes[name]);
  node.append(...children);
  return node;
}
const els = (...tags) => tags.map(tag => el(tag.split('.')[0], { class: tag.split('.')[1] }));
// The roles say what the tags do, because a table that is laid out as cards is no table to some readers.
const heading = (...children) => el('th', { scope: 'row', role: 'rowheader' }, ...children);
const cell = (label, className, ...children) =>
  el('td', { role: 'cell', 'data-label': label, class: className }, ...children);
function drawing(width, height, ...names) {               // what it shows stands beside it in words, too
  const make = tag => document.createElementNS('http://www.w3.org/2000/svg', tag), svg = make('svg');
  const attributes = { width, height, viewBox: '0 0 ' + width + ' ' + height, preserveAspectRatio: 'none' };
  for (const name in attributes) svg.setAttribute(name, attributes[name]);
  svg.setAttribute('aria-hidden', 'true');
  const paths = names.map(name => svg.appendChild(make('path')));
  paths.forEach((path, i) => path.setAttribute('class', names[i]));
  return [svg, ...paths];
}
function line(heights, width, height) {                   // of 0 to 1, the newest right; null: not measured
  const points = heights.map((value, i) => value === null ? '' :
    (width - (heights.length - 1 - i) * width / (SAMPLES - 2)).toFixed(1) + ' '
      + (height - 1 - value * (height - 2)).toFixed(1)).filter(point => point);
  return points.length ? 'M' + points.join('L') + (points.length === 1 ? 'h0' : '') : '';
}
// Puts a table into a section. The result shows a list of items in it, by key: the first LIMIT of them.
function table(section, caption, columns, create) {
  const body = el('tbody', { role: 'rowgroup' }), more = el('p', { class: 'quiet' }), rows = new Map();
  const titles = columns.map(title => el('th', { scope: 'col', role: 'columnheader',
    class: ['Requests/s', 'In flight', 'Errors'].includes(title) && 'number' }, title));
  const whole = el('table', { role: 'table' }, el('caption', {}, caption),
    el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, ...titles)), body);
  $(section).append(whole, more);
  return (items, none) => {
    const shown = items.slice(0, LIMIT), keys = new Set(shown.map(item => item.key));
    for (const [key, row] of rows) if (!keys.has(key)) { row.node.remove(); rows.delete(key); }
    let place = body.firstElementChild;
    for (const item of shown) {
      if (!rows.has(item.key)) {
        const { cells, update } = create();
        rows.set(item.key, { node: el('tr', { role: 'row' }, ...cells), update });
      }
      const { node, update } = rows.get(item.key);
      update(item, node);
      if (place && place.nextElementSibling === node) {   // one went from here: move that, and no other
        body.append(place);
        place = node;
      }
      if (node === place) place = place.nextElementSibling; else body.insertBefore(node, place);
    }
    const left = items.length - shown.length;
    set(more, left ? 'And ' + count(left) + ' more: filter to see them.' : items.length ? '' : none);
    more.hidden = !more.textContent;
    whole.hidden = !items.length;
  };
}

// ---- What the counters say: by their differences from one sample to the next
let bounds = [], totals = [], uptime = 0;
const histories = new Map();
const minus = (newer, older) => newer.map((n, i) => Math.max(0, n - (older[i] || 0)));
const errorsOf = b => b.statuses['5xx'] + b.failures;
const sampleOf = (b, at) => ({ at, requests: b.requests, errors: errorsOf(b), latency: b.latency });
function keep(samples, sample) {
  if (samples.length && sample.requests < samples.at(-1).requests) samples.length = 0;    // it began anew
  samples.push(sample);
  if (samples.length > SAMPLES) samples.shift();
}
function historyOf(b) {                                   // kept from when it is first shown
  if (!histories.has(b.name)) histories.set(b.name, [sampleOf(b, totals.at(-1).at)]);
  return histories.get(b.name);
}
function measure(status) {
  if (status.uptime < uptime) { totals = []; histories.clear(); }       // the gateway was started anew
  uptime = status.uptime;
  bounds = status.latencyBounds;
  const at = performance.now();
  const sum = { at, requests: status.requests, forwarded: 0, errors: 0, latency: [] };
  const present = new Set(status.backends.map(b => b.name));
  for (const name of histories.keys()) if (!present.has(name)) histories.delete(name);
  for (const b of status.backends) {
    sum.forwarded += b.requests;
    sum.errors += errorsOf(b);
    b.latency.forEach((n, i) => { sum.latency[i] = (sum.latency[i] || 0) + n; });
    if (histories.has(b.name)) keep(histories.get(b.name), sampleOf(b, at));
  }
  keep(totals, sum);
}
function lastMinute(samples) {                            // latency: since the start, if it had no requests
  const last = samples.at(-1), first = samples[0], requests = last.requests - first.requests;
  return { requests, errors: Math.max(0, last.errors - first.errors),
    latency: requests ? minus(last.latency, first.latency) : last.latency };
}
const between = (samples, f) => samples.slice(1).map((newer, i) => f(newer, samples[i]));
const rates = samples => between(samples, (newer, older) =>
  (newer.requests - older.requests) / Math.max(.1, (newer.at - older.at) / 1000));
function quantile(counts, q) {                            // null where nothing was counted
  let left = q * counts.reduce((sum, n) => sum + n, 0);
  if (left <= 0) return null;
  for (let i = 0; i < bounds.length; i++) {
    const low = i ? bounds[i - 1] : 0;
    if (left <= counts[i]) return low + (bounds[i] - low) * left / counts[i];
    left -= counts[i];
  }
  return bounds.at(-1);
}
function latency(counts, q) {
  const value = quantile(counts, q);
  return value === null ? '' : (value === bounds.at(-1) ? '>' : '') + millis(value);
}

// ---- The tables
const showBackends = table('backends', 'State, traffic, latency and errors of each; those down come first',
  ['Backend', 'State', 'Prefix', 'Requests/s', 'Share', 'In flight', 'Latency p50, p99', 'Errors'], () => {
  const [name, url, state, checked, reason, prefix, weight] =
    els('b', 'small', 'span', 'small', 'small.bad', 'code', 'small');
  const [rate, all, share, inFlight, p50, p99, since, errors, kinds] =
    els('span', 'small', 'span', 'span', 'b.p50', 'b.p99', 'small', 'span', 'small');
  const [shareDrawing, rail, bar] = drawing(56, 8, 'rail', 'bar');
  const [spark, upper, lower] = drawing(96, 24, 'p99', 'p50');
  const drawn = el('div', { class: 'drawn' }, spark, el('span', {}, p50, ' ', p99));
  rail.setAttribute('d', 'M3 4H53');
  const cells = [heading(name, url), cell('', '', state, checked, reason),
    cell('Prefix', '', prefix, weight), cell('Requests/s', 'number', rate, all),
    cell('Share', '', el('div', { class: 'drawn' }, shareDrawing, share)),
    cell('In flight', 'number', inFlight), cell('Latency p50, p99', '', drawn, since),
    cell('Errors', 'number', errors, kinds)];
  return { cells, update({ b, samples, now }, node) {
    const minute = lastMinute(samples), failing = b.consecutiveFailures, whole = totals.at(-1).forwarded;
    const forwarded = whole - totals.at(-samples.length).forwarded;
    const part = forwarded > 0 ? Math.min(1, minute.requests / forwarded) : b.requests / Math.max(1, whole);
    const steps = between(samples, (newer, older) => minus(newer.latency, older.latency));
    const highest = Math.max(10, ...steps.map(counts => quantile(counts, .99)));
    const curve = q => line(steps.map(counts => quantile(counts, q)).map(ms => ms === null ? null
      : Math.log1p(ms) / Math.log1p(highest)), 96, 24);   // by logarithm, or one slow answer flattens it all
    attribute(node, 'class', b.healthy ? '' : 'down');
    set(name, b.name); set(url, b.url);
    set(state, b.healthy ? 'Up' : 'Down', 'state ' + (b.healthy ? 'good' : 'bad'));
    set(checked, (failing ? plural(failing, 'failure') + ' in a row, ' : '') + (b.lastCheck === 'never'
      ? 'not checked yet' : 'checked ' + span((now - Date.parse(b.lastCheck)) / 1000) + ' ago'));
    set(reason, b.reason || '');
    set(prefix, b.normalized_prefix); set(weight, b.weight === 1 ? '' : 'weight ' + b.weight);
    set(rate, samples.length > 1 ? speed(rates(samples).at(-1)) : '0');
    set(all, count(b.requests) + ' in all');
    set(share, percent(part));
    attribute(bar, 'd', part > 0 ? 'M3 4H' + (3 + 50 * part).toFixed(1) : '');
    set(inFlight, count(b.inFlight));
    drawn.hidden = !b.requests;
    attribute(upper, 'd', curve(.99)); attribute(lower, 'd', curve(.5));
    set(p50, latency(minute.latency, .5)); set(p99, latency(minute.latency, .99));
    set(since, !b.requests ? 'no requests yet' : minute.requests ? '' : 'since the start');
    set(errors, count(errorsOf(b)) + (minute.errors ? ' (+' + count(minute.errors) + ')' : ''),
      minute.errors ? 'bad' : '');
    set(kinds, [['5xx', b.statuses['5xx']], ['failed', b.failures], ['4xx', b.statuses['4xx']]]
      .filter(([, n]) => n).map(([kind, n]) => kind + ' ' + count(n)).join(', '));
  } };
});
const showSkipped = table('skipped', 'Entries of the registry that are no backends', ['Entry', 'Why'], () => {
  const entry = el('b', {}), why = cell('', 'wide whole');
  return { cells: [heading(entry), why], update({ key, reason }) { set(entry, key); set(why, reason); } };
});
const showFailures = table('failures', 'Requests that the gateway had to answer itself, newest first',
  ['When', 'Cause', 'Request', 'Attempts'], () => {
  const [time, answer, cause, request, id] = els('time', 'span', 'small.bad', 'code', 'small');
  const attempts = cell('Attempts', 'whole');
  const cells = [heading(time), cell('', 'cause', answer, cause),
    cell('', 'wide whole', request, id), attempts];
  return { cells, update({ failure }) {
    set(time, clock(failure.time));
    attribute(time, 'datetime', failure.time);
    set(answer, failure.status + ' after ' + millis(failure.ms));
    set(cause, failure.cause);
    set(request, failure.method + ' ' + failure.path);
    set(id, failure.id);
    set(attempts, failure.attempts.join('; ') || failure.backend);
  } };
});
const showRouting = table('routing', 'Which backends serve which prefix', ['Prefix', 'Backends'], () => {
  const [prefix, names, example] = els('code', 'span', 'small');
  return { cells: [heading(prefix), cell('', 'whole', names, example)], update({ route }) {
    const first = route.backends.slice(0, 6), left = route.backends.length - first.length;
    set(prefix, route.prefix);
    set(names, first.join(', ') + (left ? ' and ' + count(left) + ' more' : ''));
    set(example, route.example);
  } };
});

// ---- One refresh
const order = new Intl.Collator('en', { numeric: true }).compare;
const [trend, area, curve] = drawing(180, 50, 'area', 'p50');
$('rate').after(trend);
let token = sessionStorage.getItem('token') || '', wasUp = new Map();
let last = null, lost = 0, timer = 0, busy = false;       // lost: since when it cannot be reached

async function read(page) {
  const answer = await fetch(location.pathname.replace(/[/]*$/, '/') + page, { cache: 'no-store',
    headers: token ? { Authorization: 'Bearer ' + token } : {}, signal: AbortSignal.timeout(5000) });
  const at = Date.parse(answer.headers.get('Date')) || Date.now();
  if (answer.ok) return { data: await answer.json(), at };
  const { message } = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(message || 'it answers ' + answer.status), { status: answer.status });
}
async function refresh() {
  if (busy) return;
  busy = true;
  clearTimeout(timer);
  const began = performance.now();
  try {
    const [status, routing, failures] = await Promise.all(['status', 'routing', 'failures'].map(read));
    last = { status: status.data, routing: routing.data, failures: failures.data, now: status.at };
    measure(last.status);
    show();
    tell(last.status);
  } catch (problem) {
    trouble(problem);
  }
  busy = false;                                           // a table that takes long is asked for more rarely
  const pause = Math.max(EVERY, performance.now() - began);
  if ($('door').hidden) timer = setTimeout(refresh, pause);
}
function show() {
  const { status, routing, failures, now } = last, minute = lastMinute(totals), speeds = rates(totals);
  const down = status.total - status.healthy, top = Math.max(1, ...speeds);
  const drawn = line(speeds.map(rate => rate / top), 180, 50);
  set($('rate'), speeds.length ? speed(speeds.at(-1)) : '0');
  set($('requests'), count(status.requests) + ' in all');
  attribute(curve, 'd', drawn);
  attribute(area, 'd', drawn && drawn + 'V50H' + drawn.slice(1).split(' ')[0] + 'Z');
  set($('up'), count(status.healthy) + ' of ' + count(status.total));
  set($('down'), down ? count(down) + ' down' : 'none down', down ? 'bad' : '');
  set($('p50'), latency(minute.latency, .5) || 'none');
  set($('p99'), totals.at(-1).forwarded ? 'p99 ' + latency(minute.latency, .99) : 'no requests yet');
  set($('errors'), count(minute.errors), minute.errors ? 'bad' : '');
  set($('errorShare'), percent(minute.errors / Math.max(1, minute.errors, minute.requests)) + ' of requests');
  set($('inFlight'), count(status.inFlight));
  set($('age'), status.cacheAge < 0 ? 'none yet' : span(status.cacheAge / 1000));
  set($('registry'), 'registry: ' + status.registry);
  set($('uptime'), span(status.uptime));
  set($('since'), 'since ' + new Date(now - status.uptime * 1000).toLocaleString('en',
    { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }));
  const wanted = $('filter').value.trim().toLowerCase();
  const fits = (...texts) => texts.some(text => text.toLowerCase().includes(wanted));
  showBackends(status.backends
    .filter(b => fits(b.name, b.url, b.normalized_prefix, b.healthy ? 'up' : 'down'))
    .sort((a, b) => a.healthy - b.healthy || order(a.name, b.name))
    .map((b, i) => ({ key: b.name, b, now, samples: i < LIMIT ? historyOf(b) : [] })),
    wanted ? 'No backend fits the filter.' : 'No backend is registered yet.');
  showSkipped(Object.entries(status.skipped).filter(([key]) => fits(key))
    .map(([key, reason]) => ({ key, reason })), 'None fits the filter.');
  $('skipped').hidden = !Object.keys(status.skipped).length;
  showFailures(failures.filter(f => fits(f.path, f.cause, f.backend, f.id))
    .map(failure => ({ key: failure.id + failure.time, failure })), 'None.');
  showRouting(routing.filter(route => fits(route.prefix, ...route.backends))
    .map(route => ({ key: route.prefix, route })), 'None.');
}
function tell(status) {                                   // what changed, also to who does not see the page
  const changed = status.backends.filter(b => wasUp.has(b.name) && wasUp.get(b.name) !== b.healthy);
  wasUp = new Map(status.backends.map(b => [b.name, b.healthy]));
  const news = changed.slice(0, 3).map(b => b.name + (b.healthy ? ' is up again' : ' went down'
    + (b.reason ? ': ' + b.reason : '')));
  if (changed.length > 3) news.push(plural(changed.length - 3, 'more change'));
  if (lost) news.unshift('the gateway answers again');
  if (news.length) set($('news'), clock(Date.now()) + ' ' + news.join('; '));
  lost = 0;
  if (status.draining) state('Draining', 'warn', 'The gateway shuts down, and finishes what is in flight.');
  else state('Live', 'good', !status.registryError ? '' : 'The registry does not answer: '
    + status.registryError + '. The table of backends from before serves on.');
  const down = status.total - status.healthy;
  document.title = (down ? down + ' down - ' : '') + 'Gateway';
  $('door').hidden = true;
  reveal(true);
  $('forget').hidden = !token;
}
function reveal(shown) { for (const id of ['data', 'tools', 'foot']) $(id).hidden = !shown; }
function state(word, className, notice) {
  set($('live'), word, 'state ' + className);
  set($('notice'), notice);
  $('notice').hidden = !notice;
  attribute($('data'), 'class', className === 'bad' ? 'old' : '');
}
function trouble(problem) {
  if (problem.status === 401) return ask();
  document.title = 'Unreachable - Gateway';
  if (problem.status === 403) {
    reveal(false);
    return state('Closed', 'bad', problem.message);
  }
  lost = lost || Date.now();
  state('Unreachable', 'bad', 'The gateway cannot be reached since ' + clock(lost)
    + (problem.status ? ': ' + problem.message : '') + '. Trying again every 2 seconds.'
    + (last ? ' What you see is from before.' : ''));
}

// ---- The token
function ask() {
  set($('refused'), token ? 'That token was not accepted.' : '');
  sessionStorage.removeItem('token');
  token = $('token').value = '';
  last = null;
  state('Locked', 'warn', '');
  reveal(false);
  $('door').hidden = false;
  $('token').focus();
}
document.querySelector('form').addEventListener('submit', event => {
  event.preventDefault();
  token = $('token').value.trim();
  if (/[^ -~]/.test(token)) return ask();                 // no header can carry it
  sessionStorage.setItem('token', token);
  refresh();
});
$('forget').addEventListener('click', () => { sessionStorage.removeItem('token'); location.reload(); });
$('filter').addEventListener('input', () => { if (last) show(); });
document.addEventListener('visibilitychange', () => { if (!document.hidden && $('door').hidden) refresh(); });
refresh();
</script>
</body>
</html>
""";

        private static final String POLICY = "default-src 'none'; script-src " + hashOf("script")
            + "; style-src " + hashOf("style") + "; connect-src 'self'; img-src data:; base-uri 'none'; "
            + "form-action 'none'; frame-ancestors 'none'";

        /** What lets the page's own script or style through, and nothing that anybody may slip in. */
        private static String hashOf(String element) {
            int begin = PAGE.indexOf("<" + element + ">") + element.length() + 2;
            String text = PAGE.substring(begin, PAGE.indexOf("</" + element + ">", begin));
            try {
                MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
                byte[] hash = sha256.digest(text.getBytes(StandardCharsets.UTF_8));
                return "'sha256-" + Base64.getEncoder().encodeToString(hash) + "'";
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("this Java lacks SHA-256", e);
            }
        }
    }
}
