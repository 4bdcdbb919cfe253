import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * Runs RegisterBackend: within the tests' process where only exit code and output count, as a process of its
 * own where signals do. Whatever it prints is searched for secrets, in every test.
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
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = RegisterBackend.run(withoutEnvFile(options), environment, printer(out), printer(err));
        Run run = new Run(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
        refuseSecrets(run.out() + run.err());
        return run;
    }

    private static String[] withoutEnvFile(String... options) {
        List<String> all = new ArrayList<>(List.of("--env-file=/dev/null"));
        all.addAll(List.of(options));
        return all.toArray(String[]::new);
    }

    private static PrintStream printer(ByteArrayOutputStream bytes) {
        return new PrintStream(bytes, true, StandardCharsets.UTF_8);
    }

    private static void refuseSecrets(String printed) {
        for (String secret : SECRETS) assertFalse(printed.contains(secret), "a secret was printed");
        assertFalse(SEALED.matcher(printed).find(), "a sealed token was printed");
    }

    private final Process process;                              // null: it runs in this process
    private final Thread thread;                                // runs it, or reads what the process says
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

    /** Starts the daemon in this process: quicker, where no signal is needed. */
    static Registrar startHere(String... options) {
        return new Registrar(withoutEnvFile(options));
    }

    /** Starts it as a process of its own, in an empty folder. Its two outputs come together. */
    static Registrar start(String... options) {
        String classes = RegisterBackend.class.getProtectionDomain().getCodeSource().getLocation().getPath();
        return new Registrar(List.of("-XX:TieredStopAtLevel=1", "-cp", classes, "RegisterBackend"), options);
    }

    /** Starts it as users do, from its source. */
    static Registrar startFromSource(String... options) {
        return new Registrar(List.of(Path.of("RegisterBackend.java").toAbsolutePath().toString()), options);
    }

    private Registrar(String[] options) {
        process = null;
        PrintStream stream = printer(printed);
        thread = Thread.ofPlatform().start(() -> RegisterBackend.run(options, Map.of(), stream, stream));
    }

    private Registrar(List<String> program, String[] options) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(program);
        command.addAll(List.of(options));
        try {
            File folder = Files.createTempDirectory("registrar").toFile();
            folder.deleteOnExit();
            ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).directory(folder);
            builder.environment().keySet().removeIf(name -> !name.matches("PATH|HOME|LANG|TZ"));
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        thread = Thread.ofPlatform().start(this::collect);
    }

    private void collect() {
        try (InputStream output = process.getInputStream()) {
            output.transferTo(printed);
        } catch (IOException e) {
            // The process ended.
        }
    }

    String output() {
        return printed.toString(StandardCharsets.UTF_8).strip();
    }

    Registrar awaitLine(String part) {
        await(() -> "\"" + part + "\", but it printed: " + output(), () -> output().contains(part));
        return this;
    }

    boolean isAlive() {
        return process == null ? thread.isAlive() : process.isAlive();
    }

    /** Waits for the end of the process, and of what it prints; returns its exit code. */
    int exitCode() {
        try {
            if (!process.waitFor(60, TimeUnit.SECONDS)) fail("it does not end: " + output());
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        refuseSecrets(output());
        return process.exitValue();
    }

    /** Sends SIGTERM, waits for the end and tells how long that took. */
    Duration terminate() {
        long start = System.nanoTime();
        process.toHandle().destroy();                           // Process.destroy would close its output, too
        exitCode();
        return Duration.ofNanos(System.nanoTime() - start);
    }

    /** Ends it; in this process in the way in which a signal does. */
    void stop() {
        if (process == null) thread.interrupt();
        else process.destroyForcibly();
        try {
            thread.join(20_000);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        assertFalse(isAlive());
        refuseSecrets(output());
    }

    @Override
    public void close() {
        stop();
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
