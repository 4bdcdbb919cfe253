import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * HTTP/1.1 read from a socket to the letter of RFC 9112, so that what HttpServer and HttpClient would smooth
 * over shows. Bytes are Latin-1 characters throughout.
 */
final class Wire {
    /** What came is not HTTP, or HTTP that two readers could read in two ways. */
    static final class Malformed extends IOException {
        private static final long serialVersionUID = 1;

        Malformed(String what, String where) {
            super(what + ": " + where.replace("\r", "\\r").replace("\n", "\\n"));
        }
    }

    /** The other side closed in the middle of a message. */
    static final class BrokenOff extends IOException {
        private static final long serialVersionUID = 1;
        final String soFar;

        BrokenOff(String soFar) {
            super("broken off after " + soFar.length() + " bytes");
            this.soFar = soFar;
        }
    }

    record Field(String name, String value) {}

    /** A request or an answer. {@code head} is what came, byte for byte, up to and with the empty line. */
    record Message(String head, String start, List<Field> fields, String body) {
        String method() {
            return start.substring(0, start.indexOf(' '));
        }

        String target() {
            return start.substring(start.indexOf(' ') + 1, start.lastIndexOf(' '));
        }

        int status() {
            return Integer.parseInt(start.substring(9, 12));
        }

        /** The values of a header, in their order. */
        List<String> all(String name) {
            return fields.stream().filter(f -> f.name().equalsIgnoreCase(name)).map(Field::value).toList();
        }

        /** The value of a header that comes once; null where it does not come. */
        String header(String name) {
            List<String> all = all(name);
            if (all.size() > 1) throw new AssertionError(name + " comes " + all.size() + " times: " + head);
            return all.isEmpty() ? null : all.getFirst();
        }

        /** The word for the failure that the gateway answered with; null where it is a backend's answer. */
        String gatewayError() {
            return header("X-Gateway-Error");
        }
    }

    private static final String TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
    private static final Pattern REQUEST_LINE = Pattern.compile(TOKEN + " /[A-Za-z0-9._~!$&'()*+,;=:@/%-]*+"
        + "(?:\\?[A-Za-z0-9._~!$&'()*+,;=:@/?\\[\\]%-]*+)? HTTP/1\\.1");
    private static final Pattern BAD_ESCAPE = Pattern.compile("%(?![0-9A-Fa-f]{2})");
    private static final Pattern STATUS_LINE =
        Pattern.compile("HTTP/1\\.1 [1-9][0-9]{2} [\\t\\x20-\\x7E\\x80-\\xFF]*");
    private static final Pattern FIELD =
        Pattern.compile("(" + TOKEN + "):[\\t ]*((?:[\\x21-\\x7E\\x80-\\xFF](?:[\\t\\x20-\\x7E\\x80-\\xFF]*"
            + "[\\x21-\\x7E\\x80-\\xFF])?)?)[\\t ]*");
    private static final Pattern CHUNK_SIZE = Pattern.compile("[0-9A-Fa-f]{1,8}");
    private static final Pattern LENGTH = Pattern.compile("[0-9]{1,18}");

    private final InputStream in;
    private final StringBuilder message = new StringBuilder();

    private Wire(InputStream in) {
        this.in = in;
    }

    /** The next request; null where the connection ended before it. */
    static Message request(InputStream in) throws IOException {
        Wire wire = new Wire(in);
        Message head = wire.head(REQUEST_LINE);
        if (head == null) return null;
        if (BAD_ESCAPE.matcher(head.target()).find()) throw new Malformed("escape", head.start());
        if (head.all("Host").size() != 1) throw new Malformed("not one Host", head.head());
        for (Field field : head.fields()) {
            if (field.value().chars().anyMatch(c -> c > '~')) throw new Malformed("obs-text", head.head());
        }
        checkOneLength(head);
        boolean bodiless = head.all("Content-Length").isEmpty() && head.all("Transfer-Encoding").isEmpty();
        return wire.withBody(head, bodiless ? "" : wire.body(head));
    }

    /** The final answer to a request of this method; those of 1xx before it are left out. */
    static Message answer(InputStream in, String method) throws IOException {
        while (true) {
            Wire wire = new Wire(in);
            Message head = wire.head(STATUS_LINE);
            if (head == null) throw new BrokenOff("");
            int status = head.status();
            if (status < 200) continue;
            checkOneLength(head);
            boolean length = !head.all("Content-Length").isEmpty();
            if (status == 204 && length) throw new Malformed("204 with a length", head.head());
            boolean bodiless = method.equals("HEAD") || status == 204 || status == 304;
            if (bodiless && !head.all("Transfer-Encoding").isEmpty() && !method.equals("HEAD")) {
                throw new Malformed("a coding and no body", head.head());
            }
            return wire.withBody(head, bodiless ? "" : wire.body(head));
        }
    }

    private Message withBody(Message head, String body) {
        return new Message(head.head(), head.start(), head.fields(), body);
    }

    /** RFC 9112 section 6: one Content-Length of digits, or one Transfer-Encoding that is "chunked". */
    private static void checkOneLength(Message head) throws Malformed {
        List<String> lengths = head.all("Content-Length");
        List<String> codings = head.all("Transfer-Encoding");
        if (lengths.size() + codings.size() > 1) throw new Malformed("two lengths", head.head());
        if (!lengths.isEmpty() && !LENGTH.matcher(lengths.getFirst()).matches()) {
            throw new Malformed("no length", head.head());
        }
        if (!codings.isEmpty() && !codings.getFirst().equalsIgnoreCase("chunked")) {
            throw new Malformed("odd coding", head.head());
        }
    }

    private Message head(Pattern startLine) throws IOException {
        String start = line(true);
        if (start == null) return null;
        if (!startLine.matcher(start).matches()) throw new Malformed("start line", start);
        List<Field> fields = new ArrayList<>();
        while (true) {
            String line = line(false);
            if (line.isEmpty()) return new Message(message.toString(), start, fields, "");
            var field = FIELD.matcher(line);
            if (!field.matches()) throw new Malformed("header", line);
            fields.add(new Field(field.group(1), field.group(2)));
        }
    }

    private String body(Message head) throws IOException {
        String length = head.header("Content-Length");
        if (length != null) return bytes(Long.parseLong(length));
        if (head.header("Transfer-Encoding") == null) return rest();
        StringBuilder body = new StringBuilder();
        while (true) {
            String size = line(false);
            if (!CHUNK_SIZE.matcher(size).matches()) throw new Malformed("chunk size", size);
            String chunk = bytes(Long.parseLong(size, 16));
            String end = line(false);
            if (!end.isEmpty()) throw new Malformed("chunk end or trailer", end);
            if (chunk.isEmpty()) return body.toString();
            body.append(chunk);
        }
    }

    /** One line without its CRLF; null where the stream ended before it and may. */
    private String line(boolean mayEnd) throws IOException {
        StringBuilder line = new StringBuilder();
        while (true) {
            int b = in.read();
            if (b < 0 && mayEnd && line.isEmpty()) return null;
            if (b < 0) throw new BrokenOff(message.toString());
            message.append((char) b);
            line.append((char) b);
            boolean afterCr = line.length() > 1 && line.charAt(line.length() - 2) == '\r';
            if (b == '\n' && afterCr) return line.substring(0, line.length() - 2);
            if (b == '\n' || afterCr) throw new Malformed("CR and LF apart", line.toString());
        }
    }

    private String bytes(long count) throws IOException {
        byte[] bytes = in.readNBytes((int) Math.min(count, Integer.MAX_VALUE));
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        message.append(text);
        if (bytes.length < count) throw new BrokenOff(message.toString());
        return text;
    }

    private String rest() throws IOException {
        ByteArrayOutputStream rest = new ByteArrayOutputStream();
        in.transferTo(rest);
        return rest.toString(StandardCharsets.ISO_8859_1);
    }
}
