/*
 * GatewayServer: one public address in front of many HTTP backends. One file, Java 21, no dependencies.
 */

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

public final class GatewayServer {
    private GatewayServer() {}

    // >>> shared: Env
    /**
     * Where settings come from: the command line, then the environment, then a {@code .env} file, then the
     * default. Faults are collected, so that a user sees all of them at once; {@link #check} ends the collecting.
     */
    static final class Env {
        /**
         * One thing that a user can set. {@code option} is its name on the command line, without the dashes;
         * {@code variables} the names it has in the environment and in {@code .env}, of which the first that is
         * there wins; a {@code fallback} of null makes it a flag, which takes no value; {@code meaning} is its
         * line in --help.
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
        record Value(String text, String source) {}

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
            readArguments(List.of(args));
            String file = given.containsKey("env-file") ? given.get("env-file").text() : "";
            Map<String, String> fromFile = readFile(Path.of(file.isEmpty() ? ".env" : file), !file.isEmpty());
            for (Setting setting : settings) {
                take(setting, environment, "environment");
                take(setting, fromFile, file.isEmpty() ? ".env" : file);
            }
        }

        private void readArguments(List<String> args) {
            for (Iterator<String> rest = args.iterator(); rest.hasNext();) {
                String argument = rest.next();
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
                } else if (rest.hasNext()) {
                    given.put(option, new Value(rest.next(), "command line"));
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
                    if (readLine(line.strip(), variables)) continue;
                    faults.add(file + ", line " + number + " is not NAME=value.");   // and may be a secret
                }
            } catch (IOException e) {
                faults.add(file + " cannot be read as UTF-8 text: check that it exists and who may read it.");
            }
            return variables;
        }

        /** NAME=value, as shells and systemd read it: 'as it is', "with \" and \\ escaped", or bare. */
        private static boolean readLine(String line, Map<String, String> variables) {
            if (line.isEmpty() || line.startsWith("#")) return true;
            Matcher parts = ASSIGNMENT.matcher(line);
            if (!parts.matches()) return false;
            String rest = parts.group(2);
            char quote = rest.isEmpty() ? 0 : rest.charAt(0);
            if (quote != '"' && quote != '\'') {
                variables.put(parts.group(1), COMMENT.split(" " + rest, 2)[0].strip());
                return true;
            }
            StringBuilder text = new StringBuilder();
            int at = 1;
            for (; at < rest.length() && rest.charAt(at) != quote; at++) {
                if (quote == '"' && rest.charAt(at) == '\\' && at + 1 < rest.length()) at++;
                text.append(rest.charAt(at));
            }
            variables.put(parts.group(1), text.toString());
            return at < rest.length() && COMMENT.split(rest.substring(at + 1) + " ", 2)[0].isBlank();
        }

        private static final Pattern ASSIGNMENT =
            Pattern.compile("(?:export\\s+)?([A-Za-z_][A-Za-z0-9_]*)\\s*=\\s*(.*)");
        private static final Pattern COMMENT = Pattern.compile("\\s#");

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
                at += 4;
                try {
                    return (char) HexFormat.fromHexDigits(text, at - 4, at);
                } catch (NumberFormatException e) {
                    throw expectedBefore("four hex digits");
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

        /** The text of a value made of maps, lists, strings, numbers, booleans and nulls. */
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
                case String string -> quote(string, out);
                case null, default -> out.append(value);
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
        private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,64}");
        private static final Pattern URL = Pattern.compile(
            "https?://(\\[[0-9A-Fa-f:.]{2,45}]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?(/[!-~&&[^?#\\\\]]*)?");
        private static final Pattern SEGMENTS =
            Pattern.compile("(/(?!\\.{1,2}(/|$))[A-Za-z0-9._~!$&'()*+,;=:@-]+)*");
        private static final Pattern HEALTH_PATH = Pattern.compile("(/[!-~&&[^#\\\\]]*)?");

        /** Throws IllegalArgumentException whose message begins with the name of the field that is wrong. */
        Entry {
            require(NAME.matcher(name).matches(), "name must be 1 to 64 of the characters A-Z a-z 0-9 . _ -");
            require(url.length() <= 2048 && URL.matcher(url).matches(),
                "url must be http:// or https:// with a host, and no user, query or fragment");
            url = withoutLastSlash(url);
            int port = portOf(url);
            require(port > 0 && port < 65536, "url must have a port from 1 to 65535");
            require(SEGMENTS.matcher(url.substring(hostEnd(url))).matches(),
                "url must have a path of clean segments, without . or .. or %");
            require(token.length() <= 8192 && token.chars().noneMatch(Character::isISOControl),
                "token must be at most 8192 characters, none of them a control character");
            prefix = withoutLastSlash(prefix.startsWith("/") || prefix.isEmpty() ? prefix : "/" + prefix);
            require(prefix.length() <= 256 && SEGMENTS.matcher(prefix).matches(),
                "prefix must be clean path segments such as /api or /api/v2");
            require(!(prefix + "/").startsWith("/gateway/"), "prefix /gateway belongs to the gateway itself");
            require(healthPath.length() <= 1024 && HEALTH_PATH.matcher(healthPath).matches(),
                "healthPath must begin with / and have no blanks and no #");
            require(weight >= 1 && weight <= 100, "weight must be a whole number from 1 to 100");
            require(ttlMs == 0 || ttlMs >= 1000, "ttlMs must be 0 (never expires) or at least 1000");
        }

        /** The entry in a registry's {@code data}. The name may be missing there, but not differ from the key. */
        static Entry of(String key, Map<?, ?> data) {
            Object name = data.get("name") == null ? key : data.get("name");
            require(key.equals(name), "name must be the same as the key");
            return new Entry(key, text(data, "url"), text(data, "token"), text(data, "prefix"),
                text(data, "healthPath"), (int) number(data, "weight", 1), number(data, "ttlMs", 0));
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
     * Keeps a backend's token unreadable in the registry. v1, as older clients write it: base64 of salt
     * (16 bytes), iv (12 bytes), AES-256-GCM ciphertext and tag, under a key by PBKDF2-HMAC-SHA256 with 100,000
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

        /** The salt of all who share a registry's key: a gateway then derives one key for all its backends. */
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
            if (value.startsWith("v2.")) return true;
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
}
