import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.regex.Pattern;

/**
 * Sends spoilt requests through a real gateway to backends that answer with spoilt answers, and looks for
 * what must never be: see {@link #main}. A case depends on the seed and its number alone, so that a seed
 * repeats it.
 */
public final class Fuzz {
    private static final int WORKERS = 6;
    private static final int BURST = 25;                   // cases between two plain requests
    private static final int DEADLINE = 15_000;            // ms; all limits of the gateway are far below
    private static final String HIDDEN = "GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n";

    private final long seed;
    private final Lab lab = new Lab();
    private final GatewayServer gateway;
    private final Queue<String> faults = new ConcurrentLinkedQueue<>();
    private final LongAdder cases = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private final LongAdder spoiltAnswers = new LongAdder();
    private final LongAdder forwarded = new LongAdder();
    private final LongAdder[] answers = new LongAdder[10];

    /**
     * For so many seconds, from this seed on. Exits with 1, and names the cases, where a backend got what is
     * not strictly HTTP, or more requests than were sent; where a client got what is not strictly HTTP; where
     * either waited beyond all deadlines; where the gateway logged a fault of its own, or did not answer a
     * plain request afterwards.
     */
    public static void main(String[] args) throws Exception {
        long seconds = Long.parseLong(args[0]);
        long seed = args.length > 1 ? Long.parseLong(args[1]) : System.nanoTime();
        for (String limit : List.of("REQUEST_HEAD", "REQUEST_BODY", "CLIENT_TO_READ", "BACKEND_TO_SEND")) {
            System.setProperty("gateway.wait." + limit, "3000");   // a busy machine stalls us, too
        }
        PrintStream console = System.out;
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        System.setOut(new PrintStream(log, true, StandardCharsets.UTF_8));
        System.setErr(System.out);
        console.println("Seed " + seed);
        Fuzz fuzz = new Fuzz(seed);
        Thread.setDefaultUncaughtExceptionHandler((thread, fault) -> fuzz.faults.add(thread.getName()
            + " died of " + fault));
        fuzz.run(seconds);
        GatewayServer.Log.flush();
        for (String line : log.toString(StandardCharsets.UTF_8).split("\n")) {
            if (line.matches(".*(fault of the gateway|Exception|Error:|\tat ).*")) fuzz.faults.add("logged: "
                + line);
        }
        fuzz.report(console);
        System.exit(fuzz.faults.isEmpty() ? 0 : 1);
    }

    private Fuzz(long seed) throws Exception {
        this.seed = seed;
        gateway = lab.gateway("--upstream-timeout-ms=10000", "--health-failures=1000",
            "--health-interval-ms=5000");
        for (int i = 0; i < answers.length; i++) answers[i] = new LongAdder();
    }

    private void run(long seconds) throws Exception {
        long end = System.nanoTime() + seconds * 1_000_000_000;
        List<Worker> workers = new ArrayList<>();
        for (int i = 0; i < WORKERS; i++) workers.add(new Worker(i));
        List<Thread> threads = new ArrayList<>();
        for (Worker worker : workers) threads.add(Thread.ofPlatform().start(() -> worker.run(end)));
        for (Thread thread : threads) thread.join();
        try {
            Lab.until("connections to the backends are closed",
                () -> workers.stream().mapToInt(worker -> worker.backend.open.get()).sum() < 300);
        } catch (AssertionError leak) {
            faults.add(leak.getMessage());
        }
    }

    private void report(PrintStream to) {
        to.printf("%d cases (%d kB of requests, %d spoilt answers), %d requests reached a backend; "
            + "answers: 2xx %d, 3xx %d,"
            + " 4xx %d, 5xx %d, others %d; faults: %d%n", cases.sum(), bytes.sum() / 1024,
                spoiltAnswers.sum(), forwarded.sum(),
            answers[2].sum(), answers[3].sum(), answers[4].sum(), answers[5].sum(),
            answers[6].sum() + answers[7].sum() + answers[8].sum() + answers[9].sum(), faults.size());
        faults.stream().limit(20).forEach(fault -> to.println("FAULT " + fault));
    }

    private static String shown(String bytes) {
        StringBuilder shown = new StringBuilder();
        for (char c : bytes.substring(0, Math.min(bytes.length(), 3000)).toCharArray()) {
            if (c == '\r') shown.append("\\r");
            else if (c == '\n') shown.append("\\n");
            else if (c < ' ' || c > '~') shown.append("\\x%02x".formatted((int) c));
            else shown.append(c);
        }
        return shown.toString();
    }

    // ---- What is sent ------------------------------------------------------------------------------

    private static final List<String> REQUESTS = List.of(
        "GET /w/plain HTTP/1.1\r\nHost: gateway.test\r\nAccept: */*\r\n\r\n",
        "GET /w/a%20b/c;d=e?f=g&h[]=%2F HTTP/1.1\r\nHost: gateway.test\r\nCookie: a=1; b=2\r\n"
            + "Cookie: c=3\r\n\r\n",
        "HEAD /w/head HTTP/1.1\r\nHost: gateway.test\r\n\r\n",
        "POST /w/post HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n"
            + "\r\nhello world",
        "POST /w/chunks HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
            + "6;x=y\r\n world\r\n0\r\n\r\n",
        "PUT /w/large HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 20000\r\n\r\n"
            + "0123456789".repeat(2000),
        "DELETE /w/x HTTP/1.1\r\nHost: gateway.test\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n"
            + "TE: trailers\r\n\r\n",
        "GET /w/1 HTTP/1.1\r\nHost: gateway.test\r\n\r\nPOST /w/2 HTTP/1.1\r\nHost: gateway.test\r\n"
            + "Content-Length: 3\r\n\r\nabc"
            + "GET /w/3 HTTP/1.1\r\nHost: gateway.test\r\n\r\n",
        "GET /w/old HTTP/1.0\r\n\r\n",
        "GET http://gateway.test/w/absolute?x HTTP/1.1\r\nHost: other.test\r\n\r\n",
        "POST /w/expect HTTP/1.1\r\nHost: gateway.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
            + "ok",
        "GET /w/ws HTTP/1.1\r\nHost: gateway.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Key: x\r\n\r\n",
        "OPTIONS /w/x HTTP/1.1\r\nHost: gateway.test\r\nOrigin: http://a.test\r\nX-Request-Id: id-1\r\n"
            + "X-Forwarded-For: 1.2.3.4\r\n\r\n",
        "GET /gateway/status HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /gateway/health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        "TRACE /w/x HTTP/1.1\r\nHost: gateway.test\r\nMax-Forwards: 0\r\n\r\n");

    private static final List<String> ANSWERS = List.of(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n6;x=y\r\n"
            + " world\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\nETag: \"x\"\r\n\r\n" + "0123456789".repeat(5000),
        "HTTP/1.1 204 No Content\r\nX-Empty:\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: W/\"y\"\r\nContent-Length: 10\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /login?next=%2F\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\n"
            + "Content-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nuntil the end",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n"
            + "Content-Length: 2\r\n\r\nok",
        "HTTP/1.1 500 Oops\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nRetry-After: 1\r\n"
            + "Content-Length: 4\r\n\r\noops",
        "HTTP/1.1 205 Reset Content\r\n\r\n",
        "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-1/5\r\nContent-Encoding: gzip\r\n"
            + "Content-Length: 2\r\n\r\n\u001f\u008b");

    private static final String[] WORDS = {"\r\n", "\n", "\r", "\u0000", " ", "\t", ":", ";", ",", "%", "%00",
        "%2e%2e/", "/../", "//",
        "\u00e9", "\u0085", "\u007f", "\u001b[31m", "HTTP/1.0", "HTTP/1.1", "HTTP/2", "0", "-1", "+1",
            "99999999999999999999",
        "100000000", "80000000", "ffffffff", "\r\n\r\n", "0\r\n\r\n", "\r\n ", "\r\nContent-Length: 3\r\n",
            "\r\nContent-Length: -1\r\n",
        "\r\nTransfer-Encoding: chunked\r\n", "\r\nTransfer-Encoding: gzip\r\n", "\r\nConnection: close\r\n",
            "\r\nConnection: host\r\n",
        "\r\nHost: x\r\n", "\r\nExpect: 100-continue\r\n", "\r\nUpgrade: websocket\r\n",
            "\r\nAuthorization: Bearer x\r\n",
        "\r\nX-Gateway-Error: x\r\n", "\r\nLocation: //x\r\n", "\r\nDate: x\r\n", "HTTP/1.1 200 OK\r\n",
            "GET /w/ HTTP/1.1\r\nHost: x\r\n",
        "\r\nX-" + "a".repeat(3000) + ": " + "b".repeat(3000) + "\r\n", "\r\nX-A: 1".repeat(120)};

    private static String spoilt(Random random, String text) {
        StringBuilder result = new StringBuilder(text);
        for (int changes = 1 + random.nextInt(1 + random.nextInt(4)); changes > 0
            && result.length() > 0; changes--) {
            // Where a message is decided: mostly in its head.
            int most = random.nextInt(4) == 0 ? result.length() : Math.min(result.length(), 160);
            int at = random.nextInt(most);
            int to = Math.min(result.length(), at + 1 + random.nextInt(20));
            switch (random.nextInt(9)) {
                case 0 -> result.setCharAt(at, (char) random.nextInt(256));
                case 1 -> result.setCharAt(at, (char) (result.charAt(at) ^ 1 << random.nextInt(8)));
                case 2 -> result.delete(at, to);
                case 3 -> result.insert(at, result.substring(at, to));
                case 4 -> result.insert(random.nextInt(most), result.substring(at, to));
                case 5 -> result.setLength(result.length() - random.nextInt(Math.min(result.length(), 40)));
                case 6 -> {
                    int end = result.indexOf("\r\n", at);  // a whole line, twice or not at all
                    if (end > 0 && random.nextBoolean()) result.delete(at, end);
                    else if (end > 0) result.insert(at, result.substring(at, end));
                }
                default -> result.insert(at, WORDS[random.nextInt(WORDS.length)]);
            }
        }
        return result.toString();
    }

    private static final String[] LENGTH_NAMES = {"Content-Length:", "content-length: ", "CONTENT-LENGTH:\t",
        "Content-Length :",
        " Content-Length: ", "Content_Length: ", "Content-Length:\r\n ", "X-Content-Length: ",
            "Content-Length;: "};
    private static final String[] LENGTHS = {"0", "5", "3", "+0", "-0", "-1", "0x0", "00", "0, 5", "5, 5",
        "0 5", "", "1e0", "5;", "\"0\"",
        "4294967296", "18446744073709551616", "9223372036854775808", "99999999999999999999", "\u00b2"};
    private static final String[] CODING_NAMES = {"Transfer-Encoding: ", "transfer-encoding:",
        "TRANSFER-ENCODING: ",
        "Transfer-Encoding :", " Transfer-Encoding: ", "Transfer_Encoding: ", "Transfer-Encoding:\r\n ",
            "X-Transfer-Encoding: ", "TE: "};
    private static final String[] CODINGS = {"chunked", "Chunked", "chunked, chunked", "gzip, chunked",
        "chunked, gzip", "identity", "",
        "chunk", "chunked;a=b", "\"chunked\"", "chunked,", ",chunked", "x-chunked", "chun ked"};
    private static final String[] CHUNKS = {"0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "\r\n", "100000000\r\n",
        "80000000\r\n", "-1\r\n", "g\r\n",
        "0\r\nX: y\r\n\r\n", "3\r\nhello\r\n0\r\n\r\n", "00\r\n\r\n", "0;a=b\r\n\r\n", "5\r\nhello0\r\n\r\n",
            "0x5\r\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n", "ffffffffffffffff\r\n", "", "hello"};

    /** One request with an odd frame, whose body has another one hidden in it. */
    private static String oddlyFramed(Random random) {
        StringBuilder request = new StringBuilder("POST /w/framed HTTP/1.1\r\nHost: gateway.test\r\n");
        for (int lines = random.nextInt(3); lines > 0; lines--) {
            String length = random.nextInt(3) > 0 ? any(random, LENGTHS) : "" + (HIDDEN.length()
                + random.nextInt(8));
            request.append(any(random, LENGTH_NAMES)).append(length).append("\r\n");
        }
        for (int lines = random.nextInt(3); lines > 0; lines--) {
            request.append(any(random, CODING_NAMES)).append(any(random, CODINGS)).append("\r\n");
        }
        return request + "\r\n" + any(random, CHUNKS) + HIDDEN;
    }

    private static String any(Random random, String[] of) {
        return of[random.nextInt(of.length)];
    }

    /**
     * Whether who reads to the letter finds the hidden request after the first, and so may the gateway: with
     * folded lines joined and empty lines skipped, as RFC 9112 allows in sections 5.2 and 2.2.
     */
    private static boolean isInSight(String sent) {
        String joined = sent.replace("\r\n ", " ").replaceAll("[^\\x00-\\x7e]", "x");
        try (var in = new java.io.ByteArrayInputStream(joined.getBytes(StandardCharsets.ISO_8859_1))) {
            Wire.Message first = Wire.request(in);
            int next;
            do {
                in.mark(1);
                next = in.read();
            } while (next == '\r' || next == '\n');
            in.reset();
            Wire.Message second = first == null ? null : Wire.request(in);
            return second != null && second.target().endsWith("/hidden");
        } catch (IOException e) {
            return false;
        }
    }

    // ---- Who sends, and who answers ----------------------------------------------------------------

    /** One client and its backend, which take turns: what happens at one belongs to what the other did. */
    private final class Worker {
        private final int number;
        private final WireBackend backend = new WireBackend();
        private volatile String answer = WireBackend.OK;
        private volatile boolean reset;

        Worker(int number) throws Exception {
            this.number = number;
            lab.register(gateway, "w" + number, backend.url(), "/w" + number);
            backend.answers((request, socket) -> answer(socket));
        }

        private void answer(Socket socket) throws Exception {
            String bytes = answer;
            Lab.write(socket, bytes);
            if (bytes.equals(WireBackend.OK)) return;
            if (reset) socket.setSoLinger(true, 0);        // an answer that may lack its end must have one
            else socket.shutdownOutput();
            if (!reset) socket.setSoTimeout(2000);
            if (!reset) while (socket.getInputStream().read() >= 0) { }
            socket.close();
        }

        void run(long end) {
            for (int burst = 0; System.nanoTime() < end && faults.size() < 20; burst++) {
                for (int i = 0; i < BURST && System.nanoTime() < end; i++) {
                    one(burst * BURST + i, new Random(seed ^ (number * 1_000_000_007L + burst * 1_000L
                        + i) * 0x9E3779B97F4A7C15L));
                }
                plain();
            }
        }

        private void one(int id, Random random) {
            boolean framed = random.nextInt(4) == 0;
            String request = framed ? oddlyFramed(random) : REQUESTS.get(random.nextInt(REQUESTS.size()));
            if (!framed && random.nextInt(5) > 0) request = spoilt(random, request);
            if (request.isBlank()) return;
            String place = "/c" + id + "/";
            request = request.replace("/w/", "/w" + number + place).replace("/hidden", "/w" + number + place
                + "hidden");
            String given = WireBackend.OK;
            if (random.nextBoolean()) {
                given = ANSWERS.get(random.nextInt(ANSWERS.size()));
                if (random.nextInt(10) > 0) given = spoilt(random, given);
                spoiltAnswers.increment();
            }
            backend.requests.clear();
            backend.faults.clear();
            answer = given;
            reset = random.nextInt(4) == 0;
            cases.increment();
            bytes.add(request.length());
            int heads = Pattern.compile("HTTP/1\\.[01]").split(request, -1).length - 1;
            try {
                int answered = exchange(random, request);
                if (answered > heads + 1) throw new IOException(answered + " answers to at most " + heads
                    + " requests");
                check(request, framed, heads, place);
            } catch (IOException e) {
                faults.add(e.getMessage() + "\n  sent     " + shown(request) + "\n  answered " + shown(given)
                    + "\n  reset " + reset);
            }
        }

        /** Sends a request in some way and reads what comes; answers how many answers came. */
        private int exchange(Random random, String request) throws IOException {
            int way = random.nextInt(60);
            int read = 0;
            try (Socket socket = new Socket(java.net.InetAddress.getLoopbackAddress(), gateway.port())) {
                socket.setSoTimeout(DEADLINE);
                socket.setTcpNoDelay(true);
                byte[] all = request.getBytes(StandardCharsets.ISO_8859_1);
                int cut = way > 44 ? random.nextInt(all.length + 1) : all.length;
                OutputStream out = socket.getOutputStream();
                out.write(all, 0, cut);
                if (cut < all.length) Thread.yield();
                out.write(all, cut, all.length - cut);
                if (way == 6) socket.setSoLinger(true, 0);
                if (way == 6 || way == 7) return 0;        // gone, without or with a farewell
                // Otherwise a request that lacks its end meets a time limit.
                if (way != 8) socket.shutdownOutput();
                var in = new java.io.BufferedInputStream(socket.getInputStream());
                String method = request.stripLeading().split("[ \r\n]", 2)[0];
                boolean oneOnly = way == 8 || request.contains("HEAD");   // one that waits need not be closed
                do {
                    Wire.Message message = Wire.answer(in, method);
                    answers[message.status() / 100].increment();
                    read++;
                } while (!oneOnly);
            } catch (Wire.BrokenOff end) {
                // The end of all answers, or of one that broke off.
            } catch (SocketTimeoutException late) {
                throw new IOException("waited " + DEADLINE + " ms");
            } catch (Wire.Malformed malformed) {
                throw malformed;
            } catch (SocketException closed) {
                // Closed with something of ours unread.
            }
            return read;
        }

        private void check(String request, boolean framed, int heads, String place) throws IOException {
            for (String fault : backend.faults) throw new IOException("the backend got " + fault);
            Set<String> ids = new HashSet<>();
            for (Wire.Message got : backend.requests) {
                if (!("Bearer " + Lab.TOKEN).equals(got.header("Authorization"))) {
                    throw new IOException("no token");
                }
                if (got.target().contains("..") && got.target().matches("(?i)/([^?]*/)?\\.\\.(/.*)?")) {
                    throw new IOException("a dot segment reached the backend");
                }
                // What a client of an earlier case sent before it went away may come only now.
                if (!got.target().contains(place)) continue;
                ids.add(got.header("X-Request-Id"));       // the same once more is a retry
                boolean hidden = got.target().equals(place + "hidden");
                if (framed && hidden && !isInSight(request)) {
                    throw new IOException("the hidden request reached the backend");
                }
            }
            forwarded.add(backend.requests.size());
            if (ids.size() > heads) throw new IOException(ids.size() + " requests reached the backend, "
                + heads + " were sent");
        }

        private void plain() {
            answer = WireBackend.OK;
            try (WireClient client = new WireClient(gateway.port())) {
                String body = client.ask("GET /w" + number + "/plain HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
                    .body();
                if (!body.equals("ok")) faults.add("a plain request was answered with " + body);
            } catch (IOException e) {
                faults.add("a plain request failed: " + e);
            }
        }
    }
}
