import static org.junit.jupiter.api.Assertions.fail;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * GatewayServer as a process of its own, where options, signals, exit codes and what it prints count. It gets
 * the environment that the test gives, and of ours only what a JVM may want.
 */
final class GatewayProcess implements AutoCloseable {
    /** A JVM has to start, maybe a compiler to run and keys to be derived: a busy machine takes its time. */
    private static final Duration PATIENCE = Lab.PATIENCE.multipliedBy(4);

    private final Process process;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final List<Thread> readers;

    /** From compiled classes, in this folder, with options as a user would type them. */
    static GatewayProcess start(Path folder, Map<String, String> environment, String... options)
            throws IOException {
        return start(folder, environment, List.of(), options);
    }

    static GatewayProcess start(Path folder, Map<String, String> environment, List<String> jvmOptions,
                                String... options) throws IOException {
        String classes = GatewayServer.class.getProtectionDomain().getCodeSource().getLocation().getPath();
        List<String> command = new ArrayList<>(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        command.addAll(jvmOptions);
        command.addAll(List.of("-cp", classes, "GatewayServer"));
        return new GatewayProcess(folder, environment, command, options);
    }

    /** A gateway and its registry with the lab's keys, both on ports that the system gives, on loopback. */
    static GatewayProcess startWithKeys(Path folder, String... options) throws IOException {
        return start(folder, Map.of("API_KEY", Lab.API_KEY, "ENCRYPTION_KEY", Lab.ENCRYPTION_KEY,
            "PROXY_PORT", "0", "REGISTRY_PORT", "0", "BIND_ADDRESS", "127.0.0.1",
            "HEALTH_INTERVAL_MS", "500"), options);
    }

    /** As users start it: the one file, copied into this folder, through the source launcher. */
    static GatewayProcess startFromSource(Path folder, Map<String, String> environment, String... options)
            throws IOException {
        Files.copy(Path.of("GatewayServer.java"), folder.resolve("GatewayServer.java"));
        return new GatewayProcess(folder, environment, List.of("GatewayServer.java"), options);
    }

    private GatewayProcess(Path folder, Map<String, String> environment, List<String> program,
                           String... options) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(program);
        command.addAll(List.of(options));
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        builder.environment().keySet().retainAll(List.of("PATH", "HOME", "TMPDIR", "LANG"));
        builder.environment().putAll(environment);
        process = builder.start();
        process.getOutputStream().close();
        readers = List.of(collect(process.getInputStream(), out), collect(process.getErrorStream(), err));
    }

    private static Thread collect(InputStream from, ByteArrayOutputStream to) {
        return Thread.ofPlatform().daemon().start(() -> {
            try (from) {
                from.transferTo(to);
            } catch (IOException e) {
                // The process ended.
            }
        });
    }

    String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    /** Waits until it has printed something that fits; the answer is the first group. */
    String await(String regex) throws Exception {
        Pattern pattern = Pattern.compile(regex);
        String[] found = new String[1];
        Lab.until("it prints " + regex, PATIENCE, () -> {
            Matcher matcher = pattern.matcher(out());
            if (matcher.find()) found[0] = matcher.groupCount() == 0 ? matcher.group() : matcher.group(1);
            else if (!process.isAlive()) fail("it ended without " + regex + ":\n" + out() + err());
            return found[0] != null;
        });
        return found[0];
    }

    /** The port that clients use, once it is open. */
    int port() throws Exception {
        return Integer.parseInt(await("(?m)Gateway   https?://.*:(\\d+)$"));
    }

    /** The port of its embedded registry, once it is open. */
    int registryPort() throws Exception {
        return Integer.parseInt(await("(?m)Registry  http://.*:(\\d+), kept in "));
    }

    boolean isAlive() {
        return process.isAlive();
    }

    long pid() {
        return process.pid();
    }

    /** SIGTERM, where there are signals. */
    void terminate() {
        process.toHandle().destroy();                      // Process.destroy would close its output, too
    }

    /** SIGKILL, where there are signals. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        exitCode();
    }

    /** Waits for the end of the process, and of what it prints. */
    int exitCode() throws InterruptedException {
        boolean ended = process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        if (!ended) fail("it does not end:\n" + out() + err());
        for (Thread reader : readers) reader.join();
        return process.exitValue();
    }

    @Override
    public void close() throws Exception {
        kill();
    }
}
