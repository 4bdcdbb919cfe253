import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * 32 writers, and a registry that is killed in the middle of it, again and again. After each restart every
 * answered write must be there, and of one that was not answered all or nothing.
 * {@code RegistryStorm [rounds]}
 */
public final class RegistryStorm {
    private static final int WRITERS = 32;
    private static final int KEYS = 40;                    // of each writer, written over and over
    private static final int LEAST = 100;                  // ms from a start to the kill
    private static final int MOST = 2_000;

    /** What a key may hold: the number last answered, and the one that was sent after it; 0: no entry. */
    private record Expected(long answered, long sent) {}

    private final Path folder = Machine.folder("storm");
    private final int port = Machine.freePort();
    private final String list = "http://127.0.0.1:" + port + "/collections/backends";
    private final Map<String, Expected> expected = new ConcurrentHashMap<>();
    private final AtomicLong numbers = new AtomicLong();
    private final AtomicLong answered = new AtomicLong();
    private final AtomicLong unanswered = new AtomicLong();
    private long unansweredButThere;
    private long lost;
    private long torn;

    public static void main(String[] args) throws Exception {
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 20;
        RegistryStorm storm = new RegistryStorm();
        for (int i = 0; i < rounds; i++) storm.round();
        storm.verify();
        System.out.printf("%d rounds, each ended by kill -9: %d writes answered, %d not (%d are there); "
            + "lost %d, half there %d%n", rounds, storm.answered.get(), storm.unanswered.get(),
            storm.unansweredButThere, storm.lost, storm.torn);
        System.exit(storm.lost + storm.torn == 0 ? 0 : 1);
    }

    private RegistryStorm() throws IOException {}

    /** Starts the registry, which must be able to read what the killed one left, and compares. */
    private Process verify() throws IOException, InterruptedException {
        Process registry = Machine.start(folder, Machine.KEYS, List.of(Machine.JAVA,
            "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", Machine.CLASSES, "GatewayServer",
            "--registry-only", "--registry-port=" + port));
        try {
            Machine.await(port, "/health", registry);
        } catch (IOException e) {
            throw new IOException(e.getMessage() + "\n" + Files.readString(folder.resolve("out")));
        }
        check();
        return registry;
    }

    private void round() throws Exception {
        Process registry = verify();
        List<Thread> writers = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            int writer = i;
            writers.add(Thread.ofPlatform().start(() -> write(writer)));
        }
        Thread.sleep(ThreadLocalRandom.current().nextInt(LEAST, MOST));
        Machine.end(registry);                             // SIGKILL, as kill -9
        for (Thread writer : writers) writer.join();
    }

    /** Writes and removes until the registry is gone. */
    private void write(int writer) {
        try (HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build()) {
            while (true) {
                String key = "w" + writer + "-" + ThreadLocalRandom.current().nextInt(KEYS);
                long before = expected.getOrDefault(key, new Expected(0, 0)).answered;
                boolean remove = before != 0 && ThreadLocalRandom.current().nextInt(5) == 0;
                long number = remove ? 0 : numbers.incrementAndGet();
                expected.put(key, new Expected(before, number));
                HttpRequest.Builder request = request(list + "/" + key).timeout(Duration.ofSeconds(30));
                if (remove) request.DELETE();
                else request.PUT(BodyPublishers.ofString(entry(key, number)));
                int status = client.send(request.build(), BodyHandlers.discarding()).statusCode();
                if (status != 200) throw new IllegalStateException(key + ": " + status);
                expected.put(key, new Expected(number, number));
                answered.incrementAndGet();
            }
        } catch (IOException | InterruptedException e) {
            unanswered.incrementAndGet();
        }
    }

    /** The number is in three places: where they differ, half of a write is there. */
    private static String entry(String key, long number) {
        return """
            {"data":{"name":"%s","url":"http://10.0.0.1/u%d","token":"t%d","prefix":"/p%d"},"metadata":{}}"""
            .formatted(key, number, number, number);
    }

    private static HttpRequest.Builder request(String url) {
        return HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Bearer " + Machine.API_KEY);
    }

    /** Compares what is there with what may be there, and goes on from what is. */
    private void check() throws IOException, InterruptedException {
        Map<String, Long> found = found();
        Set<String> unknown = new HashSet<>(found.keySet());
        unknown.removeAll(expected.keySet());
        torn += unknown.size();
        expected.replaceAll((key, may) -> {
            long number = found.getOrDefault(key, 0L);
            if (number == may.answered) return new Expected(number, number);
            if (number == may.sent) {
                unansweredButThere++;
            } else {
                lost++;
                System.err.println(key + " holds " + number + ", not " + may);
            }
            return new Expected(number, number);
        });
    }

    private Map<String, Long> found() throws IOException, InterruptedException {
        Map<String, Long> found = new HashMap<>();
        try (HttpClient client = HttpClient.newHttpClient()) {
            String json = client.send(request(list).build(), BodyHandlers.ofString()).body();
            for (Object item : (List<?>) GatewayServer.Json.parse(json)) {
                Map<?, ?> data = (Map<?, ?>) ((Map<?, ?>) item).get("data");
                String prefix = (String) data.get("prefix");
                long number = Long.parseLong(prefix.substring(2));
                boolean whole = data.get("token").equals("t" + number)
                    && data.get("url").toString().endsWith("/u" + number);
                if (!whole) {
                    torn++;
                    System.err.println(item + " is half there");
                }
                found.put((String) data.get("name"), number);
            }
        }
        return found;
    }
}
