import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * Runs RegisterBackend: within the tests' process where only exit code and output count, as a process of its own
 * where signals do. Whatever it prints is searched for secrets, in every test.
 */
final class Registrar implements AutoCloseable {
    static final String API_KEY = "the-registrys-key-4711";
    static final String TOKEN = "the-backends-token-0815";
    static final String ENCRYPTION_KEY = "the-fleets-key-2342";
    private static final List<String> SECRETS = List.of(API_KEY, TOKEN, ENCRYPTION_KEY,
        RegisterBackend.TokenCipher.secretFrom(API_KEY));

    private static final Pattern SEALED = Pattern.compile("v2\\.[A-Za-z0-9+/]{8}|[A-Za-z0-9+/]{60}");

    /** How a run ended and what it printed. */
    record Run(int code, String out, String err) {}

    /** The options of a sound registration. v1, for it seals six times as fast. */
    static String[] sound(String registryUrl, String... more) {
        List<String> options = new ArrayList<>(List.of("--name=shop", "--backend-url=http://localhost:3000",
            "--backend-token=" + TOKEN, "--prefix=/api", "--registry-url=" + registryUrl,
            "--api-key=" + API_KEY, "--token-format=v1"));
        options.addAll(List.of(more));
        return options.toArray(String[]::new);
    }

    /** The same, but for the url: that is to be found. */
    static String[] publicIp(String registryUrl, String services, String... more) {
        List<String> options = new ArrayList<>(List.of(sound(registryUrl, more)));
        options.removeIf(option -> option.startsWith("--backend-url="));
        options.addAll(List.of("--use-public-ip", "--backend-port=3000", "--public-ip-urls=" + services));
        return options.toArray(String[]::new);
    }

    static Run run(String... options) {
        return run(Map.of(), options);
    }

    /** One run in this process, with that environment and no .env but what --env-file names. */
    static Run run(Map<String, String> environment, String... options) {
        List<String> all = new ArrayList<>(List.of("--env-file=/dev/null"));
        all.addAll(List.of(options));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = RegisterBackend.run(all.toArray(String[]::new), environment, printer(out), printer(err));
        Run run = new Run(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
        refuseSecrets(run.out() + run.err());
        return run;
    }

    private static PrintStream printer(ByteArrayOutputStream bytes) {
        return new PrintStream(bytes, true, StandardCharsets.UTF_8);
    }

    private static void refuseSecrets(String printed) {
        for (String secret : SECRETS) assertFalse(printed.contains(secret), "a secret was printed");
        assertFalse(SEALED.matcher(printed).find(), "a sealed token was printed");
    }

    private final Process process;
    private final List<String> lines = new CopyOnWriteArrayList<>();

    private Registrar(Process process) {
        this.process = process;
        Thread.ofVirtual().start(this::collect);
    }

    /** Starts it as a process of its own, in an empty folder. Its two outputs come together. */
    static Registrar start(String... options) {
        return launch(List.of("-XX:TieredStopAtLevel=1", "-cp", classes(), "RegisterBackend"), options);
    }

    /** Starts it as users do, from its source. */
    static Registrar startFromSource(String... options) {
        return launch(List.of(Path.of("RegisterBackend.java").toAbsolutePath().toString()), options);
    }

    private static Registrar launch(List<String> program, String... options) {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(program);
        command.addAll(List.of(options));
        try {
            ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true)
                .directory(Files.createTempDirectory("registrar").toFile());
            builder.environment().keySet().removeIf(name -> name.matches("(BACKEND|API|ENCRYPTION|ETCD|PUBLIC).*"));
            return new Registrar(builder.start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String classes() {
        return RegisterBackend.class.getProtectionDomain().getCodeSource().getLocation().getPath();
    }

    private void collect() {
        try (BufferedReader reader = process.inputReader()) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) lines.add(line);
        } catch (IOException e) {
            // The process ended.
        }
    }

    String output() {
        return String.join("\n", lines);
    }

    Registrar awaitLine(String part) {
        await(() -> "a line with \"" + part + "\", but it printed: " + output(), () -> output().contains(part));
        return this;
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Waits for its end; returns its exit code. */
    int exitCode() {
        try {
            if (!process.waitFor(20, TimeUnit.SECONDS)) fail("it does not end: " + output());
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        refuseSecrets(output());
        return process.exitValue();
    }

    /** Sends SIGTERM, waits for the end and tells how long that took. */
    Duration terminate() {
        long start = System.nanoTime();
        process.destroy();
        exitCode();
        return Duration.ofNanos(System.nanoTime() - start);
    }

    @Override
    public void close() {
        process.destroyForcibly();
        refuseSecrets(output());
    }

    /** Waits until something holds, which must be within 15 seconds. */
    static void await(String what, BooleanSupplier condition) {
        await(() -> what, condition);
    }

    private static void await(Supplier<String> what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(15);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) fail("waited in vain for " + what.get());
            try {
                Thread.sleep(10);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }
}
