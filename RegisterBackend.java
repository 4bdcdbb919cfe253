/*
 * RegisterBackend: writes a backend into the gateway's registry. One file, Java 21, no dependencies.
 *
 *     java RegisterBackend.java --name=shop --backend-url=http://localhost:3000 --backend-token=... \
 *          --prefix=/api --registry-url=http://localhost:8000 --api-key=...
 *
 *     --daemon      stays, and registers again every five minutes
 *     --dry-run     shows what would be sent        --list         shows what the registry holds
 *     --deregister  takes the backend out           --help         lists every option and its variable
 *
 * What happens to a registration
 *
 *     address   the given url, or this machine's public IP address and --backend-port
 *     seal      the token becomes unreadable, and tied to the backend's name, url and prefix
 *     put       the entry goes to an http registry or into etcd           the registry says no: exit 1
 *        |
 *     daemon    wait, look whether the address changed, put again         the registry says no: wait, retry
 *
 * What is always true
 *   1. The token leaves this machine sealed only; neither it nor a key is printed, not even in an error.
 *   2. A url is registered only if it was given, or holds an address that is an IP address.
 *   3. The daemon ends by a signal alone, and then within a second.
 *   4. Exit code 0: done. 1: the registry refused or cannot be reached. 2: wrong usage. (A signal: its own.)
 *
 * Contents: 1 Main  2 Options  3 One registration  4 The address  5 Registries  6 The daemon
 *           7 Commands  8 Toolbox (the same in the programs that share it)
 */

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.SSLException;

/** The registrar. One object is one run of the program, with its options and the place it prints to. */
public final class RegisterBackend {

    // ---- 1. Main -------------------------------------------------------------------------------------
    // Options in, exit code out. Whatever goes wrong ends here as a sentence on stderr.

    private final Options options;
    private final TokenCipher cipher;
    private final PrintStream out;
    private final PrintStream err;

    private RegisterBackend(Options options, PrintStream out, PrintStream err) {
        this.options = options;
        this.cipher = new TokenCipher(List.of(options.secret()));
        this.out = out;
        this.err = err;
    }

    /** Runs one command. Returns instead of exiting where all is well, so that a signal's own code stands. */
    public static void main(String[] args) {
        int code = run(args, System.getenv(), System.out, System.err);
        if (code != 0) System.exit(code);
    }

    /** The program without the process around it: 0 done, 1 failed, 2 wrong usage. */
    static int run(String[] args, Map<String, String> environment, PrintStream out, PrintStream err) {
        try {
            Env env = new Env(Options.SETTINGS, args, environment);
            if (env.isOn("help")) {
                out.print(Options.help());
                return 0;
            }
            new RegisterBackend(Options.of(env), out, err).run();
            return 0;
        } catch (Env.Refused e) {
            err.println(e.getMessage());
            return 2;
        } catch (Failed e) {
            err.println(e.getMessage());
            return 1;
        } catch (InterruptedException e) {
            return 0;                           // a signal ended the daemon, as it should
        }
    }

    private void run() throws Failed, InterruptedException {
        if (options.registry().showsKey() && options.command() != Command.DRY_RUN) {
            err.println("Warning: the API key goes to " + options.registry() + " in clear text; use https://"
                + " if others share the network.");
        }
        switch (options.command()) {
            case REGISTER -> registerOnce();
            case DAEMON -> keepRegistered();
            case DRY_RUN -> showRegistration();
            case DEREGISTER -> deregister();
            case LIST -> list();
        }
    }

    /** What the program was asked to do could not be done. The message is one sentence for the user. */
    static final class Failed extends Exception {
        private static final long serialVersionUID = 1;

        Failed(String message) {
            super(message, null, false, false);
        }
    }

    // ---- 2. Options ----------------------------------------------------------------------------------
    // Every setting with its meaning, and the one record that holds them, checked. All faults show at once.

    /** What a run of the program does. */
    enum Command { REGISTER, DAEMON, DRY_RUN, DEREGISTER, LIST }

    /**
     * What the user asked for. {@code url} is empty where the public IP address is to be found; a
     * {@code ttlMs} of 0 means that the entry stays until it is taken out.
     */
    record Options(Command command, String name, String url, String token, String prefix, String healthPath,
                   int weight, long ttlMs, int port, List<URI> publicIpUrls, Registry registry, String apiKey,
                   String secret, boolean v1, long intervalMs, boolean deregisterOnExit) {
        static final List<Env.Setting> SETTINGS = List.of(
            Env.Setting.of("name", "BACKEND_NAME", "", "the backend's name in the registry"),
            Env.Setting.of("backend-url", "BACKEND_URL", "", "where the gateway reaches the backend"),
            Env.Setting.of("backend-token", "BACKEND_TOKEN", "", "what the backend wants as a Bearer token"),
            Env.Setting.of("prefix", "BACKEND_PREFIX", "", "the path that belongs to the backend: /api"),
            Env.Setting.of("registry-url", "BACKENDS_REGISTRY_URL", "",
                "http(s)://host:8000, etcd://h1:2379,h2:2379 or etcds://..."),
            Env.Setting.of("api-key", "API_KEY", "", "the registry's key"),
            Env.Setting.of("encryption-key", "ENCRYPTION_KEY", "",
                "seals the token; the first of several (from API_KEY)"),
            Env.Setting.of("use-public-ip", "", null, "instead of --backend-url: find the public IP address"),
            Env.Setting.of("backend-port", "BACKEND_PORT", "", "the port that goes with --use-public-ip"),
            Env.Setting.of("public-ip-urls", "PUBLIC_IP_URLS",
                "https://checkip.amazonaws.com,https://api.ipify.org,https://icanhazip.com",
                "who is asked for the public IP address, in turn"),
            Env.Setting.of("daemon", "", null, "stay, and register again at each interval"),
            Env.Setting.of("interval-ms", "", "300000", "the daemon's interval"),
            Env.Setting.of("ttl-ms", "", "",
                "how long the entry outlives its last registration; 0: for ever"
                    + " (daemon: 3 intervals, else 0)"),
            Env.Setting.of("deregister-on-exit", "", null, "the daemon takes the entry along when it ends"),
            Env.Setting.of("health-path", "BACKEND_HEALTH_PATH", "", "the page that health checks ask for"),
            Env.Setting.of("weight", "BACKEND_WEIGHT", "1", "the backend's share of requests, 1 to 100"),
            Env.Setting.of("token-format", "", "v2", "v1 for gateways that know no other"),
            Env.Setting.of("dry-run", "", null, "show what would be sent, and send nothing"),
            Env.Setting.of("deregister", "", null, "take the backend out of the registry"),
            Env.Setting.of("list", "", null, "show the backends that the registry holds"),
            Env.Setting.of("etcd-username", "ETCD_USERNAME", "", "etcd's user, if it asks for one"),
            Env.Setting.of("etcd-password", "ETCD_PASSWORD", "", "that user's password"),
            Env.Setting.of("env-file", "", "", "a file of NAME=value lines to read instead of .env"),
            Env.Setting.of("help", "", null, "print this and end"));

        private static final Pattern HEADER = Pattern.compile("[!-~]{1,4096}");

        static String help() {
            return """
                Registers a backend with the gateway's registry.

                  java RegisterBackend.java --name=shop --backend-url=http://localhost:3000 --prefix=/api
                      --backend-token=... --registry-url=http://localhost:8000 --api-key=... --daemon

                Options, each with the variable that stands for it in the environment and in .env:

                """ + Env.help(SETTINGS) + """

                Exit code 0: done. 1: the registry refused or cannot be reached. 2: wrong usage.
                """;
        }

        /** Throws Env.Refused with every fault. A command needs only what it uses. */
        static Options of(Env env) {
            boolean daemon = env.isOn("daemon");
            Command command = command(env, daemon);
            boolean registers = command != Command.DEREGISTER && command != Command.LIST;
            Registry registry = registry(env, registers);
            if (command != Command.LIST && isGiven(env, "name")) checkField(env, "name", "name");
            int port = registers ? addressPort(env) : 0;
            if (registers) checkBackend(env);
            long intervalMs = env.number("interval-ms", 1000, 86_400_000);
            Options options = new Options(command, env.text("name"), env.text("backend-url"),
                env.text("backend-token"), env.text("prefix"), env.text("health-path"),
                (int) env.number("weight", 1, 100), ttlMs(env, daemon ? 3 * intervalMs : 0), port,
                publicIpUrls(env), registry, env.text("api-key"), secret(env),
                env.choice("token-format", "v1", "v2").equals("v1"), intervalMs,
                env.isOn("deregister-on-exit"));
            env.check();
            return options;
        }

        private static Command command(Env env, boolean daemon) {
            List<Command> asked = new ArrayList<>();
            if (env.isOn("list")) asked.add(Command.LIST);
            if (env.isOn("deregister")) asked.add(Command.DEREGISTER);
            if (env.isOn("dry-run")) asked.add(Command.DRY_RUN);
            else if (daemon) asked.add(Command.DAEMON);         // its dry run shows its ttl
            if (asked.size() > 1) {
                env.fault("help", "says what each command does: give one of --daemon, --dry-run, --deregister"
                    + " and --list.");
            }
            if (!daemon && !env.text("deregister-on-exit").equals("false")) {
                env.fault("deregister-on-exit", "is for --daemon; --deregister takes a backend out now.");
            }
            if (!env.words().isEmpty()) {                       // not repeated: it may be a stray token
                env.fault("help", "lists the options: an argument without dashes is none of them.");
            }
            return asked.isEmpty() ? Command.REGISTER : asked.getFirst();
        }

        /** The API key is for http registries and for sealing: to look into etcd, nobody needs it. */
        private static Registry registry(Env env, boolean registers) {
            String url = env.text("registry-url");
            boolean etcd = url.startsWith("etcd");
            if ((registers || !etcd) && isGiven(env, "api-key")) checkHeader(env, "api-key");
            if (!isGiven(env, "registry-url")) return null;
            try {
                if (!etcd) return new HttpRegistry(HttpRegistry.base(url), env.text("api-key"));
                return new EtcdRegistry(new Etcd(url, env.text("etcd-username"), env.text("etcd-password")));
            } catch (IllegalArgumentException e) {              // the url may hold a password: not repeated
                env.fault("registry-url", "must be http(s)://host:port/path without user, query and"
                    + " fragment, or etcd(s)://user:password@h1:2379,h2:2379.");
                return null;                                    // check() throws before anyone asks for it
            }
        }

        /** The port to go with the public IP address, or 0 where the url is given. */
        private static int addressPort(Env env) {
            if (!env.isOn("use-public-ip")) {
                if (isGiven(env, "backend-url")) checkField(env, "backend-url", "url");
                return 0;
            }
            if (!env.text("backend-url").isEmpty()) {
                env.fault("backend-url", "and --use-public-ip exclude each other: give one of them.");
            }
            return isGiven(env, "backend-port") ? (int) env.number("backend-port", 1, 65535) : 0;
        }

        private static void checkBackend(Env env) {
            if (isGiven(env, "prefix")) checkField(env, "prefix", "prefix");
            checkField(env, "health-path", "healthPath");
            if (isGiven(env, "backend-token")) checkHeader(env, "backend-token");
        }

        /** Entry knows the rules. Each field is tried in an otherwise sound entry, to find all faults. */
        private static void checkField(Env env, String option, String field) {
            Map<String, String> data = new HashMap<>(Map.of("name", "x", "url", "http://x", "prefix", "/"));
            data.put(field, env.text(option));
            try {
                Entry.of(data.get("name"), data);
            } catch (IllegalArgumentException e) {
                env.fault(option, e.getMessage().replaceFirst("^\\w+ ", "") + ".");
            }
        }

        private static void checkHeader(Env env, String option) {
            if (HEADER.matcher(env.text(option)).matches()) return;
            env.fault(option, "must be 1 to 4096 visible ASCII characters, for it goes into a header.");
        }

        private static boolean isGiven(Env env, String option) {
            boolean given = !env.text(option).isEmpty();
            if (!given) env.fault(option, "is not set: give --" + option + "=... or put it into .env.");
            return given;
        }

        private static long ttlMs(Env env, long fallback) {
            if (env.text("ttl-ms").isEmpty()) return fallback;
            return env.text("ttl-ms").equals("0") ? 0 : env.number("ttl-ms", 1000, Integer.MAX_VALUE);
        }

        private static List<URI> publicIpUrls(Env env) {
            List<URI> urls = new ArrayList<>();
            try {
                for (String url : env.text("public-ip-urls").split(",")) {
                    urls.add(HttpRegistry.base(url.strip()));
                }
            } catch (IllegalArgumentException e) {
                env.fault("public-ip-urls", "must be http:// or https:// urls with commas between them.");
            }
            return urls;
        }

        /** The first of the keys seals; the others are for gateways, which open what was sealed before. */
        private static String secret(Env env) {
            for (String key : env.text("encryption-key").split(",")) {
                if (!key.isBlank()) return key.strip();
            }
            if (!env.text("encryption-key").isEmpty()) env.fault("encryption-key", "has commas but no key.");
            return env.text("api-key").isEmpty() ? "" : TokenCipher.secretFrom(env.text("api-key"));
        }

        /** The backend as an entry. With the plain token it is never sent. */
        Entry entry(String url, String token) {
            return new Entry(name, url, token, prefix, healthPath, weight, ttlMs);
        }

        /** Without what it holds, for some of that is secret. */
        @Override
        public String toString() {
            return "the options of " + name;
        }
    }

    // ---- 3. One registration -------------------------------------------------------------------------
    // Find the address, seal the token, put the entry. The daemon does the same three steps, in a loop.

    private void registerOnce() throws Failed, InterruptedException {
        Address address = address();
        Entry entry = sealed(address.url());
        options.registry().put(entry, metadata(address));
        out.println("Registered " + entry + " with " + options.registry() + ".");
    }

    /** The entry with its token sealed. The first takes up to a second: keys are slow to derive. */
    private Entry sealed(String url) {
        byte[] salt = TokenCipher.sharedSalt(options.apiKey());
        Entry entry = options.entry(url, "");                   // url and prefix as everybody reads them
        String binding = TokenCipher.binding(entry.name(), entry.url(), entry.prefix());
        return options.entry(url, options.v1() ? cipher.sealV1(options.token(), salt)
            : cipher.seal(options.token(), salt, binding));
    }

    /** What people want to know about a registration. A registry keeps the registeredAt that it saw first. */
    private static Map<String, Object> metadata(Address address) {
        Map<String, Object> system = new LinkedHashMap<>();
        system.put("hostname", hostname());
        system.put("os", System.getProperty("os.name"));
        system.put("arch", System.getProperty("os.arch"));
        system.put("javaVersion", System.getProperty("java.version"));
        if (!address.publicIp().isEmpty()) system.put("publicIP", address.publicIp());
        String now = Instant.now().truncatedTo(ChronoUnit.MILLIS).toString();
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("registeredAt", now);
        metadata.put("lastUpdate", now);
        metadata.put("system", system);
        return metadata;
    }

    private static String hostname() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "unknown";                                   // a host that cannot resolve its own name
        }
    }

    // ---- 4. The address ------------------------------------------------------------------------------
    // Either the url that was given, or http://, the public IP address and the port. Public IP services are
    // other people's machines: what they say must be an IP address, and one that others can reach.

    /** Where the backend is; {@code publicIp} is empty where nobody asked for it. */
    record Address(String url, String publicIp) {}

    private Address address() throws Failed, InterruptedException {
        if (options.port() == 0) return new Address(options.url(), "");
        String ip = new PublicIp(options.publicIpUrls()).find();
        String host = ip.contains(":") ? "[" + ip + "]" : ip;
        return new Address("http://" + host + ":" + options.port(), ip);
    }

    /** Asks services for the address that this machine has on the internet. */
    record PublicIp(List<URI> services) {
        private static final Duration TIME = Duration.ofSeconds(4);
        private static final int MOST_BYTES = 100;

        /** The first usable answer, services asked in turn. */
        String find() throws Failed, InterruptedException {
            List<String> faults = new ArrayList<>();
            for (URI service : services) {
                try {
                    return ask(service);
                } catch (IOException e) {
                    faults.add(service.getHost() + ": " + e.getMessage());
                }
            }
            throw new Failed("No service told the public IP address (" + shown(String.join("; ", faults))
                + "): check the way to the internet, set PUBLIC_IP_URLS, or give --backend-url instead.");
        }

        private static String ask(URI service) throws IOException, InterruptedException {
            HttpRequest request = HttpRequest.newBuilder(service).header("Accept", "text/plain").build();
            Reply reply = Reply.to(request, CLIENT, MOST_BYTES, TIME);
            if (reply.status() != 200) throw new IOException("it answers with status " + reply.status());
            InetAddress address = parse(reply.body().strip());
            if (address == null) throw new IOException("its answer is not an IP address");
            if (!isUsable(address)) throw new IOException("its answer is no address that others can reach");
            return address.getHostAddress();
        }

        private static boolean isUsable(InetAddress address) {
            return !address.isAnyLocalAddress() && !address.isLoopbackAddress()
                && !address.isLinkLocalAddress() && !address.isMulticastAddress();
        }

        /** The address that a text is, or null. InetAddress would ask the DNS about a text that is none. */
        static InetAddress parse(String text) {
            byte[] bytes = text.indexOf(':') < 0 ? parseV4(text) : parseV6(text);
            try {
                return bytes == null ? null : InetAddress.getByAddress(bytes);
            } catch (UnknownHostException e) {
                throw new IllegalStateException("an address has 4 or 16 bytes", e);
            }
        }

        private static final Pattern BYTE = Pattern.compile("0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]");
        private static final Pattern GROUP = Pattern.compile("[0-9A-Fa-f]{1,4}");

        private static byte[] parseV4(String text) {
            String[] parts = text.split("\\.", -1);
            byte[] bytes = new byte[4];
            if (parts.length != bytes.length) return null;
            for (int i = 0; i < bytes.length; i++) {
                if (!BYTE.matcher(parts[i]).matches()) return null;
                bytes[i] = (byte) Integer.parseInt(parts[i]);
            }
            return bytes;
        }

        /** RFC 4291, 2.2: eight groups, of which one run of zeros may be "::" and the last two dotted. */
        private static byte[] parseV6(String text) {
            int tail = text.lastIndexOf(':') + 1;
            if (text.indexOf('.') >= 0) {
                byte[] v4 = parseV4(text.substring(tail));
                if (v4 == null) return null;
                HexFormat hex = HexFormat.of();
                text = text.substring(0, tail) + hex.formatHex(v4, 0, 2) + ":" + hex.formatHex(v4, 2, 4);
            }
            String[] halves = text.split("::", -1);
            List<Integer> head = groups(halves[0]);
            List<Integer> rest = halves.length == 2 ? groups(halves[1]) : List.of();
            if (halves.length > 2 || head == null || rest == null) return null;
            int zeros = 8 - head.size() - rest.size();
            if (halves.length == 1 ? zeros != 0 : zeros < 1) return null;
            ByteBuffer bytes = ByteBuffer.allocate(16);
            head.forEach(group -> bytes.putShort(group.shortValue()));
            bytes.position(2 * (head.size() + zeros));
            rest.forEach(group -> bytes.putShort(group.shortValue()));
            return bytes.array();
        }

        private static List<Integer> groups(String text) {
            List<Integer> groups = new ArrayList<>();
            if (text.isEmpty()) return groups;
            for (String group : text.split(":", -1)) {
                if (!GROUP.matcher(group).matches()) return null;
                groups.add(Integer.parseInt(group, 16));
            }
            return groups;
        }
    }

    /**
     * Redirects are not followed, for they could carry the API key to another host. A proxy is used only
     * where -Dhttps.proxyHost names one, Java's default: some machines have no other way out.
     */
    private static final HttpClient CLIENT = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
        .followRedirects(HttpClient.Redirect.NEVER).connectTimeout(Duration.ofSeconds(4)).build();

    // ---- 5. Registries -------------------------------------------------------------------------------
    // Where entries are written down: the gateway's own registry or another that speaks its protocol, or
    // etcd. Every fault becomes a sentence here, since only here is it known what the user can do about it.

    /** A registry, as far as a registrar needs one. Its text is its url, without user and password. */
    sealed interface Registry {
        /** Writes the entry, new or in place of the one of that name. */
        void put(Entry entry, Map<String, Object> metadata) throws Failed, InterruptedException;

        /** Does what an entry needs between two puts. False: the registry let it go, so put it again. */
        boolean keep() throws Failed, InterruptedException;

        /** Takes an entry out. False where there was none. */
        boolean delete(String name) throws Failed, InterruptedException;

        List<Row> list() throws Failed, InterruptedException;

        /** The request that {@link #put} makes, as --dry-run shows it. */
        String target(String name);

        /** Whether the API key crosses a network that others may read. */
        boolean showsKey();
    }

    /** One backend in a --list. Nothing of it was checked. */
    record Row(String name, String url, String prefix, String lastUpdate) {
        static Row of(Object name, Object data, Object metadata) {
            return new Row(name == null ? "-" : name.toString(), text(data, "url"), text(data, "prefix"),
                text(metadata, "lastUpdate"));
        }

        private static String text(Object object, String member) {
            Object value = object instanceof Map<?, ?> map ? map.get(member) : null;
            return value == null ? "-" : value.toString();
        }
    }

    /** A registry behind HTTP: a gateway's own, or another that speaks its protocol. */
    static final class HttpRegistry implements Registry {
        private static final Duration TIME = Duration.ofSeconds(10);
        private static final int MOST_BYTES = 16 << 20;

        private final URI base;
        private final String apiKey;

        HttpRegistry(URI base, String apiKey) {
            this.base = base;
            this.apiKey = apiKey;
        }

        /** The url without slashes at its end. Throws IllegalArgumentException where nothing can go below. */
        static URI base(String url) {
            URI uri = URI.create(url.replaceFirst("/+$", ""));
            boolean http = url.startsWith("http://") || url.startsWith("https://");
            boolean port = uri.getPort() == -1 || uri.getPort() > 0 && uri.getPort() < 65536;
            boolean more = uri.getRawUserInfo() != null || url.contains("?") || url.contains("#");
            if (http && port && !more && uri.getHost() != null) return uri;
            throw new IllegalArgumentException("not a base url");
        }

        /** Registries from before PUT was known take the same by POST. */
        @Override
        public void put(Entry entry, Map<String, Object> metadata) throws Failed, InterruptedException {
            Map<String, Object> body = new LinkedHashMap<>();
            body.put("data", entry.data());
            body.put("metadata", metadata);
            Reply reply = ask("PUT", "/" + entry.name(), body);
            if (List.of(404, 405, 501).contains(reply.status())) {
                body.put("key", entry.name());
                reply = ask("POST", "", body);
            }
            if (reply.status() / 100 != 2) throw refusal(reply, entry.token());
            if (!confirms(reply)) throw strange();
        }

        /** A web page that answers 200 to everything is no registry. */
        private static boolean confirms(Reply reply) {
            if (reply.body().isBlank()) return true;
            return read(reply) instanceof Map<?, ?> answer && !Boolean.FALSE.equals(answer.get("success"));
        }

        @Override
        public boolean keep() {
            return true;                                        // the next put is what it waits for
        }

        @Override
        public boolean delete(String name) throws Failed, InterruptedException {
            Reply reply = ask("DELETE", "/" + name, Map.of());
            if (reply.status() / 100 != 2 && reply.status() != 404) throw refusal(reply, "");
            return reply.status() != 404;
        }

        @Override
        public List<Row> list() throws Failed, InterruptedException {
            Reply reply = ask("GET", "", Map.of());
            if (reply.status() != 200) throw refusal(reply, "");
            return switch (read(reply)) {
                case List<?> items -> items(items);                     // this file needs Java 21 or newer
                case Map<?, ?> object when object.get("items") instanceof List<?> items -> items(items);
                case Map<?, ?> object -> byKey(object);
                case null, default -> throw strange();
            };
        }

        private static List<Row> items(List<?> items) {
            List<Row> rows = new ArrayList<>();
            for (Object item : items) {
                if (item instanceof Map<?, ?> map) {
                    rows.add(Row.of(map.get("key"), map.get("data"), map.get("metadata")));
                }
            }
            return rows;
        }

        /** The shape of the oldest registries: {"backends:NAME": data}. */
        private static List<Row> byKey(Map<?, ?> object) {
            List<Row> rows = new ArrayList<>();
            object.forEach((key, data) -> {
                String name = key.toString().replaceFirst("^backends:", "");
                if (data instanceof Map<?, ?>) rows.add(Row.of(name, data, null));
            });
            return rows;
        }

        private static Object read(Reply reply) {
            try {
                return Json.parse(reply.body());
            } catch (IllegalArgumentException e) {
                return null;
            }
        }

        private Reply ask(String method, String below, Map<String, Object> body)
                throws Failed, InterruptedException {
            HttpRequest request = HttpRequest.newBuilder(URI.create(base + "/collections/backends" + below))
                .header("Authorization", "Bearer " + apiKey)
                .header("Content-Type", "application/json")
                .method(method, body.isEmpty() ? BodyPublishers.noBody()
                    : BodyPublishers.ofString(Json.write(body)))
                .build();
            try {
                return Reply.to(request, CLIENT, MOST_BYTES, TIME);
            } catch (IOException e) {
                throw new Failed("The registry at " + base + " cannot be reached (" + shown(e.getMessage())
                    + "): check that it runs and that BACKENDS_REGISTRY_URL is right.");
            }
        }

        private Failed refusal(Reply reply, String sealed) {
            int status = reply.status();
            String said = message(reply, sealed);
            return new Failed("The registry at " + base + switch (status) {
                case 401, 403 -> " refuses the API key: set API_KEY to the key that the registry has.";
                case 400, 413, 422 -> " refuses the entry" + said + ": correct that and register again.";
                case 404, 405, 501 -> " answers " + status + ", as no registry of backends does: check"
                    + " BACKENDS_REGISTRY_URL and its path.";
                case 301, 302, 303, 307, 308 -> " redirects to another address: set BACKENDS_REGISTRY_URL to"
                    + " that one, for a redirect is not trusted with the API key.";
                default -> " fails with status " + status + said + ": look into its log, then try again.";
            });
        }

        private Failed strange() {
            return new Failed("The registry at " + base + " does not answer as a registry of backends does:"
                + " check BACKENDS_REGISTRY_URL and its path.");
        }

        /** What the registry says about it, unless it repeats what must not be shown. */
        private String message(Reply reply, String sealed) {
            Object message = read(reply) instanceof Map<?, ?> answer ? answer.get("message") : null;
            if (!(message instanceof String text) || text.isBlank()) return "";
            if (text.contains(apiKey) || !sealed.isEmpty() && text.contains(sealed)) return "";
            String start = text.substring(0, Math.min(text.length(), 300));
            return " (" + shown(start).replaceFirst("\\.$", "") + ")";
        }

        @Override
        public String target(String name) {
            return "PUT " + base + "/collections/backends/" + name;
        }

        @Override
        public boolean showsKey() {
            String host = base.getHost().replaceAll("[\\[\\]]", "");
            InetAddress address = PublicIp.parse(host);
            boolean near = address == null ? host.equals("localhost") : address.isLoopbackAddress();
            return base.getScheme().equals("http") && !near;
        }

        @Override
        public String toString() {
            return base.toString();
        }
    }

    /** The registry of several gateways: etcd, where an entry with a ttl lives while its lease is kept. */
    static final class EtcdRegistry implements Registry {
        private final Etcd etcd;
        private long lease;                                     // 0: none yet, or none wanted

        EtcdRegistry(Etcd etcd) {
            this.etcd = etcd;
        }

        @Override
        public void put(Entry entry, Map<String, Object> metadata) throws Failed, InterruptedException {
            String key = Etcd.FOLDER + entry.name();
            Map<String, Object> value = new LinkedHashMap<>();
            value.put("data", entry.data());
            value.put("metadata", metadata);
            try {
                if (lease == 0 && entry.ttlMs() > 0) lease = etcd.grant((entry.ttlMs() + 999) / 1000);
                Object first = metadata(etcd.get(key)).get("registeredAt");
                if (first instanceof String) metadata.put("registeredAt", first);
                etcd.put(key, Json.write(value), lease);
            } catch (IOException e) {
                lease = 0;                                      // it may be the lease that is gone
                throw failed(e);
            }
        }

        @Override
        public boolean keep() throws Failed, InterruptedException {
            try {
                if (lease == 0 || etcd.keepAlive(lease)) return true;
            } catch (IOException e) {
                throw failed(e);
            }
            lease = 0;
            return false;
        }

        /** With a lease it takes out what hangs on that lease, never an entry that another wrote since. */
        @Override
        public boolean delete(String name) throws Failed, InterruptedException {
            try {
                if (lease == 0) return etcd.delete(Etcd.FOLDER + name);
                etcd.revoke(lease);
                return true;
            } catch (IOException e) {
                throw failed(e);
            }
        }

        @Override
        public List<Row> list() throws Failed, InterruptedException {
            List<Row> rows = new ArrayList<>();
            try {
                for (Etcd.Item item : etcd.range(Etcd.FOLDER).items()) {
                    String name = item.key().substring(Etcd.FOLDER.length());
                    rows.add(Row.of(name, object(item.value()).get("data"), metadata(item.value())));
                }
            } catch (IOException e) {
                throw failed(e);
            }
            return rows;
        }

        private static Map<?, ?> metadata(String value) {
            return object(value).get("metadata") instanceof Map<?, ?> metadata ? metadata : Map.of();
        }

        private static Map<?, ?> object(String value) {
            try {
                return value == null ? Map.of() : Json.parseObject(value);
            } catch (IllegalArgumentException e) {
                return Map.of();                                // somebody else's idea of an entry
            }
        }

        private Failed failed(IOException fault) {
            boolean refused = fault instanceof Etcd.Refused;
            return new Failed("The registry at " + etcd + (refused ? " refuses (" : " cannot be reached (")
                + shown(fault.getMessage()) + "): check " + (refused
                ? "ETCD_USERNAME, ETCD_PASSWORD and what that user may do under /backend-gateway/."
                : "that it runs and that BACKENDS_REGISTRY_URL is right."));
        }

        @Override
        public String target(String name) {
            return "etcd put " + Etcd.FOLDER + name + " at " + etcd;
        }

        @Override
        public boolean showsKey() {
            return false;                                       // etcd is not told the API key
        }

        @Override
        public String toString() {
            return etcd.toString();
        }
    }

    // ---- 6. The daemon -------------------------------------------------------------------------------
    // Registers again at each interval, sooner when the address changed or etcd let the entry go. A registry
    // that fails is asked again after 1 to 2 seconds, then twice that, up to a minute. It speaks when
    // something changed, not when all is as it was.
    //
    //     waiting --due, moved or let go--> putting --done--> waiting
    //                                       ^     |
    //                                       +-----+ failed: a growing pause

    private void keepRegistered() throws InterruptedException {
        endOnSignal(Thread.currentThread());
        Daemon daemon = new Daemon();
        try {
            for (int failures = 0;;) {
                try {
                    daemon.beat();
                    failures = 0;
                    Thread.sleep(daemon.untilNextBeat());
                } catch (Failed e) {
                    long pause = pauseMs(failures++);
                    log(err, e.getMessage() + " Next try in %.1f s.".formatted(pause / 1000.0));
                    Thread.sleep(pause);
                }
            }
        } finally {
            if (options.deregisterOnExit()) leave();
        }
    }

    /** Half of it is chance, so that a fleet does not come back to a restarted registry all at once. */
    static long pauseMs(int failures) {
        long most = Math.min(60_000, 2000L << Math.min(failures, 10));
        return ThreadLocalRandom.current().nextLong(most / 2, most + 1);
    }

    /** A signal ends whatever the daemon waits for. It then has most of a second to take the entry along. */
    private void endOnSignal(Thread daemon) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            daemon.interrupt();
            try {
                if (daemon.join(Duration.ofMillis(500)) || !options.deregisterOnExit()) return;
                log(err, "The registry took too long: " + options.name() + " may still be registered.");
            } catch (InterruptedException e) {
                // Nobody interrupts a shutdown hook; and if so, it is to end.
            }
        }, "end on signal"));
    }

    private void leave() throws InterruptedException {
        Thread.interrupted();                                   // or the farewell would end as it begins
        try {
            options.registry().delete(options.name());
            log(out, "Took " + options.name() + " out of " + options.registry() + ".");
        } catch (Failed e) {
            log(err, e.getMessage());
        }
    }

    /** With the time, for not every place that a service's output goes to adds it. */
    private static void log(PrintStream stream, String sentence) {
        stream.println(Instant.now().truncatedTo(ChronoUnit.SECONDS) + " " + sentence);
    }

    /** What the daemon knows between two beats. */
    private final class Daemon {
        private static final long LOOK_MS = 60_000;             // how old the public IP address may get

        private Address address;
        private Entry entry;
        private long due;                                       // of the next put, by nanoTime
        private boolean settled;                                // the last beat ended well, and it was said
        private boolean blind;                                  // no service told the public IP; it was said

        /** Looks, and puts the entry if that is due. */
        void beat() throws Failed, InterruptedException {
            boolean calm = settled;
            settled = false;                                    // until this beat has ended well, too
            Address now = look();
            if (entry == null || !now.url().equals(address.url())) {
                entry = sealed(now.url());
                calm = false;
            }
            address = now;
            if (!options.registry().keep()) calm = false;
            if (!calm || System.nanoTime() - due >= 0) {
                options.registry().put(entry, metadata(address));
                due = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(jittered(intervalMs()));
                if (!calm) log(out, "Registered " + entry + " with " + options.registry() + ".");
            }
            settled = true;
        }

        /** A known address stays good while no service tells another: the entry must not expire for that. */
        private Address look() throws Failed, InterruptedException {
            try {
                Address found = address();
                blind = false;
                return found;
            } catch (Failed e) {
                if (address == null) throw e;
                if (!blind) log(err, e.getMessage() + " Keeping " + address.url() + ".");
                blind = true;
                return address;
            }
        }

        /** A short ttl shortens the interval: three puts, or three signs of life of a lease, fit into it. */
        private long intervalMs() {
            long least = options.ttlMs() == 0 ? options.intervalMs() : options.ttlMs() / 3;
            return Math.min(options.intervalMs(), least);
        }

        private static long jittered(long ms) {
            return ms - ThreadLocalRandom.current().nextLong(ms / 10 + 1);
        }

        long untilNextBeat() {
            long untilDue = Math.max(1, TimeUnit.NANOSECONDS.toMillis(due - System.nanoTime()) + 1);
            return options.port() == 0 ? untilDue : Math.min(untilDue, LOOK_MS);
        }
    }

    // ---- 7. Commands ---------------------------------------------------------------------------------
    // The commands beside registering.

    private void showRegistration() throws Failed, InterruptedException {
        Address address = address();
        String token = options.v1() ? "(sealed, v1)" : "(sealed, v2)";
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("data", options.entry(address.url(), token).data());
        body.put("metadata", metadata(address));
        out.println("Nothing was sent. This would be:");
        out.println(options.registry().target(options.name()));
        out.println(Json.write(body));
    }

    /** An entry that is not there is what the user wants: exit 0, with a sentence that says so. */
    private void deregister() throws Failed, InterruptedException {
        boolean there = options.registry().delete(options.name());
        out.println(there ? "Took " + options.name() + " out of " + options.registry() + "."
            : options.name() + " is not registered with " + options.registry() + ": nothing to take out.");
    }

    private void list() throws Failed, InterruptedException {
        List<Row> rows = new ArrayList<>(options.registry().list());
        if (rows.isEmpty()) {
            out.println("No backend is registered with " + options.registry() + ".");
            return;
        }
        rows.sort(Comparator.comparing(Row::name));
        List<List<String>> lines = new ArrayList<>(List.of(List.of("NAME", "URL", "PREFIX", "LAST UPDATE")));
        for (Row row : rows) {
            String url = row.url().replaceFirst("//[^/]*@", "//...@");      // where a password may be
            lines.add(List.of(shown(row.name()), shown(url), shown(row.prefix()), shown(row.lastUpdate())));
        }
        int[] widths = new int[3];
        for (List<String> line : lines) {
            for (int i = 0; i < widths.length; i++) widths[i] = Math.max(widths[i], line.get(i).length());
        }
        String format = "%%-%ds  %%-%ds  %%-%ds  %%s%%n".formatted(widths[0], widths[1], widths[2]);
        for (List<String> line : lines) out.printf(format, line.toArray());
    }

    private static final Pattern UNSAFE = Pattern.compile("[\\p{C}\\p{Zl}\\p{Zp}]");

    /** Text of others, fit for a terminal: what moves the cursor or turns lines around is spelled out. */
    static String shown(String text) {
        return UNSAFE.matcher(text).replaceAll(
            match -> Matcher.quoteReplacement("\\u%04x".formatted(match.group().codePointAt(0))));
    }

    // ---- 8. Toolbox ----------------------------------------------------------------------------------
    // The sections between the marks are the same, to the letter, in every program that has them.

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
}
