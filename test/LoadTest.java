import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * How much the gateway carries at once. It is a process of its own here, with the heap of a small machine.
 */
@Isolated("It measures times")
class LoadTest extends OnAProcess {

    @Override
    List<String> jvmOptions() {
        return List.of("-XX:+UseSerialGC", "-Xmx160m", "-Xmn28m", "-XX:SurvivorRatio=5");     // README's
    }

    @Test
    void hundredsOfSlowClientsDoNotDelayTheOthers() throws Exception {
        int count = 300;
        for (int i = 0; i < count; i++) {
            // A third each: half a head, half a body, half a chunk.
            connect().send(i % 3 == 0 ? "GET /api/x HTTP/1.1\r\nX: "
                : "POST /api/x HTTP/1.1\r\nHost: gateway.test\r\n"
                + (i % 3 == 1 ? "Content-Length: 60\r\n\r\n" : "Transfer-Encoding: chunked\r\n\r\n3c\r\n"));
        }
        AtomicInteger stop = new AtomicInteger();
        Thread dripping = Thread.ofPlatform().daemon().start(() -> {
            for (int second = 0; stop.get() == 0 && second < 20; second++) {
                for (WireClient client : List.copyOf(clients)) {
                    try {
                        client.send("a");
                    } catch (IOException e) {
                        // Its head took too long: given up.
                    }
                }
                try {
                    Thread.sleep(500);
                } catch (InterruptedException e) {
                    return;
                }
            }
        });
        long[] times = new long[200];
        try (WireClient quick = new WireClient(port)) {
            quick.ask(GET);                                // once the gateway has accepted all the others
            for (int i = 0; i < times.length; i++) {
                long began = System.nanoTime();
                assertEquals("ok", quick.ask(GET).body());
                times[i] = System.nanoTime() - began;
                Thread.sleep(5);                           // to span some rounds of the others
            }
        }
        stop.set(1);
        dripping.join();
        Arrays.sort(times);
        System.out.printf("With %d slow clients: median %d us, 99 of 100 within %d us, all within %d us%n",
            count,
            times[100] / 1000, times[197] / 1000, times[199] / 1000);
        assertTrue(times[197] < 100_000_000, times[197] / 1_000_000 + " ms");
    }

    @Test
    void thousandsOfIdleConnectionsAreEachAnsweredAfterwards() throws Exception {
        int count = 5000;
        List<WireClient> idle = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            WireClient client = connect();
            idle.add(client);
            client.send(GET);
            if (i % 50 == 49) for (WireClient sent : idle.subList(i - 49, i + 1)) assertEquals("ok",
                sent.answer().body());
        }
        for (int i = 0; i < count; i++) {
            idle.get(i).send(GET);
            if (i % 50 == 49) for (WireClient sent : idle.subList(i - 49, i + 1)) assertEquals("ok",
                sent.answer().body());
        }
    }

    @Test
    void thousandsOfRequestsMayBeUnderWayAtOnce() throws Exception {
        int count = 2000;
        AtomicInteger waiting = new AtomicInteger();
        CountDownLatch all = new CountDownLatch(count);
        backend.answers((request, socket) -> {
            waiting.incrementAndGet();
            all.countDown();
            all.await();
            Lab.write(socket, WireBackend.OK);
        });
        for (int i = 0; i < count; i++) connect().send(GET);
        for (WireClient client : clients) assertEquals("ok", client.answer().body());
        assertEquals(count, waiting.get());
    }
}
