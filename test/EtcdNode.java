import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** A real etcd on free ports, alone or one of several. Its data are in a folder that goes with it. */
final class EtcdNode implements AutoCloseable {
    private final Path folder;
    private final int clientPort;
    private Process process;
    private final List<String> command;

    private EtcdNode(String name, int clientPort, int peerPort, String cluster) {
        this.clientPort = clientPort;
        try {
            folder = Files.createTempDirectory("etcd-node");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String client = "http://127.0.0.1:" + clientPort;
        String peer = "http://127.0.0.1:" + peerPort;
        command = List.of("etcd", "--name=" + name, "--data-dir=" + folder.resolve("data"),
            "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
            "--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
            "--initial-cluster=" + cluster, "--initial-cluster-state=new",
            "--heartbeat-interval=50", "--election-timeout=500");      // a test waits less for a leader
    }

    /** One etcd, ready to be asked. Skips the test where the machine has none. */
    static EtcdNode start() {
        return cluster(1).getFirst();
    }

    /** Several members of one etcd, all of them ready. Skips the test where the machine has none. */
    static List<EtcdNode> cluster(int size) {
        Assumptions.assumeTrue(isInstalled(), "skipped: no etcd");
        List<Integer> ports = freePorts(2 * size);
        List<String> peers = new ArrayList<>();
        for (int i = 0; i < size; i++) peers.add("node" + i + "=http://127.0.0.1:" + ports.get(2 * i + 1));
        List<EtcdNode> nodes = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            String all = String.join(",", peers);
            nodes.add(new EtcdNode("node" + i, ports.get(2 * i), ports.get(2 * i + 1), all));
        }
        nodes.forEach(EtcdNode::launch);
        nodes.forEach(EtcdNode::awaitReady);
        return nodes;
    }

    private static boolean isInstalled() {
        return Stream.of(System.getenv("PATH").split(":"))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, "etcd")));
    }

    private static List<Integer> freePorts(int count) {
        List<ServerSocket> sockets = new ArrayList<>();
        try {
            InetAddress here = InetAddress.getLoopbackAddress();
            for (int i = 0; i < count; i++) sockets.add(new ServerSocket(0, 1, here));
            for (ServerSocket socket : sockets) socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return sockets.stream().map(ServerSocket::getLocalPort).toList();
    }

    private void launch() {
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile())).start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Process started = process;
        Runtime.getRuntime().addShutdownHook(new Thread(started::destroyForcibly));
    }

    private void awaitReady() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!isHealthy()) {
            if (System.nanoTime() > deadline || !process.isAlive()) {
                throw new AssertionError("etcd does not start, see " + folder.resolve("log"));
            }
            Thread.onSpinWait();
        }
    }

    private boolean isHealthy() {
        try (var body = URI.create("http://" + endpoint() + "/health").toURL().openStream()) {
            return new String(body.readAllBytes()).contains("true");
        } catch (IOException e) {
            pause();
            return false;
        }
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** host:port, as it goes into an etcd:// url. */
    String endpoint() {
        return "127.0.0.1:" + clientPort;
    }

    /** The url of this node. */
    String url() {
        return "etcd://" + endpoint();
    }

    /** The url of several. */
    static String url(List<EtcdNode> nodes) {
        return "etcd://" + nodes.stream().map(EtcdNode::endpoint).collect(Collectors.joining(","));
    }

    /** What etcdctl prints for these arguments; fails the test where it fails. */
    String ctl(String... arguments) {
        List<String> line = new ArrayList<>(List.of("etcdctl", "--endpoints=" + endpoint()));
        line.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(line).redirectErrorStream(true);
        builder.environment().put("ETCDCTL_API", "3");          // what 3.4 needs to be told
        try {
            Process ctl = builder.start();
            String output = new String(ctl.getInputStream().readAllBytes());
            if (ctl.waitFor() != 0) throw new AssertionError(String.join(" ", arguments) + ": " + output);
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Dead at once, as if the power went. */
    void kill() {
        try {
            process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Alive again, with what it knew. */
    void restart() {
        launch();
        awaitReady();
    }

    /** Stopped as a machine that hangs: connections stay, answers do not come. {@link #thaw} ends it. */
    void freeze() {
        signal("STOP");
    }

    void thaw() {
        signal("CONT");
    }

    private void signal(String name) {
        try {
            String pid = String.valueOf(process.pid());
            new ProcessBuilder("kill", "-" + name, pid).inheritIO().start().waitFor();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        kill();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
