import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** JSON as RFC 8259 has it: what is read, what is refused and with which words, and what is written. */
class JsonTest {
    private static final int MEGABYTE = 1 << 20;

    @TestFactory
    Stream<DynamicTest> readsEveryKindOfValue() {
        Map<String, Object> cases = new LinkedHashMap<>();
        cases.put("{}", Map.of());
        cases.put("[]", List.of());
        cases.put(" \t\r\n[ \t\r\n] \t\r\n", List.of());
        cases.put("{\"a\":1,\"b\":[true,false]}", Map.of("a", 1L, "b", List.of(true, false)));
        cases.put("{\"a\" : {\"\" : null}}", Map.of("a", mapOfNull("")));
        cases.put("[null]", Arrays.asList((Object) null));
        cases.put("null", null);
        cases.put("\"text\"", "text");
        cases.put("\"\"", "");
        cases.put("\"ñ 日本 😀 \u007f \u2028\"", "ñ 日本 😀 \u007f \u2028");
        cases.put("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
        cases.put("\"a\\u0000b\\u00E9\\uaBcD\"", "a\0b\u00e9\uabcd");
        cases.put("\"\\ud83d\\ude00\"", "😀");
        cases.put("\"\\ud83d\"", "\ud83d");
        cases.put("{\"a\":1,\"a\":2}", Map.of("a", 2L));
        return cases.entrySet().stream().map(one -> dynamicTest(one.getKey(),
            () -> assertEquals(one.getValue(), GatewayServer.Json.parse(one.getKey()))));
    }

    private static Map<String, Object> mapOfNull(String name) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put(name, null);
        return map;
    }

    @TestFactory
    Stream<DynamicTest> readsWholeNumbersAsLongAndAllOthersExactly() {
        Map<String, Object> cases = new LinkedHashMap<>();
        cases.put("0", 0L);
        cases.put("-0", 0L);
        cases.put("-1", -1L);
        cases.put("1700000000000", 1_700_000_000_000L);
        cases.put("999999999999999999", 999_999_999_999_999_999L);
        cases.put("9223372036854775808", new BigDecimal("9223372036854775808"));
        cases.put("0.1", new BigDecimal("0.1"));
        cases.put("-1.50", new BigDecimal("-1.50"));
        cases.put("1e2", new BigDecimal("1e2"));
        cases.put("1E+2", new BigDecimal("1e2"));
        cases.put("2.5e-999", new BigDecimal("2.5e-999"));
        return cases.entrySet().stream().map(one -> dynamicTest(one.getKey(),
            () -> assertEquals(one.getValue(), GatewayServer.Json.parse(one.getKey()))));
    }

    @TestFactory
    Stream<DynamicTest> refusesWhatIsNotJson() {
        return Stream.of("", " ", "[", "]", "{", "}", "[1", "[1,", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[1}",
            "{]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{\"a\",1}", "{\"a\" 1}",
            "{\"a\":1 \"b\":2}", "{,}", "{a:1}", "{'a':1}", "{1:1}", "{null:1}", "[1];", "[] []", "1 2",
            "nul", "nulll", "True", "TRUE", "undefined", "NaN", "-NaN", "Infinity", "-Infinity", "+1", "01",
            "-01", "-", "--1", "1.", ".5", "-.5", "1.e2", "1e", "1e+", "1e+-2", "0x10", "1_000", "1,0", "１",
            "\"", "\"a", "'a'", "\"a\\\"", "\"\\\"", "\"\\x41\"", "\"\\'\"", "\"\\u\"", "\"\\u12\"",
            "\"\\u123g\"", "\"\\u+123\"", "\"\\U0041\"", "\"\t\"", "\"\n\"", "\"\0\"", "\"\\", "// no\n1",
            "1 /* no */", "# no\n1", "\u00a01", "\u000b1", "\f1", "\ufeff1", "\0", "1\0", "[1]\0",
            "{\"a\":1}}", "<html></html>")
            .map(text -> dynamicTest(quoted(text), () -> assertThrows(IllegalArgumentException.class,
                () -> GatewayServer.Json.parse(text))));
    }

    @TestFactory
    Stream<DynamicTest> saysWhatItExpectedAndWhere() {
        Map<String, String> cases = new LinkedHashMap<>();
        cases.put("", "a value at character 1");
        cases.put("tru", "a value at character 1");
        cases.put("[1,]", "a value at character 4");
        cases.put("[1 2]", "a comma or ] at character 4");
        cases.put("[1", "more text at character 3");
        cases.put("{\"a\" 1}", "a colon at character 6");
        cases.put("{\"a\":1,}", "a name in quotes at character 8");
        cases.put("{\"a\":1 \"b\"}", "a comma or } at character 8");
        cases.put("1 2", "the end at character 3");
        cases.put("\"ab", "more text at character 4");
        cases.put("\"a\nb\"", "no control character in a string at character 3");
        cases.put("\"\\x\"", "an escape that JSON knows at character 3");
        cases.put("\"\\u12g4\"", "four hex digits at character 4");
        cases.put("\"\\u12", "four hex digits at character 4");
        return cases.entrySet().stream().map(one -> dynamicTest(quoted(one.getKey()), () -> assertEquals(
            "not JSON: expected " + one.getValue(), refusal(one.getKey()))));
    }

    private static String refusal(String text) {
        return assertThrows(IllegalArgumentException.class,
            () -> GatewayServer.Json.parse(text)).getMessage();
    }

    @Test
    void neverRepeatsTheTextInARefusal() {
        for (String text : List.of("sesame", "\"sesame", "[\"sesame\" 1]", "{\"sesame\":}", "\"\\sesame\"")) {
            assertFalse(refusal(text).contains("esame"), refusal(text));
        }
    }

    @Test
    void readsAnObjectWhereOneIsWantedAndNothingElse() {
        assertEquals(Map.of("a", 1L), GatewayServer.Json.parseObject("{\"a\":1}"));
        for (String other : List.of("[]", "null", "\"{}\"", "1")) {
            assertThrows(IllegalArgumentException.class, () -> GatewayServer.Json.parseObject(other), other);
        }
    }

    @Test
    void keepsTheOrderOfMembers() {
        String text = "{\"z\":1,\"a\":2,\"m\":3}";
        assertEquals(text, GatewayServer.Json.write(GatewayServer.Json.parse(text)));
    }

    @Test
    void goes64LevelsDeepAndNoDeeper() {
        String most = "[{\"a\":".repeat(32) + "1" + "}]".repeat(32);
        assertEquals(most, GatewayServer.Json.write(GatewayServer.Json.parse(most)));
        assertEquals("not JSON: expected at most 64 levels at character 65",
            refusal("[".repeat(65) + "]".repeat(65)));
    }

    @Test
    void countsLevelsAndNotBrackets() {
        GatewayServer.Json.parse("[" + "[[]],{\"a\":{}},".repeat(1000) + "1]");
    }

    @TestFactory
    Stream<DynamicTest> refusesAMegabyteOfNonsenseAtOnce() {
        return Stream.of("[", "{", "]", "{\"a\":", "[1,", "[],", "9", "0", "-", "1.", "1e", "\"", "\\",
            "\"\\u", " ", "\0", "\ud83d", "tru", "{\"a\":[")
            .flatMap(piece -> Stream.of("", "[0,", "{\"a\":").map(start -> refusesAMegabyteOf(start, piece)));
    }

    private static DynamicTest refusesAMegabyteOf(String start, String piece) {
        return dynamicTest(quoted(start + piece), () -> {
            String text = start + piece.repeat(MEGABYTE / piece.length());
            String message = assertTimeout(Duration.ofSeconds(5), () -> refusal(text));
            assertTrue(message.startsWith("not JSON: expected"), message);
        });
    }

    /** A name for a test: JUnit wants one that is not blank. */
    private static String quoted(String text) {
        return GatewayServer.Json.write(text);
    }

    @TestFactory
    Stream<DynamicTest> readsAMegabyteOfSense() {
        Map<String, String> cases = new LinkedHashMap<>();
        cases.put("one string", '"' + "x".repeat(MEGABYTE) + '"');
        cases.put("quotes and backslashes", '"' + "\\\"\\\\".repeat(MEGABYTE / 4) + '"');
        cases.put("numbers", "[" + "0,".repeat(MEGABYTE / 2) + "0]");
        cases.put("empty objects", "[" + "{},".repeat(MEGABYTE / 3) + "{}]");
        cases.put("blanks", "[" + " ".repeat(MEGABYTE) + "]");
        return cases.entrySet().stream().map(one -> dynamicTest(one.getKey(), () -> {
            Object value = assertTimeout(Duration.ofSeconds(5),
                () -> GatewayServer.Json.parse(one.getValue()));
            assertEquals(one.getValue().replace(" ", ""), GatewayServer.Json.write(value));
        }));
    }

    @Test
    void namesOfOneHashDoNotSlowItDown() {       // and "Aa" has the hash of "BB"
        StringBuilder text = new StringBuilder("{");
        for (int i = 0; i < 1 << 15; i++) {
            text.append('"');
            for (int bit = 0; bit < 15; bit++) text.append((i >> bit & 1) == 0 ? "Aa" : "BB");
            text.append("\":0,");
        }
        String object = text.append("\"a\":0}").toString();
        assertTimeout(Duration.ofSeconds(5), () ->
            assertEquals((1 << 15) + 1, GatewayServer.Json.parseObject(object).size()));
    }

    @Test
    void writesWhatItReadUnchanged() {
        for (String text : List.of("{\"a\":[1,-2.50,1E+400,true,null,\"b\"],\"c\":{}}", "[]",
            "\"\\\\ \\\" \\u0000\"")) {
            assertEquals(text, GatewayServer.Json.write(GatewayServer.Json.parse(text)));
        }
    }

    @Test
    void writesTextThatEveryCharsetAndTerminalCarries() {
        String nasty = "\ud83d \u001b[2J\u007f\r\n\0 \ude00 😀";
        String written = GatewayServer.Json.write(nasty);
        assertEquals(nasty, GatewayServer.Json.parse(new String(written.getBytes(StandardCharsets.UTF_8),
            StandardCharsets.UTF_8)));
        assertEquals(0, written.chars().filter(c -> c < ' ' || c > '~').count(), written);
    }

    @Test
    void writesAnyOtherTypeAsAStringForOutOfQuotesItWouldBeNoJson() {
        UUID id = new UUID(1, 2);
        assertEquals("{\"" + id + "\":\"" + id + "\"}", GatewayServer.Json.write(Map.of(id, id)));
        assertEquals("\"PT5S\"", GatewayServer.Json.write(Duration.ofSeconds(5)));
        assertEquals("\"a\\\"b\"", GatewayServer.Json.write(new StringBuilder("a\"b")));
    }
}
