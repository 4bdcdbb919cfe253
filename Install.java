/*
 * Install: makes the registrar or the gateway a service that starts with the machine. One file, Java 21, no
 * dependencies; beside it lies only the program to install, RegisterBackend.java or GatewayServer.java.
 *
 *     java Install.java                    asks, checks, and installs the registrar of one backend
 *     java Install.java gateway            the same for the gateway
 *     java Install.java status [NAME]      does it run, since when, and what does the registry say of it
 *     java Install.java uninstall [NAME]   takes away what was installed, and the backend out of the registry
 *     java Install.java --help             every question as an option, for --yes; --dry-run only shows
 *
 * What happens
 *
 *     questions -> checks -> steps: folder, program, settings, service, manifest, start, watch
 *                                     |
 *                        one fails, or Ctrl-C: those before it are undone, the last one first
 *
 * What is always true
 *   1. Nothing is written before all questions are answered and all checks are done.
 *   2. A secret is in one file only, of mode 600 from its first moment: never in a unit, on a command line
 *      or in the output.
 *   3. Whatever changes this machine goes through Changes, which tells of it and can undo it.
 *   4. A file that someone changed by hand is not overwritten or removed without asking.
 *
 * What it does not do: install Java, make certificates, keep the output of a Windows task.
 *
 * Contents: 1 Main  2 Settings  3 What, and where  4 Questions  5 Checks  6 Steps  7 Supervisors  8 Changes
 *           9 Manifest  10 Status  11 Uninstall  12 Toolbox (shared)
 */

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.Console;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

public final class Install {
    private Install() {}

    // ---- 1. Main ------------------------------------------------------------------------------------------
    // The commands. Exit codes: 0 done; 1 it failed or was stopped, and is undone; 2 wrong usage.

    public static void main(String[] args) {
        // Since Java 22 the default console is there without a terminal too, and would echo secrets.
        System.setProperty("jdk.console", "java.base");
        System.exit(run(args));
    }

    private static int run(String[] args) {
        try {
            Env env = new Env(SETTINGS, args, System.getenv());
            return env.isOn("help") ? help() : command(env);
        } catch (Env.Refused | Stopped | IOException e) {
            System.err.println(message(e));
            return e instanceof Env.Refused ? 2 : 1;
        }
    }

    private static String message(Exception e) {
        return switch (e) {
            case IOException io -> "It failed: " + reason(io) + ".";      // this file needs Java 21 or newer
            default -> e.getMessage();
        };
    }

    private static int command(Env env) throws IOException {
        List<String> words = env.words();
        String command = words.isEmpty() ? "" : words.getFirst();
        String name = words.size() < 2 ? "" : words.get(1);
        boolean takesName = command.equals("status") || command.equals("uninstall");
        if (words.size() > (takesName ? 2 : 1)) {
            throw new Env.Refused("\"" + words.getLast() + "\" is one word too many; see --help.");
        }
        return switch (command) {
            case "" -> new Installation(env, Program.REGISTRAR).run();
            case "gateway" -> new Installation(env, Program.GATEWAY).run();
            case "status" -> new Status(env).run(name);
            case "uninstall" -> new Removal(env).run(name);
            default -> throw new Env.Refused("\"" + command + "\" is not a command; see --help.");
        };
    }

    private static int help() {
        say("""
            java Install.java [gateway | status [NAME] | uninstall [NAME]] [options]

            Without a command it installs the registrar of one backend as a service. NAME is a backend's name,
            or "gateway". Every question is also an option, a variable, and a line of .env or --env-file. Give
            secrets by these last two: what is on a command line, others on the machine can read.
            """);
        say(Env.help(SETTINGS));
        return 0;
    }

    /** Ends the program with a sentence for the user. */
    static final class Stopped extends RuntimeException {
        private static final long serialVersionUID = 1;

        Stopped(String message) {
            super(message, null, false, false);
        }
    }

    private static void say(String line) {
        System.out.println(line);
    }

    /** What an exception says, for the end of a sentence. Those about files have no more than a path. */
    private static String reason(Exception e) {
        boolean wordless = e instanceof FileSystemException || e.getMessage() == null;
        return wordless ? e.toString().replaceFirst("^java[\\w.]*\\.", "") : e.getMessage();
    }

    // ---- 2. Settings --------------------------------------------------------------------------------------
    // What can be given to the questions, the programs and the installer, under the names that programs use.

    private static final List<Env.Setting> ASKED = List.of(
        Env.Setting.of("name", "BACKEND_NAME", "", "Name of the backend"),
        Env.Setting.of("backend-url", "BACKEND_URL", "http://localhost:3000",
            "URL of the backend, as the gateway reaches it, or public:PORT to find out the public IP"),
        Env.Setting.of("use-public-ip", "", null, "With --backend-port: as --backend-url=public:PORT"),
        Env.Setting.of("backend-port", "BACKEND_PORT", "", "Port of the backend at the public IP"),
        Env.Setting.of("backend-token", "BACKEND_TOKEN", "", "Token that the backend wants"),
        Env.Setting.of("prefix", "BACKEND_PREFIX", "/api", "Prefix of the paths that belong to it"),
        Env.Setting.of("registry-url", "BACKENDS_REGISTRY_URL", "",
            "URL of the registry; \"embedded\" for a gateway that serves it itself"),
        Env.Setting.of("api-key", "API_KEY", "", "API key of the registry"),
        Env.Setting.of("encryption-key", "ENCRYPTION_KEY", "", "Encryption key of the tokens"),
        Env.Setting.of("proxy-port", "PROXY_PORT PORT", "8080", "Port of the gateway"),
        Env.Setting.of("admin-token", "ADMIN_TOKEN", "", "Token for the gateway's own pages"));

    private static final List<Env.Setting> OWN = List.of(
        Env.Setting.of("yes", "", null, "Ask nothing: as given, else as installed, else the default"),
        Env.Setting.of("force", "", null, "Go on after failed checks, and overwrite files changed by hand"),
        Env.Setting.of("dry-run", "", null, "Show each file and command, and change nothing"),
        Env.Setting.of("source", "", "", "The program to install, where it is not beside Install.java"),
        Env.Setting.of("system", "", "", "Not the system found, but " + String.join(", ", Place.SYSTEMS)),
        Env.Setting.of("root", "", "", "A folder to install into as if it were /; no service is started"),
        Env.Setting.of("env-file", "", "", "A file of settings instead of .env"),
        Env.Setting.of("help", "", null, "Show this"));

    private static final List<Env.Setting> SETTINGS = Stream.of(ASKED.stream(), passedOn(Program.REGISTRAR),
        passedOn(Program.GATEWAY), OWN.stream()).flatMap(settings -> settings).toList();

    private static final Set<String> SECRETS = Set.of("BACKEND_TOKEN", "API_KEY", "ENCRYPTION_KEY",
        "ADMIN_TOKEN", "ETCD_PASSWORD", "TLS_KEYSTORE_PASSWORD");

    /** The settings that are not asked for, but passed on to a program where they are given. */
    private static Stream<Env.Setting> passedOn(Program program) {
        String meaning = "Passed on to the " + (program == Program.GATEWAY ? "gateway" : "registrar");
        return program.passedOn.stream()
            .map(variable -> Env.Setting.of(option(variable), variable, "", meaning));
    }

    /** CACHE_TTL_MS is --cache-ttl-ms, and BACKEND_WEIGHT is --weight. */
    private static String option(String variable) {
        String option = variable.toLowerCase(Locale.ROOT).replace('_', '-');
        return option.equals("backend-ca") ? option : option.replaceFirst("^backend-", "");
    }

    private static Env.Setting setting(String option) {
        return SETTINGS.stream().filter(setting -> setting.option().equals(option)).findFirst().orElseThrow();
    }

    private static String variable(String option) {
        return setting(option).variables().getFirst();
    }

    // ---- 3. What, and where -------------------------------------------------------------------------------
    // What is installed is a Service, one of two programs; where is a Place: a system, a folder, an account.

    /** The two programs: how Java runs them, what they ask, and what else they can be told. */
    private enum Program {
        REGISTRAR("RegisterBackend", "-Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1", "256M",
            "name backend-url backend-token prefix registry-url api-key encryption-key",
            "BACKEND_HEALTH_PATH BACKEND_WEIGHT PUBLIC_IP_URLS ETCD_USERNAME ETCD_PASSWORD",
            "--name=x --backend-url=http://localhost --backend-token=x --prefix=/x --api-key=x"
                + " --registry-url=http://localhost:1"),
        // Measured: a young space that holds what is under way keeps the old one, and so the process, small.
        // Java 21.0.0 does not know how to give native memory back; a gateway out of memory starts anew.
        GATEWAY("GatewayServer", "-XX:+UseSerialGC -Xmx160m -Xmn28m -XX:SurvivorRatio=5"
            + " -XX:+IgnoreUnrecognizedVMOptions -XX:TrimNativeHeapInterval=5000 -XX:+ExitOnOutOfMemoryError",
            "768M",
            "registry-url api-key encryption-key proxy-port admin-token",
            "CACHE_TTL_MS BIND_ADDRESS HEALTH_INTERVAL_MS HEALTH_TIMEOUT_MS HEALTH_FAILURES"
                + " CONNECT_TIMEOUT_MS UPSTREAM_TIMEOUT_MS MAX_BODY_BYTES SHUTDOWN_GRACE_MS"
                + " TRUSTED_PROXIES ALLOWED_BACKENDS TLS_CERT TLS_KEY TLS_KEYSTORE TLS_KEYSTORE_PASSWORD"
                + " BACKEND_CA REWRITE_REDIRECTS ACCESS_LOG REGISTRY_PORT REGISTRY_BIND",
            "--bind-address=127.0.0.1 --proxy-port=0 --registry-port=0 --api-key=x --encryption-key=x");

        private final String mainClass;
        private final List<String> javaOptions;
        private final String memory;             // what systemd lets it have: the heap and Java's own needs
        private final List<String> asked;        // options
        private final List<String> passedOn;     // variables
        private final List<String> training;     // for a run that loads what a start loads, and harms nobody

        Program(String mainClass, String javaOptions, String memory, String asked, String passedOn,
                String training) {
            this.mainClass = mainClass;
            this.javaOptions = List.of(javaOptions.split(" "));
            this.memory = memory;
            this.asked = List.of(asked.split(" "));
            this.passedOn = List.of(passedOn.split(" "));
            this.training = List.of(training.split(" "));
        }

        boolean takes(Env.Setting setting) {
            boolean address = List.of("use-public-ip", "backend-port").contains(setting.option());
            if (address) return this == REGISTRAR;
            return asked.contains(setting.option()) || passedOn.contains(setting.title());
        }
    }

    /** A program as a service. {@code name} is the backend's, and empty for the gateway. */
    private record Service(Program program, String name) {
        private static final String REGISTRARS = "backend-gateway-register@";
        private static final String GATEWAY = "backend-gateway";

        static Service of(String unit) {
            return unit.equals(GATEWAY) ? new Service(Program.GATEWAY, "")
                : new Service(Program.REGISTRAR, unit.substring(REGISTRARS.length()));
        }

        /** The name by which the system knows it. */
        String unit() {
            return program == Program.GATEWAY ? GATEWAY : REGISTRARS + name;
        }

        /** The name by which a user calls it here. */
        String shortName() {
            return program == Program.GATEWAY ? "gateway" : name;
        }

        String describe() {
            return program == Program.GATEWAY ? "the gateway" : "the registrar of backend " + name;
        }
    }

    /**
     * Where it is installed. {@code root} is empty but for --root; {@code state} is where the service may
     * write; {@code account} is whom it runs as, empty where the system sees to that.
     */
    private record Place(String system, Optional<Path> root, Path folder, Path state, String account) {
        static final List<String> SYSTEMS =
            List.of("systemd", "systemd-user", "openrc", "cron", "launchd", "windows");

        static Place of(Env env) {
            String system = env.text("system").isEmpty() ? found()
                : env.choice("system", SYSTEMS.toArray(String[]::new));
            env.check();
            return of(system, Optional.of(env.text("root")).filter(text -> !text.isEmpty())
                .map(text -> Path.of(text).toAbsolutePath().normalize()));
        }

        static Place of(String system, Optional<Path> root) {
            boolean windows = system.equals("windows");
            boolean systemd = system.equals("systemd");
            boolean shared = windows || systemd || system.equals("openrc")
                || isRoot() && !system.equals("systemd-user");
            String base = windows ? System.getenv().getOrDefault("ProgramData", "/ProgramData")
                : shared ? "/opt" : System.getProperty("user.home") + "/.local/share";
            Path folder = under(root, base).resolve("backend-gateway");
            Path state = systemd ? under(root, "/var/lib/backend-gateway") : folder.resolve("state");
            // "daemon" is there on every Unix, without rights; systemd invents an account for each service.
            return new Place(system, root, folder, state, shared && !windows && !systemd ? "daemon" : "");
        }

        private static String found() {
            String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
            if (os.contains("windows")) return "windows";
            if (os.contains("mac")) return "launchd";
            if (Files.exists(Path.of("/run/systemd/system"))) return isRoot() ? "systemd" : "systemd-user";
            return isRoot() && Files.exists(Path.of("/sbin/openrc-run")) ? "openrc" : "cron";
        }

        static boolean isRoot() {
            return System.getProperty("user.name").equals("root");
        }

        private static Path under(Optional<Path> root, String absolute) {
            Path path = Path.of(absolute).toAbsolutePath();
            return root.map(folder -> folder.resolve(path.getRoot().relativize(path))).orElse(path);
        }

        /** An absolute path of the machine, under --root where there is one. */
        Path at(String absolute) {
            return under(root, absolute);
        }

        Path home(String relative) {
            return at(System.getProperty("user.home")).resolve(relative);
        }

        Path settings(Service service) {
            return folder.resolve(service.unit() + ".env");
        }

        Path source(Program program) {
            return folder.resolve(program.mainClass + ".java");
        }

        Path jar(Program program) {
            return folder.resolve("lib").resolve(program.mainClass + ".jar");
        }

        Path archive(Program program) {
            return folder.resolve("lib").resolve(program.mainClass + ".jsa");
        }
    }

    private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin",
        System.getProperty("os.name").startsWith("Windows") ? "java.exe" : "java");

    /** The options that make an archive of a program, that use it, and that keep Java quiet about it. */
    private record Archive(String write, String read, String quiet) {
        /** Java 25 keeps more than classes ready: linked, with profiles of what was hot (JEP 514 and 515). */
        static final Archive OF_THIS_JAVA = Runtime.version().feature() >= 25
            ? new Archive("-XX:AOTCacheOutput=", "-XX:AOTCache=", "-Xlog:cds*=off,aot*=off")
            : new Archive("-XX:ArchiveClassesAtExit=", "-XX:SharedArchiveFile=", "-Xlog:cds*=off");
    }

    /** The words that run a program from its jar, with some more of Java's options. */
    private static List<String> java(Place place, Program program, String... more) {
        List<String> words = new ArrayList<>(List.of(JAVA.toString()));
        words.addAll(program.javaOptions);
        words.addAll(List.of(more));
        words.addAll(List.of("-cp", place.jar(program).toString(), program.mainClass));
        return words;
    }

    // ---- 4. Questions -------------------------------------------------------------------------------------
    // Each has a default and a rule. An option on the command line is an answer; the environment, a file of
    // settings and what was installed before are defaults, in this order.

    /** Where questions are asked: a terminal, or plain lines of the standard input. */
    private static final class Terminal {
        private final Console console = System.console();
        private final BufferedReader lines =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

        /** One line; a secret is read without echo at a terminal. The end of the input stops the program. */
        String ask(String question, boolean secret) throws IOException {
            String line;
            if (console == null) {
                say(question + ":");
                line = lines.readLine();
            } else if (secret) {
                char[] typed = console.readPassword("%s: ", question);
                line = typed == null ? null : new String(typed);
            } else {
                line = console.readLine("%s: ", question);
            }
            if (line == null) throw new Stopped("The input ended too early: nothing was done.");
            return secret ? line : line.strip();
        }

        boolean agrees(String question) throws IOException {
            return ask(question + " [no]", false).toLowerCase(Locale.ROOT).matches("y|yes|s|si|sí");
        }
    }

    /** The questions about one service. */
    private static final class Questions {
        private static final Set<String> OPTIONAL = Set.of("encryption-key", "admin-token");

        private final Env env;
        private final Terminal terminal;
        private final Program program;
        private Optional<Env> kept = Optional.empty();     // the settings of before, where it is installed

        Questions(Env env, Terminal terminal, Program program) {
            this.env = env;
            this.terminal = terminal;
            this.program = program;
            for (Env.Setting setting : SETTINGS) {
                boolean fits = OWN.contains(setting) || program.takes(setting);
                if (fits || !isAnswered(setting.option())) continue;
                String owner = program == Program.GATEWAY ? "the gateway." : "a registrar.";
                env.fault(setting.option(), "is not a setting of " + owner);
            }
            env.check();
        }

        /** The service, whose name is the first question about a registrar. */
        Service service(Manifest manifest) throws IOException {
            String name = program == Program.GATEWAY ? "" : answer("name", proposedName(manifest));
            env.check();
            return new Service(program, name);
        }

        private String proposedName(Manifest manifest) {
            if (!given("name").isEmpty()) return given("name");
            List<String> names = manifest.services.keySet().stream()
                .map(Service::of).map(Service::name).filter(name -> !name.isEmpty()).toList();
            return names.size() == 1 ? names.getFirst() : hostName();
        }

        private static String hostName() {
            try {
                String host = InetAddress.getLocalHost().getHostName().replaceFirst("\\..*", "");
                return host.matches("[A-Za-z0-9_-]{1,64}") ? host : "backend";
            } catch (IOException e) {
                return "backend";              // a machine that does not know its own name
            }
        }

        /** All settings, by their variables. An empty one is not set. */
        Map<String, String> settings(Place place, Service service) throws IOException {
            kept = SettingsFile.env(place.settings(service));
            Map<String, String> settings = new LinkedHashMap<>();
            if (program == Program.REGISTRAR) settings.put("BACKEND_NAME", service.name());
            for (String option : program.asked) {
                if (option.equals("name")) continue;
                settings.put(variable(option), answer(option, proposed(option, settings)));
            }
            env.check();
            program.passedOn.forEach(variable -> settings.put(variable, given(option(variable))));
            return program == Program.GATEWAY ? withRegistry(settings, place) : withAddress(settings);
        }

        private String proposed(String option, Map<String, String> settings) {
            if (option.equals("backend-url") && wantsPublicIp()) return "public:" + given("backend-port");
            if (!given(option).isEmpty()) return given(option);
            if (option.equals("registry-url")) {
                return program == Program.GATEWAY ? "embedded" : "http://localhost:8000";
            }
            return isRandom(option, settings) ? randomKey() : env.text(option);
        }

        private boolean wantsPublicIp() {
            return env.isOn("use-public-ip")
                || given("backend-url").isEmpty() && !given("backend-port").isEmpty();
        }

        /** A gateway with a registry of its own needs both keys, and nobody else knows them yet. */
        private static boolean isRandom(String option, Map<String, String> settings) {
            return option.matches("(api|encryption)-key")
                && settings.getOrDefault("BACKENDS_REGISTRY_URL", "").equals("embedded");
        }

        private static String randomKey() {
            byte[] bytes = new byte[32];
            new SecureRandom().nextBytes(bytes);
            return HexFormat.of().formatHex(bytes);
        }

        /** What was given before any question: now, or when it was installed. */
        private String given(String option) {
            Env.Value now = env.value(option);
            if (!now.source().equals("default")) return now.text();
            Optional<Env.Value> before = kept.map(env -> env.value(option));
            return before.filter(value -> !value.source().equals("default")).map(Env.Value::text).orElse("");
        }

        private boolean isAnswered(String option) {
            boolean otherwise = option.equals("backend-url") && isAnswered("use-public-ip");
            return otherwise || env.value(option).source().equals("command line");
        }

        /** Asks until the answer is right; where nothing is asked, a wrong one is a fault. */
        private String answer(String option, String proposed) throws IOException {
            if (env.isOn("yes") || isAnswered(option)) {
                String fault = fault(option, proposed);
                if (!fault.isEmpty()) env.fault(option, fault);
                return proposed;
            }
            while (true) {
                String typed = terminal.ask(question(option, proposed), isSecret(option));
                String text = typed.isEmpty() ? proposed : typed;
                String fault = fault(option, text);
                if (fault.isEmpty()) return text;
                say("  It " + fault);
            }
        }

        private String question(String option, String proposed) {
            String shown = !isSecret(option) ? proposed
                : !given(option).isEmpty() ? "the one that is set"
                : !proposed.isEmpty() ? "a random one"
                : OPTIONAL.contains(option) ? "none" : "";
            return setting(option).meaning() + (shown.isEmpty() ? "" : " [" + shown + "]");
        }

        private static boolean isSecret(String option) {
            return SECRETS.contains(variable(option));
        }

        /** What is wrong with an answer, as the end of a sentence; empty where nothing is. */
        private String fault(String option, String text) {
            if (text.isEmpty()) {
                return OPTIONAL.contains(option) ? ""
                    : "is needed: here, in the environment, in .env or as --" + option + "=….";
            }
            if (text.contains("\uFFFD")) return "lost letters on its way here: try with LC_ALL=C.UTF-8.";
            if (text.codePoints().anyMatch(c -> Character.isISOControl(c) || c == 0x2028 || c == 0x2029)) {
                return "must be one line without control characters.";
            }
            try {
                check(option, text);
                return "";
            } catch (IllegalArgumentException e) {
                return e.getMessage().replaceFirst("^\\w+ ", "") + ".";      // without the name of the field
            }
        }

        private void check(String option, String text) {
            switch (option) {
                case "name" -> new Entry(text, "http://any", "", "", "", 1, 0);
                case "prefix" -> new Entry("any", "http://any", "", text, "", 1, 0);
                case "proxy-port" -> checkPort(text);
                case "registry-url" -> checkRegistry(text);
                case "backend-token", "api-key", "admin-token" -> checkHeader(text);
                case "backend-url" -> {
                    if (text.startsWith("public:")) checkPort(text.substring("public:".length()));
                    else new Entry("any", text, "", "", "", 1, 0);
                }
                default -> { }                 // an encryption key may be anything
            }
        }

        private static void checkPort(String text) {
            int port = text.matches("[0-9]{1,5}") ? Integer.parseInt(text) : 0;
            if (port > 0 && port < 65536) return;
            throw new IllegalArgumentException("port must have a number from 1 to 65535");
        }

        private static void checkHeader(String text) {
            if (text.matches("[!-~]{1,4096}")) return;
            throw new IllegalArgumentException("it must be visible ASCII characters, as headers are");
        }

        private void checkRegistry(String text) {
            boolean gateway = program == Program.GATEWAY;
            boolean own = text.equals("embedded") || text.matches("file:/.+|file:[A-Za-z]:.+");
            if (gateway && own || text.matches("etcds?://[^/?#@\\s]+")) return;
            if (text.startsWith("http")) new Entry("any", text, "", "", "", 1, 0);
            else throw new IllegalArgumentException("registry must be http(s)://… or etcd://HOST:2379"
                + (gateway ? ", file:/… with its whole path, or embedded" : ""));
        }

        private static Map<String, String> withAddress(Map<String, String> settings) {
            String url = settings.get("BACKEND_URL");
            boolean found = url.startsWith("public:");
            settings.put("BACKEND_URL", found ? "" : url);
            settings.put("BACKEND_PORT", found ? url.substring("public:".length()) : "");
            return settings;
        }

        private static Map<String, String> withRegistry(Map<String, String> settings, Place place) {
            boolean embedded = settings.get("BACKENDS_REGISTRY_URL").equals("embedded");
            if (embedded) settings.put("BACKENDS_REGISTRY_URL", "");
            settings.put("REGISTRY_FILE", embedded ? place.state().resolve("backends.json").toString() : "");
            return settings;
        }
    }

    /** A file of NAME=value lines that Env reads. */
    private static final class SettingsFile {
        static Optional<Env> env(Path file) {
            if (!Files.exists(file)) return Optional.empty();
            Env env = new Env(SETTINGS, new String[] {"--env-file=" + file}, Map.of());
            env.check();
            return Optional.of(env);
        }

        /** The settings by their variables; those that are not set are empty. */
        static Map<String, String> read(Path file) {
            Map<String, String> settings = new LinkedHashMap<>();
            Optional<Env> env = env(file);
            for (Env.Setting setting : SETTINGS) {
                if (setting.variables().isEmpty()) continue;
                String text = env.map(from -> from.value(setting.option()))
                    .filter(value -> !value.source().equals("default")).map(Env.Value::text).orElse("");
                settings.put(setting.variables().getFirst(), text);
            }
            return settings;
        }

        /** Lines that someone added stay; of ours only those change whose value is another now. */
        static String merge(String before, Map<String, String> settings) {
            List<String> lines = new ArrayList<>();
            Map<String, String> missing = new LinkedHashMap<>(settings);
            for (String line : before.lines().toList()) {
                String name = line.strip().replaceFirst("^export\\s+", "").replaceFirst("\\s*=.*", "");
                lines.add(settings.containsKey(name) ? line(name, settings.get(name)) : line);
                missing.remove(name);
            }
            missing.forEach((name, value) -> {
                if (!value.isEmpty()) lines.add(line(name, value));
            });
            return String.join("\n", lines) + "\n";
        }

        /** The quotes that Env takes off again, whatever is between them. */
        private static String line(String name, String value) {
            if (!value.contains("'")) return name + "='" + value + "'";
            return name + "=\"" + value.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
        }
    }

    // ---- 5. Checks ----------------------------------------------------------------------------------------
    // Questions to the real world, asked before anything is written. A fault says what to do; whoever knows
    // better may go on all the same.

    /** One thing that was looked at; {@code fault} is empty where it is well. */
    private record Check(String what, String fault) {}

    /** The checks of one installation. */
    private record Checks(Place place, Service service, Map<String, String> settings, Supervisor supervisor) {
        List<Check> run() {
            List<Check> checks = new ArrayList<>(List.of(java(), rights(), folders()));
            if (place.root().isEmpty()) checks.add(tool());
            checks.add(registry());
            if (service.program() == Program.REGISTRAR) checks.add(backend());
            else checks.add(port("PROXY_PORT", "8080"));
            boolean embedded = service.program() == Program.GATEWAY
                && settings.get("BACKENDS_REGISTRY_URL").isEmpty();
            if (embedded) checks.add(port("REGISTRY_PORT", "8000"));
            return checks;
        }

        private Check java() {
            String what = "Java " + Runtime.version() + " at " + JAVA;
            if (ToolProvider.getSystemJavaCompiler() == null) {
                return new Check(what, "it has no compiler; install a JDK, version 21 or newer");
            }
            boolean hidden = JAVA.startsWith("/root") || JAVA.startsWith("/home");
            boolean own = place.folder().startsWith(place.home(""));
            return new Check(what, !hidden || own ? "" : "services of the machine may not look there; install"
                + " a JDK for all users, below /usr or /opt, and run this with it");
        }

        private Check rights() {
            boolean wanting = List.of("systemd", "openrc").contains(place.system()) && !Place.isRoot();
            return new Check("the rights for " + place.system(), wanting && place.root().isEmpty()
                ? "it needs root; run this with sudo, or with --system=systemd-user" : "");
        }

        private Check folders() {
            for (Path folder : List.of(place.folder(), supervisor.file().getParent())) {
                Path there = folder;
                while (!Files.exists(there)) there = there.getParent();
                if (!Files.isDirectory(there)) return new Check(folder + "", there + " is not a folder");
                if (!Files.isWritable(there)) {
                    return new Check(folder + "", "you may not write to " + there + "; run this with sudo");
                }
            }
            return new Check(place.folder() + " can be written", "");
        }

        private Check tool() {
            String tool = supervisor.tool();
            String path = System.getenv().getOrDefault("PATH", "");
            boolean there = Stream.of(path.split(File.pathSeparator)).anyMatch(folder ->
                Files.exists(Path.of(folder, tool)) || Files.exists(Path.of(folder, tool + ".exe")));
            return new Check(tool, there ? "" : "it is not on PATH; install it, or choose another --system");
        }

        private Check registry() {
            String url = settings.get("BACKENDS_REGISTRY_URL");
            if (url.isEmpty()) return new Check("the registry is the gateway's own", "");
            if (url.startsWith("etcd")) return etcd(url);
            if (url.startsWith("file:")) {
                boolean readable = Files.isReadable(Path.of(url.substring("file:".length())));
                return new Check(url, readable ? "" : "there is no such file that can be read");
            }
            String fault = Http.fault(url, settings.get("API_KEY"));
            return new Check(url + " answers and takes the API key", fault);
        }

        private static Check etcd(String url) {
            List<String> silent = new ArrayList<>();
            for (String member : url.substring(url.indexOf("//") + 2).split(",")) {
                URI address = URI.create("etcd://" + member);
                int port = address.getPort() < 0 ? 2379 : address.getPort();
                if (address.getHost() == null || !answers(address.getHost(), port)) silent.add(member);
            }
            return new Check(url, silent.isEmpty() ? "" : String.join(", ", silent)
                + " takes no connection; start etcd, or correct the address");
        }

        private static boolean answers(String host, int port) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(host, port), 5000);
                return true;
            } catch (IOException e) {
                return false;
            }
        }

        private Check backend() {
            String url = settings.get("BACKEND_URL");
            if (url.isEmpty()) url = "http://localhost:" + settings.get("BACKEND_PORT");
            String path = settings.get("BACKEND_HEALTH_PATH");
            try {
                int status = Http.get(url + (path.isEmpty() ? "/health" : path), "").status();
                return new Check("the backend " + url + " answers (" + status + ")", "");
            } catch (IOException e) {
                String fault = Http.silence(e) + "; start it, or correct its URL";
                return new Check("the backend " + url, fault);
            }
        }

        /** A port that this very service has from before is as good as a free one. */
        private Check port(String variable, String fallback) {
            String text = settings.get(variable).isEmpty() ? fallback : settings.get(variable);
            if (!text.matches("[0-9]{1,5}")) return new Check("port " + text, variable + " must be a number");
            int port = Integer.parseInt(text);
            if (Running.find(service).isPresent()) return new Check("port " + port + " (it runs)", "");
            try (ServerSocket socket = new ServerSocket()) {
                socket.setReuseAddress(true);
                socket.bind(new InetSocketAddress(port));
                return new Check("port " + port + " is free", "");
            } catch (IOException e) {
                return new Check("port " + port, "it cannot be had (" + reason(e)
                    + "); end the program that has it, or choose another " + variable);
            }
        }
    }

    /** What the installer asks by HTTP. */
    private static final class Http {
        /** A status and a body. */
        record Answer(int status, String body) {}

        /** A GET with the old client: it starts faster than HttpClient, and there is only one request. */
        static Answer get(String url, String apiKey) throws IOException {
            try {
                HttpURLConnection request = (HttpURLConnection) URI.create(url).toURL().openConnection();
                request.setInstanceFollowRedirects(false);         // a key is not for another address
                request.setConnectTimeout(5000);
                request.setReadTimeout(10_000);
                if (!apiKey.isEmpty()) request.setRequestProperty("Authorization", "Bearer " + apiKey);
                int status = request.getResponseCode();
                InputStream body = status < 400 ? request.getInputStream() : request.getErrorStream();
                byte[] bytes = body == null ? new byte[0] : body.readNBytes(1_000_000);
                return new Answer(status, new String(bytes, StandardCharsets.UTF_8));
            } catch (IllegalArgumentException e) {                 // whose own words may be the key
                throw new IOException("its address or key has characters that HTTP cannot carry");
            }
        }

        /** Where backends are listed; with a name, that backend's entry. */
        static String backends(String url, String name) {
            String base = url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
            return base + "/collections/backends" + (name.isEmpty() ? "" : "/" + name);
        }

        /** Why a registry is of no use with this key; empty where it is. */
        static String fault(String url, String apiKey) {
            try {
                int health = get(url.replaceFirst("/$", "") + "/health", "").status();
                if (health != 200) return "it answers " + health + " at /health; is it a registry's address?";
                int list = get(backends(url, ""), apiKey).status();
                if (list == 401) return "it refused the API key; use the registry's own API_KEY";
                return list == 200 ? "" : "it answered " + list + " when asked for backends; see its log";
            } catch (IOException e) {
                return silence(e) + "; start it, or correct its address";
            }
        }

        /** What an answer that did not come means. */
        static String silence(IOException e) {
            if (e instanceof ConnectException) return "it takes no connection";
            if (e instanceof SocketTimeoutException) return "it did not answer in time";
            return "it does not answer (" + reason(e) + ")";
        }
    }

    // ---- 6. Steps -----------------------------------------------------------------------------------------
    // The installation itself, as a list. Installing again goes the same way: what is as it should be stays.

    private static final class Installation {
        private final Env env;
        private final Program program;
        private final Place place;
        private final Manifest manifest;
        private final Terminal terminal = new Terminal();
        private Service service;
        private Map<String, String> settings;
        private Supervisor supervisor;
        private Path source;
        private Changes changes;

        Installation(Env env, Program program) throws IOException {
            this.env = env;
            this.program = program;
            this.place = Place.of(env);
            this.manifest = Manifest.read(place);
        }

        int run() throws IOException {
            Questions questions = new Questions(env, terminal, program);
            source = source();
            service = questions.service(manifest);
            settings = questions.settings(place, service);
            supervisor = new Supervision(place, service, settings).supervisor();
            changes = new Changes(place, manifest, service, env.isOn("dry-run"));
            refuseAnotherSystem();
            say("\nInstalling " + service.describe() + " with " + place.system() + " into " + place.folder());
            if (!passesChecks()) return 1;
            keepWhatWasChangedByHand();
            carryOut();
            say(env.isOn("dry-run") ? "\nNothing was changed." : report());
            return 0;
        }

        private Path source() {
            String file = program.mainClass + ".java";
            Path launched = Path.of(System.getProperty("jdk.launcher.sourcefile", ""));
            String named = env.text("source");
            List<Path> places = !named.isEmpty() ? List.of(Path.of(named))
                : List.of(launched.resolveSibling(file), Path.of(file));
            return places.stream().filter(Files::isRegularFile).findFirst().orElseThrow(() ->
                new Env.Refused(places.getFirst() + " not found: put " + file
                    + " beside Install.java, or give --source=FILE."));
        }

        private void refuseAnotherSystem() {
            String before = manifest.services.getOrDefault(service.unit(), place.system());
            if (before.equals(place.system())) return;
            throw new Stopped(service.unit() + " is installed with " + before + ": uninstall it first, or"
                + " go on with --system=" + before + ".");
        }

        private boolean passesChecks() throws IOException {
            List<Check> checks = new Checks(place, service, settings, supervisor).run();
            for (Check check : checks) {
                if (check.fault().isEmpty()) say("  ok     " + check.what());
                else say("  FAULT  " + check.what() + ": " + check.fault() + ".");
            }
            if (checks.stream().allMatch(check -> check.fault().isEmpty())) return true;
            if (env.isOn("force") || env.isOn("dry-run")) return true;
            if (!env.isOn("yes") && terminal.agrees("Install all the same?")) return true;
            say("Nothing was installed. Set right what is at fault, or go on with --force.");
            return false;
        }

        private void keepWhatWasChangedByHand() throws IOException {
            Map<Path, byte[]> files = Map.of(place.source(program), Files.readAllBytes(source),
                supervisor.file(), supervisor.content());
            for (Map.Entry<Path, byte[]> wanted : files.entrySet()) {
                Path file = wanted.getKey();
                if (!Files.exists(file) || manifest.isAsWritten(file) || env.isOn("force")) continue;
                if (Arrays.equals(Files.readAllBytes(file), wanted.getValue())) continue;
                String question = file + " was changed by hand, or is not of this installer. Overwrite it?";
                if (env.isOn("yes") || !terminal.agrees(question)) changes.keep(file);
            }
        }

        private void carryOut() throws IOException {
            boolean update = manifest.services.containsKey(service.unit());
            try {
                changes.step("Folder", this::makeFolders);
                if (update) pause();
                List<Command> back = update ? supervisor.start() : supervisor.forget();
                changes.whenUndone("told the system", () -> runAll(back));
                changes.step("Program", this::writeProgram);
                changes.step("Settings", this::writeSettings);
                changes.step("Service", this::writeService);
                changes.step("Manifest", this::writeManifest);
                if (!update) changes.whenUndone("stopped it", () -> runAll(supervisor.stop()));
                changes.step("Start", () -> runAll(supervisor.start()));
                changes.step("Watch", this::watch);
                changes.done();
            } catch (IOException | RuntimeException e) {
                changes.undo();
                throw new Stopped(message(e) + "\nNothing is left of this attempt.");
            }
        }

        private void runAll(List<Command> commands) throws IOException {
            for (Command command : commands) changes.run(command);
        }

        /** Windows locks the files of what runs. Elsewhere the old one runs on until the new one starts. */
        private void pause() throws IOException {
            if (place.system().equals("windows")) changes.step("Pause", () -> runAll(supervisor.stop()));
        }

        private void makeFolders() throws IOException {
            changes.makeFolder(place.folder(), Access.FOLDER);
            changes.makeFolder(place.jar(program).getParent(), Access.FOLDER);
            if (!place.system().equals("systemd")) changes.makeFolder(place.state(), Access.STATE);
        }

        private void writeProgram() throws IOException {
            byte[] text = Files.readAllBytes(source);
            boolean same = manifest.hasProgram(place, program, text);
            changes.write(place.source(program), text, Access.OPEN);
            if (same) {
                changes.share(place.jar(program));
                changes.share(place.archive(program));
            } else if (changes.isDry()) {
                changes.tell("would make", place.jar(program) + " and " + place.archive(program));
            } else {
                compile();
                for (String other : manifest.services.keySet()) {
                    boolean shares = Service.of(other).program() == program && !other.equals(service.unit());
                    if (shares) changes.tell("left", other + " with the program of before until it restarts");
                }
            }
        }

        /** The archive holds the classes of a training run, and saves a good part of the time to start. */
        private void compile() throws IOException {
            changes.write(place.jar(program), Compiled.jar(source), Access.OPEN);
            Optional<byte[]> archive = Compiled.archive(place, program);
            if (archive.isPresent()) changes.write(place.archive(program), archive.get(), Access.OPEN);
            else changes.tell("made no", place.archive(program) + ": the service starts slower without it");
        }

        private void writeSettings() throws IOException {
            Path file = place.settings(service);
            String before = Files.exists(file) ? Files.readString(file)
                : "# Settings of " + service.unit() + ". After a change, restart it.\n";
            byte[] text = SettingsFile.merge(before, settings).getBytes(StandardCharsets.UTF_8);
            changes.write(file, text, Access.SECRET);
            String secrets = "(?m)^(" + String.join("|", SECRETS) + ")=.*";
            changes.show(SettingsFile.merge("", settings).replaceAll(secrets, "$1=(not shown)"));
        }

        private void writeService() throws IOException {
            changes.makeFolder(supervisor.file().getParent(), Access.FOLDER);
            changes.write(supervisor.file(), supervisor.content(), supervisor.access());
            changes.show(supervisor.text());
            if (supervisor.isCron()) new Crontab(changes, place, service).change(supervisor.bootLine());
        }

        private void writeManifest() throws IOException {
            manifest.services.put(service.unit(), place.system());
            manifest.java.put(program.mainClass, Manifest.thisJava());
            changes.writeManifest();
        }

        /** A service that cannot run ends in its first seconds: then the installation has failed. */
        private void watch() throws IOException {
            if (changes.isDry() || place.root().isPresent()) {
                changes.tell("skipped", "the look whether it runs");
                return;
            }
            Optional<ProcessHandle> process = Running.awaitLasting(service);
            boolean seen = !place.system().equals("windows");     // which shows no command line of others
            if (process.isPresent()) changes.tell("runs", "as process " + process.get().pid());
            else if (!seen) changes.tell("started", "it, as far as Windows lets it be seen");
            else throw new Stopped(service.unit() + " ended at once. Why: " + supervisor.log());
        }

        private String report() {
            StringBuilder lines = new StringBuilder("""

                Done: %s starts with the machine.
                  What it says: %s
                  How it is:    java Install.java status %s
                  Take it away: java Install.java uninstall %s""".formatted(service.describe(),
                supervisor.log(), service.shortName(), service.shortName()));
            if (place.system().equals("systemd-user")) lines.append("\n  It waits until you log in; for a"
                + " start with the machine: sudo loginctl enable-linger " + System.getProperty("user.name"));
            if (!settings.getOrDefault("TLS_CERT", "").isEmpty()) lines.append("\n  It reads a new"
                + " certificate when it restarts: let whoever renews it restart " + service.unit());
            if (!settings.getOrDefault("REGISTRY_FILE", "").isEmpty()) lines.append("\n  Registrars need the"
                + " API_KEY and the ENCRYPTION_KEY that are in ").append(place.settings(service));
            return lines.toString();
        }
    }

    /** What Java runs: a jar, since class-data archives work with no other form, and such an archive. */
    private static final class Compiled {
        static byte[] jar(Path source) throws IOException {
            Path classes = Files.createTempDirectory("install");
            try {
                compile(source, classes);
                return jarOf(classes);
            } finally {
                deleteTree(classes);
            }
        }

        private static void compile(Path source, Path classes) {
            ByteArrayOutputStream messages = new ByteArrayOutputStream();
            JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
            // The class path is the empty folder: no neighbour of the source is taken for a part of it.
            int result = compiler == null ? 1 : compiler.run(null, messages, messages, "-proc:none",
                "-encoding", "UTF-8", "-cp", classes + "", "-d", classes + "", source + "");
            if (result != 0) throw new Stopped(source + " does not compile: " + messages);
        }

        /** All times in it are the same, so that the same classes make the same jar. */
        private static byte[] jarOf(Path classes) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (JarOutputStream jar = new JarOutputStream(bytes)) {
                for (Path file : tree(classes)) {
                    if (!Files.isRegularFile(file)) continue;
                    ZipEntry entry = new ZipEntry(classes.relativize(file).toString().replace('\\', '/'));
                    entry.setTimeLocal(LocalDateTime.of(2000, 1, 1, 0, 0));
                    jar.putNextEntry(entry);
                    Files.copy(file, jar);
                }
            }
            return bytes.toByteArray();
        }

        /** Empty where none was made, as of the gateway on Windows, where no run can be ended gently. */
        static Optional<byte[]> archive(Place place, Program program) throws IOException {
            Path folder = Files.createTempDirectory("install");
            try {
                Path archive = folder.resolve("archive");
                List<String> words = java(place, program, Archive.OF_THIS_JAVA.write + archive);
                words.addAll(program.training);
                Process run = Output.builder(words).directory(folder.toFile())
                    .redirectOutput(folder.resolve("output").toFile()).start();
                run.onExit().completeOnTimeout(run, 3, TimeUnit.SECONDS).join().destroy();
                run.onExit().completeOnTimeout(run, 20, TimeUnit.SECONDS).join().destroyForcibly();
                run.onExit().join();
                return Files.exists(archive) ? Optional.of(Files.readAllBytes(archive)) : Optional.empty();
            } finally {
                deleteTree(folder);
            }
        }

        private static List<Path> tree(Path folder) throws IOException {
            try (Stream<Path> files = Files.walk(folder)) {
                return files.sorted().toList();
            }
        }

        private static void deleteTree(Path folder) throws IOException {
            for (Path file : tree(folder).reversed()) Files.delete(file);
        }
    }

    // ---- 7. Supervisors -----------------------------------------------------------------------------------
    // What keeps a service running, one method for each system. All of it is data, so that --dry-run can show
    // it. None of it is secret; of the answers it has the backend's name, all else is in the settings.

    /** A command. One that may fail does something that may be done already. */
    private record Command(boolean mayFail, List<String> words) {
        static Command of(String... words) {
            return new Command(false, List.of(words));
        }

        static Command attempt(String... words) {
            return new Command(true, List.of(words));
        }

        @Override
        public String toString() {
            return Shell.line(words);
        }
    }

    /**
     * One service as its system wants it: {@code text} for {@code file}, the commands that {@code start} or
     * restart it, that {@code stop} it for good, and that {@code forget} it when its file is gone; with cron
     * also its line. {@code log} is how to see what it says.
     */
    private record Supervisor(Path file, String text, List<Command> start, List<Command> stop,
                              List<Command> forget, String bootLine, String log) {
        boolean isCron() {
            return !bootLine.isEmpty();
        }

        /** The command without which the system is not there. */
        String tool() {
            return isCron() ? "crontab" : start.getFirst().words().getFirst();
        }

        Access access() {
            return text.startsWith("#!") ? Access.PROGRAM : Access.OPEN;
        }

        byte[] content() {
            // schtasks takes UTF-16 only, with a mark of the byte order.
            boolean utf16 = text.contains("encoding=\"UTF-16\"");
            return utf16 ? ("\uFEFF" + text).getBytes(StandardCharsets.UTF_16LE)
                : text.getBytes(StandardCharsets.UTF_8);
        }
    }

    /** Makes the supervisor of a service. */
    private record Supervision(Place place, Service service, Map<String, String> settings) {
        Supervisor supervisor() {
            return switch (place.system()) {
                case "systemd" -> systemd();
                case "systemd-user" -> systemdUser();
                case "openrc" -> openrc();
                case "cron" -> cron();
                case "launchd" -> launchd();
                default -> windows();
            };
        }

        /** The command of the service, whose settings are in a file. */
        private List<String> words(String file) {
            Program program = service.program();
            // An archive that is not for this Java is passed over; nobody needs to hear of it at each start.
            List<String> words = java(place, program, Archive.OF_THIS_JAVA.read + place.archive(program),
                Archive.OF_THIS_JAVA.quiet, Running.mark(service));
            if (program == Program.REGISTRAR) words.add("--daemon");
            if (!settings.getOrDefault("BACKEND_PORT", "").isEmpty()) words.add("--use-public-ip");
            words.add("--env-file=" + file);
            return words;
        }

        private List<String> words() {
            return words(place.settings(service).toString());
        }

        private String log() {
            return place.state().resolve(service.unit() + ".log").toString();
        }

        private Supervisor systemd() {
            String exec = Systemd.line(words("CREDENTIALS/settings"));
            StringBuilder more = new StringBuilder(credential("settings", place.settings(service) + ""));
            for (String option : List.of("tls-cert", "tls-key", "tls-keystore", "backend-ca")) {
                String file = settings.getOrDefault(variable(option), "");
                if (file.isEmpty()) continue;
                more.append(credential(option, file));
                exec += " --" + option + "=CREDENTIALS/" + option;
            }
            boolean low = settings.getOrDefault("PROXY_PORT", "").matches("[0-9]{1,3}|10[01][0-9]|102[0-3]");
            String capability = low ? "CAP_NET_BIND_SERVICE" : "";
            more.append("AmbientCapabilities=").append(capability).append('\n');
            if (service.program() == Program.GATEWAY) more.append("StateDirectory=backend-gateway\n");
            more.append(Systemd.HARDENED.formatted(capability));
            return systemd(place.at("/etc/systemd/system"), exec.replace("CREDENTIALS", "%d"),
                more.toString(), "multi-user.target", "systemctl");
        }

        /** A file that only root may read, for the service to read: %d is where it finds a copy. */
        private static String credential(String name, String path) {
            return "LoadCredential=" + name + ":" + path.replace("%", "%%") + "\n";
        }

        private Supervisor systemdUser() {
            return systemd(place.home(".config/systemd/user"), Systemd.line(words()), Systemd.HARDENED_USER,
                "default.target", "systemctl", "--user");
        }

        private Supervisor systemd(Path folder, String exec, String more, String target,
                                   String... systemctl) {
            String unit = service.unit();
            String text = Systemd.UNIT.formatted(service.describe(), exec, service.program().memory,
                Systemd.variables(), more, target);
            Command reload = Systemd.command(false, systemctl, "daemon-reload");
            List<Command> start = List.of(reload, Systemd.command(false, systemctl, "enable", unit),
                Systemd.command(false, systemctl, "restart", unit));
            List<Command> stop = List.of(Systemd.command(true, systemctl, "disable", "--now", unit));
            String log = "journalctl " + (systemctl.length > 1 ? "--user " : "") + "-u " + unit;
            Path file = folder.resolve(unit + ".service");
            return new Supervisor(file, text, start, stop, List.of(reload), "", log);
        }

        private Supervisor openrc() {
            String unit = service.unit();
            String command = words().getFirst();
            String arguments = Shell.line(words().subList(1, words().size()));
            // OpenRC evaluates these once more: hence the quotes within quotes.
            String text = OPENRC.formatted(Shell.quote(unit), Shell.quote(service.describe()),
                Shell.quote(Shell.quote(command)), Shell.quote(arguments),
                place.account(), place.account(), Shell.quote(Shell.quote(log())));
            return new Supervisor(place.at("/etc/init.d").resolve(unit), text,
                List.of(Command.of("rc-update", "add", unit, "default"),
                    Command.of("rc-service", unit, "restart")),
                List.of(Command.attempt("rc-service", unit, "stop"),
                    Command.attempt("rc-update", "delete", unit, "default")),
                List.of(), "", "tail " + log());
        }

        private static final String OPENRC = """
            #!/sbin/openrc-run
            # Written by Install.java.
            name=%s
            description=%s
            supervisor=supervise-daemon
            command=%s
            command_args=%s
            command_user=%s:%s
            output_log=%s
            error_log="$output_log"
            no_new_privs=yes
            umask=077
            respawn_delay=5
            respawn_max=0

            depend() {
                use net
                after firewall
            }
            """;

        private Supervisor cron() {
            Path script = place.folder().resolve(service.unit() + ".sh");
            String pids = place.state().resolve(service.unit() + ".pid").toString();
            String self = Shell.quote(script.toString());
            String text = CRON.formatted(service.describe(), self, Shell.quote(pids), Shell.quote(log()),
                Shell.line(words()));
            // Root's crontab and su, since not every system lets an account without a login have a crontab.
            String loop = place.account().isEmpty() ? self
                : "su -s /bin/sh " + place.account() + " -c " + Shell.quote(self);
            Command stop = Command.attempt(script.toString(), "stop");
            return new Supervisor(script, text,
                List.of(stop, Command.of("sh", "-c", "nohup " + loop + " >/dev/null 2>&1 &")), List.of(stop),
                List.of(), "@reboot " + loop.replace("%", "\\%"), "tail " + log());
        }

        private static final String CRON = """
            #!/bin/sh
            # Keeps %s running: cron starts this with the machine, the word stop ends it.
            # Written by Install.java.
            self=%s
            pid_file=%s
            log=%s
            umask 077

            # The loop that runs already, if one does. A number from before a restart may be anyone's by now.
            running() {
                pid=$(cat "$pid_file" 2>/dev/null) || return 1
                { tr '\\0' ' ' <"/proc/$pid/cmdline" || ps -o args= -p "$pid"; } 2>/dev/null |
                    grep -qF "$self"
            }

            if [ "$1" = stop ]; then
                running || exit 0
                kill "$pid"
                while kill -0 "$pid" 2>/dev/null; do sleep 1; done
                exit 0
            fi
            running && exit 0
            echo $$ >"$pid_file"
            trap 'kill "$child" 2>/dev/null; wait "$child"; rm -f "$pid_file"; exit 0' TERM INT HUP
            while :; do
                if [ "$(wc -c <"$log" 2>/dev/null || echo 0)" -gt 1000000 ]; then mv -f "$log" "$log.1"; fi
                env -i LANG=C.UTF-8 %s >>"$log" 2>&1 &
                child=$!
                wait "$child"
                # Wrong settings do not get better by trying again.
                if [ $? -eq 2 ]; then rm -f "$pid_file"; exit 2; fi
                sleep 2 &
                child=$!
                wait "$child"
            done
            """;

        private Supervisor launchd() {
            String name = service.unit() + ".plist";
            Path file = place.account().isEmpty() ? place.home("Library/LaunchAgents").resolve(name)
                : place.at("/Library/LaunchDaemons").resolve(name);
            String words = words().stream().map(word -> "        <string>" + xml(word) + "</string>\n")
                .collect(Collectors.joining());
            String user = place.account().isEmpty() ? ""
                : "    <key>UserName</key>\n    <string>" + place.account() + "</string>\n";
            Command unload = Command.attempt("launchctl", "unload", "-w", file.toString());
            String text = LAUNCHD.formatted(service.unit(), words, user, xml(log()), xml(log()));
            return new Supervisor(file, text,
                List.of(unload, Command.of("launchctl", "load", "-w", file.toString())), List.of(unload),
                List.of(), "", "tail " + log());
        }

        private static final String LAUNCHD = """
            <?xml version="1.0" encoding="UTF-8"?>
            <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN"
                "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
            <plist version="1.0">
            <dict>
                <key>Label</key>
                <string>%s</string>
                <key>ProgramArguments</key>
                <array>
            %s    </array>
            %s    <key>EnvironmentVariables</key>
                <dict>
                    <key>LANG</key>
                    <string>C.UTF-8</string>
                </dict>
                <key>RunAtLoad</key>
                <true/>
                <key>KeepAlive</key>
                <true/>
                <key>ThrottleInterval</key>
                <integer>5</integer>
                <key>Umask</key>
                <integer>63</integer>
                <key>StandardOutPath</key>
                <string>%s</string>
                <key>StandardErrorPath</key>
                <string>%s</string>
            </dict>
            </plist>
            """;

        private Supervisor windows() {
            String unit = service.unit();
            List<String> words = words();
            String arguments = words.stream().skip(1)
                .map(word -> word.contains(" ") ? "\"" + word + "\"" : word).collect(Collectors.joining(" "));
            Path file = place.folder().resolve(unit + ".xml");
            return new Supervisor(file,
                TASK.formatted(xml(service.describe()), xml(words.getFirst()), xml(arguments)),
                List.of(Command.of("schtasks", "/create", "/f", "/tn", unit, "/xml", file.toString()),
                    Command.of("schtasks", "/run", "/tn", unit)),
                List.of(Command.attempt("schtasks", "/end", "/tn", unit),
                    Command.attempt("schtasks", "/delete", "/f", "/tn", unit)),
                List.of(), "", "Windows keeps no output of a task; the next line tells how it is");
        }

        /** The account is LocalService. The trigger's repetition starts again what was killed, too. */
        private static final String TASK = """
            <?xml version="1.0" encoding="UTF-16"?>
            <Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
              <RegistrationInfo>
                <Description>Backend Gateway: %s</Description>
              </RegistrationInfo>
              <Triggers>
                <BootTrigger>
                  <Repetition>
                    <Interval>PT1M</Interval>
                  </Repetition>
                </BootTrigger>
              </Triggers>
              <Principals>
                <Principal id="Author">
                  <UserId>S-1-5-19</UserId>
                  <RunLevel>LeastPrivilege</RunLevel>
                </Principal>
              </Principals>
              <Settings>
                <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
                <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
                <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
                <StartWhenAvailable>true</StartWhenAvailable>
                <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
                <RestartOnFailure>
                  <Interval>PT1M</Interval>
                  <Count>999</Count>
                </RestartOnFailure>
              </Settings>
              <Actions Context="Author">
                <Exec>
                  <Command>%s</Command>
                  <Arguments>%s</Arguments>
                </Exec>
              </Actions>
            </Task>
            """;

        private static String xml(String text) {
            return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
        }
    }

    /** What the units of systemd have in common. */
    private static final class Systemd {
        static final String UNIT = """
            # Written by Install.java. For changes of your own: systemctl edit
            [Unit]
            Description=Backend Gateway: %s
            Wants=network-online.target
            After=network-online.target
            StartLimitIntervalSec=0

            [Service]
            Type=exec
            ExecStart=%s
            Restart=always
            RestartSec=2
            # Wrong settings do not get better by trying again.
            RestartPreventExitStatus=2
            SuccessExitStatus=143
            MemoryMax=%s
            LimitNOFILE=65536
            Environment=LANG=C.UTF-8
            # The file of settings is to count, whatever the manager's own environment has.
            UnsetEnvironment=%s
            %s
            [Install]
            WantedBy=%s
            """;

        /** What every manager can see to, one without root's rights too: the rest needs mounts of its own. */
        static final String HARDENED_USER = """
            LockPersonality=yes
            NoNewPrivileges=yes
            RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
            RestrictNamespaces=yes
            RestrictRealtime=yes
            RestrictSUIDSGID=yes
            SystemCallArchitectures=native
            SystemCallErrorNumber=EPERM
            SystemCallFilter=@system-service
            UMask=0077
            """;

        /** A user that exists for this service alone, and sees and may do as little as Java can live with. */
        static final String HARDENED = HARDENED_USER + """
            SystemCallFilter=~@privileged @resources
            DynamicUser=yes
            CapabilityBoundingSet=%s
            PrivateDevices=yes
            PrivateTmp=yes
            ProcSubset=pid
            ProtectClock=yes
            ProtectControlGroups=yes
            ProtectHome=yes
            ProtectHostname=yes
            ProtectKernelLogs=yes
            ProtectKernelModules=yes
            ProtectKernelTunables=yes
            ProtectProc=invisible
            ProtectSystem=strict
            RemoveIPC=yes
            """;

        static String variables() {
            return SETTINGS.stream().flatMap(setting -> setting.variables().stream())
                .collect(Collectors.joining(" "));
        }

        static Command command(boolean mayFail, String[] systemctl, String... words) {
            return new Command(mayFail, Stream.concat(Stream.of(systemctl), Stream.of(words)).toList());
        }

        /** An ExecStart line: every word in quotes where it needs them, nothing of it expanded. */
        static String line(List<String> words) {
            return words.stream().map(Systemd::quote).collect(Collectors.joining(" "));
        }

        private static String quote(String word) {
            String escaped = word.replace("\\", "\\\\").replace("\"", "\\\"").replace("%", "%%")
                .replace("$", "$$");
            boolean plain = escaped.equals(word) && !word.matches(".*[\\s';].*");
            return plain ? word : "\"" + escaped + "\"";
        }
    }

    /** Words for a Bourne shell. */
    private static final class Shell {
        static String quote(String word) {
            return word.matches("[A-Za-z0-9_@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
        }

        static String line(List<String> words) {
            return words.stream().map(Shell::quote).collect(Collectors.joining(" "));
        }
    }

    /** The one line of a service in a crontab, among those of others. */
    private record Crontab(Changes changes, Place place, Service service) {
        /** Has the line there once, however often it was installed; not at all where it is empty. */
        void change(String line) throws IOException {
            String before = read();
            String mark = " # " + service.unit();
            String others = before.lines().filter(old -> !old.endsWith(mark)).map(old -> old + "\n")
                .collect(Collectors.joining());
            String after = line.isEmpty() ? others : others + line + mark + "\n";
            if (after.equals(before)) {
                changes.tell("left", "the crontab as it is");
                return;
            }
            String what = line.isEmpty() ? "away its line" : "into the crontab: " + line + mark;
            changes.tell(changes.isDry() ? "would put" : "put", what);
            if (changes.isDry()) return;
            changes.whenUndone("put the crontab back", () -> write(before));
            write(after);
        }

        private String read() throws IOException {
            if (place.root().isPresent()) return Files.exists(file()) ? Files.readString(file()) : "";
            Output output = Output.of(List.of("crontab", "-l"), "");
            return output.exit() == 0 ? output.text() : "";          // it fails where there is none yet
        }

        private void write(String text) throws IOException {
            if (place.root().isPresent()) {
                changes.makeFolder(file().getParent(), Access.FOLDER);
                if (text.isEmpty()) Files.deleteIfExists(file());
                else Changes.replace(file(), text.getBytes(StandardCharsets.UTF_8), Access.PRIVATE, place);
                return;
            }
            Output output = Output.of(List.of("crontab", text.isEmpty() ? "-r" : "-"), text);
            if (output.exit() != 0) throw new Stopped("crontab refused the change: " + output.text());
        }

        private Path file() {
            return place.at("/var/spool/cron/crontabs").resolve(System.getProperty("user.name"));
        }
    }

    // ---- 8. Changes ---------------------------------------------------------------------------------------
    // The only hands that touch the machine. Each change is told, noted in the manifest, and remembered with
    // its way back until the whole is done.

    /** Who may do what with a file or a folder. What is the account's belongs to the user of the service. */
    private enum Access {
        OPEN("rw-r--r--", false), PROGRAM("rwxr-xr-x", false), PRIVATE("rw-------", false),
        SECRET("rw-------", true), FOLDER("rwxr-xr-x", false), STATE("rwx------", true);

        private final String mode;
        private final boolean isAccounts;

        Access(String mode, boolean isAccounts) {
            this.mode = mode;
            this.isAccounts = isAccounts;
        }

        void apply(Path path, Place place) throws IOException {
            boolean posix = path.getFileSystem().supportedFileAttributeViews().contains("posix");
            if (!posix && mode.endsWith("------")) restrict(path);
            if (!posix) return;
            if (isAccounts && !place.account().isEmpty() && Place.isRoot()) {
                Files.setOwner(path, path.getFileSystem().getUserPrincipalLookupService()
                    .lookupPrincipalByName(place.account()));
            }
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
        }

        /** On Windows, by number since names are translated: SYSTEM, Administrators, LocalService. */
        private void restrict(Path path) throws IOException {
            List<String> words = new ArrayList<>(List.of("icacls", path.toString(), "/inheritance:r",
                "/grant:r", "*S-1-5-18:F", "*S-1-5-32-544:F"));
            if (isAccounts) words.add(this == STATE ? "*S-1-5-19:(OI)(CI)M" : "*S-1-5-19:R");
            Output output = Output.of(words, "");
            if (output.exit() != 0) throw new IOException("icacls failed: " + output.text());
        }
    }

    private static final class Changes {
        /** One change, or its way back. */
        interface Action {
            void run() throws IOException;
        }

        private record Undo(String what, Action action) {}

        private final Place place;
        private final Manifest manifest;
        private final Service service;
        private final boolean dry;
        private final Set<Path> kept = new HashSet<>();
        private final Set<Path> promised = new HashSet<>();      // folders that a dry run told of already
        private final Deque<Undo> undos = new ArrayDeque<>();
        private volatile boolean stopping;
        private String title = "";

        Changes(Place place, Manifest manifest, Service service, boolean dry) {
            this.place = place;
            this.manifest = manifest;
            this.service = service;
            this.dry = dry;
            Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "undo"));
        }

        boolean isDry() {
            return dry;
        }

        /** Runs one named step. A Ctrl-C waits for its end, and no other begins after it. */
        synchronized void step(String name, Action action) throws IOException {
            if (stopping) throw new Stopped("Stopped.");
            title = name;
            action.run();
        }

        private void stop() {
            stopping = true;
            undo();
        }

        void whenUndone(String what, Action action) {
            if (!dry) undos.push(new Undo(what, action));
        }

        /** Goes back, the last change first. What cannot be undone is told, and the rest undone still. */
        synchronized void undo() {
            title = "Undo";
            while (!undos.isEmpty()) {
                Undo undo = undos.pop();
                try {
                    undo.action().run();
                    tell(undo.what(), "");
                } catch (IOException | RuntimeException e) {
                    tell("could not undo", reason(e));
                }
            }
        }

        synchronized void done() {
            undos.clear();
        }

        /** One line about a change, the first of a step under the step's name. */
        void tell(String verb, String what) {
            say("  %-10s %s".formatted(title, (verb + " " + what).strip()));
            title = "";
        }

        /** A file's text, for those who only want to see it. */
        void show(String text) {
            if (dry) text.lines().forEach(line -> say("             | " + line));
        }

        void keep(Path file) {
            kept.add(file);
        }

        void makeFolder(Path folder, Access access) throws IOException {
            Deque<Path> missing = new ArrayDeque<>();
            for (Path path = folder; !Files.exists(path); path = path.getParent()) missing.push(path);
            for (Path path : missing) {
                if (dry && promised.add(path)) tell("would make", path.toString());
                if (dry) continue;
                Files.createDirectory(path);
                undos.push(new Undo("removed " + path, () -> Files.deleteIfExists(path)));
                (path.equals(folder) ? access : Access.FOLDER).apply(path, place);
                manifest.folders.add(path.toString());
                tell("made", path.toString());
            }
        }

        /** Has the file hold these bytes, unless it is to be kept as someone changed it. */
        void write(Path file, byte[] bytes, Access access) throws IOException {
            if (Files.exists(file) && Arrays.equals(Files.readAllBytes(file), bytes)) {
                if (!dry) access.apply(file, place);
                share(file);
            } else if (kept.contains(file)) {
                tell("kept", file + ", changed by hand (--force overwrites it)");
            } else {
                put(file, bytes, access);
                manifest.note(file, bytes, service);
            }
        }

        /** A file that is as it should be, and is for this service too. */
        void share(Path file) throws IOException {
            manifest.note(file, Files.readAllBytes(file), service);
            tell("left", file + " as it is");
        }

        void writeManifest() throws IOException {
            put(manifest.file, manifest.text().getBytes(StandardCharsets.UTF_8), Access.PRIVATE);
        }

        private void put(Path file, byte[] bytes, Access access) throws IOException {
            boolean there = Files.exists(file);
            tell(dry ? "would write" : there ? "renewed" : "wrote", file + " (" + access.mode + ")");
            if (dry) return;
            byte[] former = there ? Files.readAllBytes(file) : null;
            FileTime time = there ? Files.getLastModifiedTime(file) : null;   // an archive knows its jar so
            undos.push(new Undo(there ? "put back " + file : "removed " + file, () -> {
                if (former == null) {
                    Files.deleteIfExists(file);
                } else {
                    replace(file, former, access, place);
                    Files.setLastModifiedTime(file, time);
                }
            }));
            replace(file, bytes, access, place);
        }

        /** At no moment is the file half written, or open to more eyes than at the end. */
        static void replace(Path file, byte[] bytes, Access access, Place place) throws IOException {
            Path temporary = Files.createTempFile(file.getParent(), ".", ".new");       // of mode 600
            try {
                access.apply(temporary, place);
                try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
                    ByteBuffer rest = ByteBuffer.wrap(bytes);
                    while (rest.hasRemaining()) channel.write(rest);
                    channel.force(true);
                }
                Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(temporary);
            }
        }

        /** Takes a file away for good, or an empty folder. */
        void delete(Path path) throws IOException {
            if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) return;
            if (!dry) Files.delete(path);
            tell(dry ? "would remove" : "removed", path.toString());
        }

        /** Runs a command of the system; with --root the system is not this one, and it only tells. */
        void run(Command command) throws IOException {
            if (dry || place.root().isPresent()) {
                tell(dry ? "would run" : "skipped", command.toString());
                return;
            }
            Output output = Output.of(command.words(), "");
            if (output.exit() != 0 && !command.mayFail()) {
                throw new Stopped(command + " failed: " + output.text().strip());
            }
            tell("ran", command.toString());
        }
    }

    /** What a command said, and how it ended. */
    private record Output(int exit, String text) {
        static Output of(List<String> words, String input) throws IOException {
            Process process = builder(words).start();
            try (OutputStream out = process.getOutputStream()) {
                out.write(input.getBytes(StandardCharsets.UTF_8));
            }
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Output(process.onExit().join().exitValue(), text);
        }

        /** A process without the settings in its environment: there the file of settings is to count. */
        static ProcessBuilder builder(List<String> words) {
            ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
            SETTINGS.forEach(setting -> builder.environment().keySet().removeAll(setting.variables()));
            return builder;
        }
    }

    // ---- 9. Manifest --------------------------------------------------------------------------------------
    // What was written, with hashes, in manifest.json. Services may share a file: it goes with the last one.

    private static final class Manifest {
        /** A file's SHA-256 as it was written, and the services that it is for. */
        private record Note(String sha256, Set<String> services) {}

        private final Path file;
        private final Map<String, Note> files = new TreeMap<>();
        private final Set<String> folders = new LinkedHashSet<>();      // in the order they were made in
        private final Map<String, String> services = new TreeMap<>();   // each with its system
        private final Map<String, String> java = new TreeMap<>();       // that compiled each program

        private Manifest(Path file) {
            this.file = file;
        }

        static Manifest read(Place place) throws IOException {
            Manifest manifest = new Manifest(place.folder().resolve("manifest.json"));
            if (!Files.exists(manifest.file)) return manifest;
            if (!Files.isReadable(manifest.file)) {
                throw new Stopped("You may not read " + manifest.file + ": run this with sudo.");
            }
            try {
                manifest.take(Json.parseObject(Files.readString(manifest.file)));
                return manifest;
            } catch (IllegalArgumentException | ClassCastException | NullPointerException e) {
                throw new Stopped(manifest.file + " is not what was written there: put it back from a backup,"
                    + " or remove it and install again with --force.");
            }
        }

        private void take(Map<?, ?> json) {
            ((Map<?, ?>) json.get("java")).forEach((program, by) -> java.put((String) program, (String) by));
            ((List<?>) json.get("folders")).forEach(folder -> folders.add((String) folder));
            ((Map<?, ?>) json.get("services")).forEach((unit, system) ->
                services.put((String) unit, (String) system));
            ((Map<?, ?>) json.get("files")).forEach((path, value) -> {
                Map<?, ?> note = (Map<?, ?>) value;
                Set<String> units = new TreeSet<>();
                ((List<?>) note.get("services")).forEach(unit -> units.add((String) unit));
                files.put((String) path, new Note((String) note.get("sha256"), units));
            });
        }

        /** As JSON with one file a line, for people read it too. */
        String text() {
            String notes = files.entrySet().stream().map(file -> "    %s: {\"sha256\": %s, \"services\": %s}"
                .formatted(Json.write(file.getKey()), Json.write(file.getValue().sha256()),
                    Json.write(file.getValue().services()))).collect(Collectors.joining(",\n"));
            return """
                {
                  "java": %s,
                  "services": %s,
                  "folders": %s,
                  "files": {
                %s
                  }
                }
                """.formatted(Json.write(java), Json.write(services), Json.write(folders), notes);
        }

        void note(Path path, byte[] bytes, Service service) {
            Note before = files.getOrDefault(path.toString(), new Note("", Set.of()));
            Set<String> units = new TreeSet<>(before.services());
            units.add(service.unit());
            files.put(path.toString(), new Note(hash(bytes), units));
        }

        /** The file was written by this program and is there, unchanged. */
        boolean isAsWritten(Path path) throws IOException {
            Note note = files.get(path.toString());
            return note != null && Files.exists(path) && isAsNoted(path, note);
        }

        private static boolean isAsNoted(Path path, Note note) throws IOException {
            return hash(Files.readAllBytes(path)).equals(note.sha256());
        }

        /** The program of this source is there already, compiled and archived by this Java. */
        boolean hasProgram(Place place, Program program, byte[] source) throws IOException {
            Note note = files.get(place.source(program).toString());
            return note != null && note.sha256().equals(hash(source))
                && thisJava().equals(java.get(program.mainClass)) && isAsWritten(place.jar(program))
                && isAsWritten(place.archive(program));
        }

        /** The installed services that a name means; all of them where it is empty. */
        List<Service> named(String name) {
            String unit = name.equals("gateway") ? Service.GATEWAY : Service.REGISTRARS + name;
            List<Service> named = services.keySet().stream()
                .filter(each -> name.isEmpty() || each.equals(name) || each.equals(unit))
                .map(Service::of).toList();
            if (!named.isEmpty()) return named;
            throw new Stopped((name.isEmpty() ? "No service" : "No service for \"" + name + "\"")
                + " is installed in " + file.getParent()
                + (services.isEmpty() ? "" : ", but " + String.join(", ", services.keySet()))
                + (Place.isRoot() ? "." : "; those of the whole machine are found with sudo."));
        }

        static String thisJava() {
            return Runtime.version() + " " + JAVA;
        }

        private static String hash(byte[] bytes) {
            try {
                return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("this Java lacks SHA-256", e);
            }
        }
    }

    // ---- 10. Status ---------------------------------------------------------------------------------------
    // Whether a service runs is seen from its process, which bears its name; the rest the registry knows.

    /** The process of a service, on every system found in the same way. */
    private static final class Running {
        /** A word on its command line by which it is found, and which ps shows. */
        static String mark(Service service) {
            return "-Dservice=" + service.unit();
        }

        static Optional<ProcessHandle> find(Service service) {
            return ProcessHandle.allProcesses().filter(process -> process.info().arguments()
                .map(words -> List.of(words).contains(mark(service))).orElse(false)).findFirst();
        }

        /** Waits until there is one, and then for two seconds, in which a service that cannot run ends. */
        static Optional<ProcessHandle> awaitLasting(Service service) throws IOException {
            try {
                for (int i = 0; i < 100 && find(service).isEmpty(); i++) Thread.sleep(100);
                Optional<ProcessHandle> process = find(service);
                Thread.sleep(2000);
                return process.filter(ProcessHandle::isAlive);
            } catch (InterruptedException e) {
                throw new IOException("interrupted while waiting for the service");
            }
        }
    }

    private static final class Status {
        private static final DateTimeFormatter CLOCK =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneId.systemDefault());

        private final Place place;
        private final Manifest manifest;

        Status(Env env) throws IOException {
            place = Place.of(env);
            manifest = Manifest.read(place);
        }

        /** 0 if all is well with each that was asked for. */
        int run(String name) {
            boolean well = true;
            for (Service service : manifest.named(name)) {
                Optional<ProcessHandle> process = Running.find(service);
                say(service.unit() + ": " + process.map(Status::describe).orElse("does not run"));
                Map<String, String> settings = SettingsFile.read(place.settings(service));
                boolean answered = service.program() == Program.REGISTRAR
                    ? isRegistered(settings, service) : answers(settings);
                well &= process.isPresent() && answered;
            }
            return well ? 0 : 1;
        }

        private static String describe(ProcessHandle process) {
            return "runs as process " + process.pid()
                + process.info().startInstant().map(start -> ", since " + CLOCK.format(start)).orElse("");
        }

        /** Tells what the registry says of a backend. */
        private static boolean isRegistered(Map<String, String> settings, Service service) {
            String url = settings.get("BACKENDS_REGISTRY_URL");
            if (!url.startsWith("http")) {
                say("  " + url + " is not asked: only registries that speak HTTP are");
                return true;
            }
            try {
                Http.Answer answer =
                    Http.get(Http.backends(url, service.name()), settings.get("API_KEY"));
                say("  " + url + switch (answer.status()) {
                    case 200 -> " has it" + times(answer.body());
                    case 404 -> " does not have it";
                    case 401 -> " refuses the API key";
                    default -> " answers " + answer.status();
                });
                return answer.status() == 200;
            } catch (IOException e) {
                say("  " + url + " cannot be asked: " + Http.silence(e));
                return false;
            }
        }

        private static String times(String body) {
            try {
                Object metadata = Json.parseObject(body).get("metadata");
                if (!(metadata instanceof Map<?, ?> times)) return "";
                return ", since " + times.get("registeredAt") + ", renewed " + times.get("lastUpdate");
            } catch (IllegalArgumentException e) {
                return ", in words that are not JSON";
            }
        }

        /** Tells what the gateway says of itself. */
        private static boolean answers(Map<String, String> settings) {
            boolean secure = !(settings.get("TLS_KEYSTORE") + settings.get("TLS_CERT")).isEmpty();
            String url = (secure ? "https" : "http") + "://localhost:" + settings.get("PROXY_PORT");
            try {
                Http.Answer answer = Http.get(url + "/gateway/health", "");
                say("  " + url + " answers " + answer.status() + ": " + answer.body().strip());
                return answer.status() == 200;
            } catch (IOException e) {
                say("  " + url + ": " + Http.silence(e));
                return false;
            }
        }
    }

    // ---- 11. Uninstall ------------------------------------------------------------------------------------
    // What the manifest lists goes, and nothing else: first the service, then its entry, then the files.

    private static final class Removal {
        private final Env env;
        private final Terminal terminal = new Terminal();
        private final Manifest manifest;
        private Place place;
        private Service service;
        private Map<String, String> settings;
        private Changes changes;

        Removal(Env env) throws IOException {
            this.env = env;
            this.place = Place.of(env);
            this.manifest = Manifest.read(place);
        }

        int run(String name) throws IOException {
            service = theOne(name);
            place = Place.of(manifest.services.get(service.unit()), place.root());
            changes = new Changes(place, manifest, service, env.isOn("dry-run"));
            settings = SettingsFile.read(place.settings(service));
            Supervisor supervisor = new Supervision(place, service, settings).supervisor();
            step("Stop", () -> runAll(supervisor.stop()));
            if (service.program() == Program.REGISTRAR) step("Registry", this::deregister);
            if (supervisor.isCron()) step("Crontab", () -> new Crontab(changes, place, service).change(""));
            step("Files", this::removeFiles);
            step("Folders", this::removeFolders);
            step("System", () -> runAll(supervisor.forget()));
            say(changes.isDry() ? "\nNothing was changed." : "\nDone: " + service.unit() + " is gone.");
            return 0;
        }

        /** What is removed stays so: whoever stopped halfway goes on by starting again. */
        private void step(String name, Changes.Action action) throws IOException {
            changes.step(name, action);
            changes.done();
        }

        private Service theOne(String name) {
            List<Service> services = manifest.named(name);
            if (services.size() == 1) return services.getFirst();
            throw new Env.Refused("Which one? " + String.join(", ", manifest.services.keySet()));
        }

        private void runAll(List<Command> commands) throws IOException {
            for (Command command : commands) changes.run(command);
        }

        /** By the program itself, which knows every kind of registry. It is done as well as can be. */
        private void deregister() throws IOException {
            String registry = settings.get("BACKENDS_REGISTRY_URL");
            if (changes.isDry()) {
                changes.tell("would take", service.name() + " out of " + registry);
                return;
            }
            List<String> words = java(place, service.program());
            words.addAll(List.of("--deregister", "--env-file=" + place.settings(service)));
            Output output = Output.of(words, "");
            if (output.exit() == 0) changes.tell("took", service.name() + " out of " + registry);
            else changes.tell("could not", "take " + service.name() + " out of " + registry + ", where it"
                + " expires by itself: " + output.text().strip().replace("\n", " "));
        }

        private void removeFiles() throws IOException {
            for (String file : List.copyOf(manifest.files.keySet())) {
                Manifest.Note note = manifest.files.get(file);
                if (!note.services().remove(service.unit()) || !note.services().isEmpty()) continue;
                manifest.files.remove(file);
                Path path = Path.of(file);
                if (mayGo(path, note)) changes.delete(path);
                else changes.tell("kept", path + ", changed by hand (--force removes it)");
            }
            for (String end : List.of(".pid", ".log", ".log.1")) {       // which the service wrote
                changes.delete(place.state().resolve(service.unit() + end));
            }
        }

        /** The settings are made to be changed by hand, and have secrets: they always go. */
        private boolean mayGo(Path path, Manifest.Note note) throws IOException {
            if (env.isOn("force") || path.equals(place.settings(service)) || !Files.exists(path)) return true;
            return Manifest.isAsNoted(path, note)
                || !env.isOn("yes") && terminal.agrees(path + " was changed by hand. Remove it?");
        }

        private void removeFolders() throws IOException {
            manifest.services.remove(service.unit());
            boolean last = manifest.services.isEmpty();
            if (last) changes.delete(manifest.file);
            for (String folder : List.copyOf(manifest.folders).reversed()) {
                Path path = Path.of(folder);
                if (!isEmpty(path)) continue;
                changes.delete(path);
                manifest.folders.remove(folder);
            }
            if (!last) changes.writeManifest();
            boolean registry = Files.exists(place.state().resolve("backends.json"));
            if (service.program() == Program.GATEWAY && registry) {
                changes.tell("kept", place.state() + ", where the backends of the gateway's registry are");
            }
        }

        private static boolean isEmpty(Path folder) throws IOException {
            if (!Files.isDirectory(folder)) return true;
            try (Stream<Path> files = Files.list(folder)) {
                return files.findAny().isEmpty();
            }
        }
    }

    // ---- 12. Toolbox, the same in all three programs ------------------------------------------------------
    // Sections between marks are kept equal by `make sync`; GatewayServer.java has the master.

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
}
