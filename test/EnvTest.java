import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Where settings come from, which source wins, and what is said about wrong ones. */
class EnvTest {
    private static final List<GatewayServer.Env.Setting> SETTINGS = List.of(
        GatewayServer.Env.Setting.of("env-file", "", "", "the file of settings"),
        GatewayServer.Env.Setting.of("proxy-port", "PROXY_PORT PORT", "8080", "where it listens"),
        GatewayServer.Env.Setting.of("api-key", "API_KEY", "", "the registry's key"),
        GatewayServer.Env.Setting.of("redirects", "REWRITE_REDIRECTS", "true", "whether to rewrite them"),
        GatewayServer.Env.Setting.of("access-log", "ACCESS_LOG", "errors", "what to log"),
        GatewayServer.Env.Setting.of("daemon", "", null, "stay"));

    @TempDir
    private Path folder;
    private Path file;

    /** Every test names its file, or the .env of whoever works here would take part. */
    @BeforeEach
    void makeAnEmptyFile() throws IOException {
        file = Files.writeString(folder.resolve("settings"), "");
    }

    private GatewayServer.Env env(Map<String, String> environment, String... args) {
        List<String> all = new ArrayList<>(List.of("--env-file=" + file));
        all.addAll(List.of(args));
        return new GatewayServer.Env(SETTINGS, all.toArray(String[]::new), environment);
    }

    private GatewayServer.Env env(String... args) {
        return env(Map.of(), args);
    }

    private GatewayServer.Env envOf(String text) throws IOException {
        Files.writeString(file, text);
        return env();
    }

    private static String refusal(GatewayServer.Env env) {
        return assertThrows(GatewayServer.Env.Refused.class, env::check).getMessage();
    }

    // ---- Which source wins

    @Test
    void theCommandLineWinsThenTheEnvironmentThenTheFileThenTheDefault() throws IOException {
        Files.writeString(file, "PROXY_PORT=3");
        Map<String, String> environment = Map.of("PROXY_PORT", "2");
        assertEquals("1 from command line", sourced(env(environment, "--proxy-port=1")));
        assertEquals("2 from environment", sourced(env(environment)));
        assertEquals("3 from " + file, sourced(env()));
        Files.writeString(file, "");
        assertEquals("8080 from default", sourced(env()));
    }

    private static String sourced(GatewayServer.Env env) {
        env.check();
        GatewayServer.Env.Value value = env.value("proxy-port");
        return value.text() + " from " + value.source();
    }

    @Test
    void theFirstOfTwoVariablesWins() throws IOException {
        assertEquals("1", env(Map.of("PORT", "2", "PROXY_PORT", "1")).text("proxy-port"));
        assertEquals("2", env(Map.of("PORT", "2")).text("proxy-port"));
        assertEquals("1", envOf("PORT=2\nPROXY_PORT=1").text("proxy-port"));
    }

    @Test
    void aPlatformsPortWinsOverTheFiles() throws IOException {
        Files.writeString(file, "PROXY_PORT=1");
        assertEquals("2", env(Map.of("PORT", "2")).text("proxy-port"));
    }

    @Test
    void anEmptyVariableCountsAsNotSet() throws IOException {
        Files.writeString(file, "API_KEY=from-file\nACCESS_LOG=");
        GatewayServer.Env env = env(Map.of("API_KEY", "", "PROXY_PORT", "", "PORT", "2"));
        assertEquals("from-file", env.text("api-key"));
        assertEquals("2", env.text("proxy-port"));
        assertEquals("errors", env.text("access-log"));
    }

    @Test
    void anEmptyOptionTakesAVariableBack() {
        assertEquals("", env(Map.of("API_KEY", "x"), "--api-key=").text("api-key"));
    }

    @Test
    void theLastOfTwoEqualOptionsOrLinesWins() throws IOException {
        assertEquals("2", env("--proxy-port=1", "--proxy-port=2").text("proxy-port"));
        assertEquals("2", envOf("PROXY_PORT=1\nPROXY_PORT=2").text("proxy-port"));
    }

    @Test
    void variablesOfOthersAreLeftAlone() throws IOException {
        Files.writeString(file, "SOMEBODY_ELSES=1\nproxy_port=2");
        GatewayServer.Env env = env(Map.of("proxy-port", "3", "PATH", "/bin"));
        env.check();
        assertEquals("8080", env.text("proxy-port"));
    }

    // ---- The command line

    @Test
    void readsOptionsWithAnEqualsSignOrABlank() {
        assertEquals("1", env("--proxy-port=1").text("proxy-port"));
        assertEquals("1", env("--proxy-port", "1").text("proxy-port"));
    }

    @TestFactory
    Stream<DynamicTest> takesAnyTextAsAValue() {
        return Stream.of("a=b", "=", "a=b==", "-x", " a b ", "ñ€😀", "\"", "'a'", "$HOME", "#a", "\\",
            "x".repeat(8192))
            .map(value -> dynamicTest("\"" + value.substring(0, Math.min(value.length(), 20)) + "\"", () -> {
                assertEquals(value, env("--api-key=" + value).text("api-key"));
                assertEquals(value, env("--api-key", value).text("api-key"));
                assertEquals(value, env(Map.of("API_KEY", value)).text("api-key"));
            }));
    }

    @Test
    void aValueThatLooksLikeAnOptionNeedsTheEqualsSign() {
        GatewayServer.Env env = env("--api-key", "--daemon");
        assertEquals("--api-key needs a value: --api-key=…", refusal(env));
        assertTrue(env.isOn("daemon"), "and the option is read as one");
        assertEquals("--daemon", env("--api-key=--daemon").text("api-key"));
    }

    @Test
    void anOptionAtTheEndNeedsAValue() {
        assertEquals("--api-key needs a value: --api-key=…", refusal(env("--api-key")));
    }

    @Test
    void aFlagTakesNoValue() {
        GatewayServer.Env env = env("--daemon", "1");
        assertTrue(env.isOn("daemon"));
        assertEquals(List.of("1"), env.words());
        assertFalse(env().isOn("daemon"));
        assertFalse(env("--daemon=false").isOn("daemon"));
    }

    @Test
    void aFlagIsTrueOrFalse() {
        GatewayServer.Env env = env("--daemon=yes");
        assertFalse(env.isOn("daemon"));
        assertEquals("--daemon must be true or false, not \"yes\".", refusal(env));
    }

    @Test
    void keepsTheWordsThatAreNoOptionsInOrder() {
        assertEquals(List.of("a", "-b", "c=d"), env("a", "--daemon", "-b", "--proxy-port", "1",
            "c=d").words());
    }

    @TestFactory
    Stream<DynamicTest> refusesOptionsThatItDoesNotKnow() {
        return Stream.of("--prefix", "--proxyport", "--PROXY-PORT", "--PROXY_PORT", "--proxy-por",
            "--").map(option ->
            dynamicTest(option, () -> assertEquals(
                option + " is not an option of this program; --help lists them all.",
                refusal(env(option + "=sesame")))));
    }

    // ---- The file

    @TestFactory
    Stream<DynamicTest> readsALineAsAShellDoes() {
        Map<String, String> cases = new LinkedHashMap<>();
        cases.put("API_KEY=a", "a");
        cases.put("export API_KEY=a", "a");
        cases.put("export \t API_KEY=a", "a");
        cases.put("  API_KEY=a  ", "a");
        cases.put("API_KEY = a", "a");
        cases.put("API_KEY=a=b==", "a=b==");
        cases.put("API_KEY=a b", "a b");
        cases.put("API_KEY=a # why", "a");
        cases.put("API_KEY=a\t# why", "a");
        cases.put("API_KEY=a#b", "a#b");
        cases.put("API_KEY=#a", "#a");
        cases.put("API_KEY= # why", "");
        cases.put("API_KEY=", "");
        cases.put("API_KEY=\"\"", "");
        cases.put("API_KEY=''", "");
        cases.put("API_KEY='a \"b\" \\ # c'", "a \"b\" \\ # c");
        cases.put("API_KEY=\"a 'b' # c\"", "a 'b' # c");
        cases.put("API_KEY=\"a\\\"b\\\\c\\$d\\`e\"", "a\"b\\c$d`e");
        cases.put("API_KEY=\"C:\\new\\tls.p12\"", "C:\\new\\tls.p12");
        cases.put("API_KEY=C:\\new\\tls.p12", "C:\\new\\tls.p12");
        cases.put("API_KEY=\"a\\\\\"", "a\\");
        cases.put("API_KEY=\"a\" # why", "a");
        cases.put("API_KEY=' a '", " a ");
        cases.put("API_KEY= \"a\"", "a");
        cases.put("API_KEY=it's", "it's");
        cases.put("API_KEY=$HOME", "$HOME");
        cases.put("API_KEY=ñ€😀", "ñ€😀");
        cases.put("API_KEY=" + "x".repeat(8192), "x".repeat(8192));
        return cases.entrySet().stream().map(one -> dynamicTest(one.getKey().substring(0, Math.min(
            one.getKey().length(), 40)), () -> {
                GatewayServer.Env env = envOf(one.getKey());
                env.check();
                assertEquals(one.getValue(), env.text("api-key"));
            }));
    }

    @TestFactory
    Stream<DynamicTest> refusesALineThatIsNoAssignmentAndDoesNotRepeatIt() {
        return Stream.of("sesame", "=sesame", "API KEY=sesame", "API-KEY=sesame", "1KEY=sesame",
            "--api-key=sesame", "API_KEY: sesame", "API_KEY=\"sesame", "API_KEY='sesame",
            "API_KEY=\"sesame\\\"", "API_KEY=\"sesame\"x", "API_KEY='sesame'x", "API_KEY='it's sesame'",
            "API_KEY=\"sesame\"#x").map(line -> dynamicTest(line, () ->
                assertEquals(file + ", line 3 is not NAME=value.",
                    refusal(envOf("\n# " + line + "\n" + line)))));
    }

    @Test
    void skipsEmptyLinesAndComments() throws IOException {
        GatewayServer.Env env = envOf("\n  \n# API_KEY=a\n\t# b\nPROXY_PORT=1\n\n");
        env.check();
        assertEquals("1", env.text("proxy-port"));
        assertEquals("", env.text("api-key"));
    }

    @Test
    void readsAFileFromWindows() throws IOException {
        GatewayServer.Env env = envOf("\ufeffAPI_KEY=a\r\nPROXY_PORT=\"1\"\r\n\r\n# end\r\n");
        env.check();
        assertEquals("a", env.text("api-key"));
        assertEquals("1", env.text("proxy-port"));
    }

    @Test
    void refusesAFileThatIsNotThere() {
        file = folder.resolve("missing");
        assertEquals(file + " cannot be read as UTF-8 text: check that it exists and who may read it.",
            refusal(env()));
    }

    @Test
    void refusesAFileThatIsNoText() throws IOException {
        Files.write(file, "API_KEY=ñ".getBytes(StandardCharsets.ISO_8859_1));
        assertTrue(refusal(env()).startsWith(file + " cannot be read as UTF-8 text"));
        file = folder;
        assertTrue(refusal(env()).startsWith(folder + " cannot be read as UTF-8 text"));
    }

    // ---- Numbers, choices and faults

    @TestFactory
    Stream<DynamicTest> readsWholeNumbersWithinTheirBounds() {
        return Stream.of("0", "1", "8080", "65535", "007").map(text -> dynamicTest(text, () -> {
            GatewayServer.Env env = env("--proxy-port=" + text);
            assertEquals(Long.parseLong(text), env.number("proxy-port", 0, 65535));
            assertDoesNotThrow(env::check);
        }));
    }

    @TestFactory
    Stream<DynamicTest> refusesAnyOtherNumber() {
        return Stream.of("", " ", "65536", "-1", "+1", "1.0", "1e3", "0x10", "1 ", " 1", "1_000", "a", "١",
            "1\n", "99999999999999999999").map(text -> dynamicTest("\"" + text + "\"", () -> {
                GatewayServer.Env env = env("--proxy-port=" + text);
                env.number("proxy-port", 0, 65535);
                assertEquals("PROXY_PORT must be a whole number from 0 to 65535, not \"" + text + "\".",
                    refusal(env));
            }));
    }

    @Test
    void keepsAChoiceToItsWords() {
        assertEquals("errors", env().choice("access-log", "off", "errors"));
        GatewayServer.Env env = env("--access-log=OFF");
        env.choice("access-log", "off", "errors");
        assertEquals("ACCESS_LOG must be one of off, errors, not \"OFF\".", refusal(env));
    }

    @Test
    void aSettingThatIsTrueOrFalseIsNothingElse() {
        assertTrue(env().isOn("redirects"));
        assertFalse(env(Map.of("REWRITE_REDIRECTS", "false")).isOn("redirects"));
        GatewayServer.Env env = env("--redirects=1");
        env.isOn("redirects");
        assertEquals("REWRITE_REDIRECTS must be true or false, not \"1\".", refusal(env));
    }

    @Test
    void saysAllFaultsAtOnceOneALine() throws IOException {
        Files.writeString(file, "nonsense");
        GatewayServer.Env env = env("--colour=red", "--proxy-port=x", "--redirects=no");
        env.number("proxy-port", 0, 65535);
        env.isOn("redirects");
        env.fault("api-key", "is not set: export it or put it in .env.");
        assertEquals(List.of("--colour is not an option of this program; --help lists them all.",
            file + ", line 1 is not NAME=value.",
            "PROXY_PORT must be a whole number from 0 to 65535, not \"x\".",
            "REWRITE_REDIRECTS must be true or false, not \"no\".",
            "API_KEY is not set: export it or put it in .env."), refusal(env).lines().toList());
    }

    @Test
    void hasNothingToSayWhereAllIsWell() {
        assertDoesNotThrow(() -> env("--proxy-port=1", "--daemon").check());
    }

    @Test
    void showsNoValueByAccident() {
        assertFalse(env("--api-key=sesame").value("api-key").toString().contains("sesame"));
    }

    @Test
    void helpHasEverySettingWithItsVariablesAndDefault() {
        String help = GatewayServer.Env.help(SETTINGS);
        for (String text : List.of("--proxy-port=…", "where it listens (8080)", "PROXY_PORT, PORT",
            "--api-key=…", "the registry's key" + System.lineSeparator(), "--daemon ", "ACCESS_LOG",
            "what to log (errors)")) {
            assertTrue(help.contains(text), text + " is missing in\n" + help);
        }
    }
}
