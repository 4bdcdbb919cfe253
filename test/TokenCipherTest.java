import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Tokens in the registry. Deriving a key takes a good part of a second, on purpose; so most tests share one
 * cipher and one salt, as a fleet does.
 */
class TokenCipherTest {
    private static final String SECRET = "the-secret";
    private static final byte[] SALT = HexFormat.of().parseHex("000102030405060708090a0b0c0d0e0f");
    private static final String BINDING =
        GatewayServer.TokenCipher.binding("api", "http://10.0.0.1:3000", "/api");
    private static final GatewayServer.TokenCipher CIPHER = new GatewayServer.TokenCipher(List.of(SECRET));

    // Made once in node 20 as SEAL_AND_OPEN below does it, with this salt and the bytes 100 to 111 as iv.
    private static final String V1 =
        "AAECAwQFBgcICQoLDA0OD2RlZmdoaWprbG1ub/Zgh+2o5/ZZ1LjJ8TNrEJqhpAZEG4pK35E=";
    private static final String V2 =
        "v2.AAECAwQFBgcICQoLDA0OD2RlZmdoaWprbG1ubzS/R9rMlVifSFcKcaUr5okA97y1w75aZB8=";
    private static final String V1_NOT_ASCII =
        "AAECAwQFBgcICQoLDA0OD2RlZmdoaWprbG1ub4UkZJE2XIQbmnRMT/vseIKdA0Tfbhnb1hVEnKxaqo/p";

    /** Web Crypto's side: opens each value given to it, and seals the same token again. */
    private static final String SEAL_AND_OPEN = """
        const { webcrypto } = require("node:crypto"), { subtle } = webcrypto;
        const utf8 = text => new TextEncoder().encode(text);
        async function key(secret, salt, rounds) {
          const base = await subtle.importKey("raw", utf8(secret), "PBKDF2", false, ["deriveKey"]);
          return subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds }, base,
            { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
        }
        async function again({ secret, value, binding }) {
          const v2 = value.startsWith("v2."), all = Buffer.from(v2 ? value.slice(3) : value, "base64");
          const salt = all.subarray(0, 16), use = await key(secret, salt, v2 ? 600000 : 100000);
          const gcm = iv => ({ name: "AES-GCM", iv, additionalData: utf8(v2 ? binding : "") });
          const token = await subtle.decrypt(gcm(all.subarray(16, 28)), use, all.subarray(28));
          const iv = webcrypto.getRandomValues(new Uint8Array(12));
          const sealed = await subtle.encrypt(gcm(iv), use, token);
          const value2 = Buffer.concat([salt, iv, Buffer.from(sealed)]).toString("base64");
          return { token: new TextDecoder().decode(token), value: (v2 ? "v2." : "") + value2 };
        }
        let input = "";
        process.stdin.on("data", data => input += data).on("end", async () =>
          console.log(JSON.stringify(await Promise.all(JSON.parse(input).map(again)))));
        """;

    @Test
    void opensWhatWebCryptoSealed() throws Exception {
        assertEquals("the-token", CIPHER.open(V1, BINDING));
        assertEquals("the-token", CIPHER.open(V2, BINDING));
    }

    @Test
    void readsSecretsAndTokensAsUtf8AsWebCryptoDoes() throws Exception {
        assertEquals("tökén-€-😀", new GatewayServer.TokenCipher(List.of("clé-日本-😀")).open(V1_NOT_ASCII, ""));
    }

    @Test
    void webCryptoOpensWhatWeSealAndWeWhatItSealsAgain() throws Exception {
        String v1 = CIPHER.sealV1("tökén-€-😀", SALT);
        String v2 = CIPHER.seal("tökén-€-😀", SALT, BINDING);
        for (Map<?, ?> answer : node(List.of(v1, v2))) {
            assertEquals("tökén-€-😀", answer.get("token"));
            assertEquals("tökén-€-😀", CIPHER.open((String) answer.get("value"), BINDING));
        }
    }

    private static List<Map<?, ?>> node(List<String> values) throws Exception {
        assumeTrue(Stream.of(System.getenv("PATH").split(File.pathSeparator))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, "node"))), "node is not on PATH");
        Process node = new ProcessBuilder("node", "-e", SEAL_AND_OPEN)
            .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        List<?> questions = values.stream()
            .map(value -> Map.of("secret", SECRET, "value", value, "binding", BINDING)).toList();
        try (var input = node.outputWriter(StandardCharsets.UTF_8)) {
            input.write(GatewayServer.Json.write(questions));
        }
        String output = new String(node.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, node.waitFor());
        List<?> answers = (List<?>) GatewayServer.Json.parse(output);
        assertEquals(values.size(), answers.size());
        return answers.stream().<Map<?, ?>>map(answer -> (Map<?, ?>) answer).toList();
    }

    @TestFactory
    Stream<DynamicTest> opensWhatItSealed() {
        return Stream.of("the-token", "", " ", "a=b==", "x".repeat(8192)).map(token -> dynamicTest(
            token.length() + " characters", () -> {
                assertEquals(token, CIPHER.open(CIPHER.sealV1(token, SALT), "not looked at"));
                assertEquals(token, CIPHER.open(CIPHER.seal(token, SALT, BINDING), BINDING));
            }));
    }

    @Test
    void sealsAsV2WithTheSaltInFrontAndNothingReadable() {
        String value = CIPHER.seal("the-token", SALT, BINDING);
        byte[] bytes = Base64.getDecoder().decode(value.substring("v2.".length()));
        assertEquals(16 + 12 + "the-token".length() + 16, bytes.length);
        assertArrayEquals(SALT, Arrays.copyOf(bytes, 16));
        assertFalse(new String(bytes, StandardCharsets.ISO_8859_1).contains("token"));
    }

    @Test
    void neverSealsTwiceAlike() {
        List<String> sealed = IntStream.range(0, 100).mapToObj(i -> CIPHER.seal("the-token", SALT,
        BINDING)).toList();
        long ivs = sealed.stream().map(value -> value.substring(0, 3 + 28 * 4 / 3)).distinct().count();
        assertEquals(100, ivs);
    }

    @Test
    void doesNotOpenWithAnotherSecret() {
        GatewayServer.TokenCipher other = new GatewayServer.TokenCipher(List.of("another-secret"));
        assertStaysShut(other, V1, BINDING);
        assertStaysShut(other, V2, BINDING);
    }

    /** And says nothing about the token or the secrets. */
    private static void assertStaysShut(GatewayServer.TokenCipher cipher, String value, String binding) {
        String message = assertThrows(GeneralSecurityException.class, () -> cipher.open(value,
            binding)).getMessage();
        for (String hidden : List.of("the-token", "the-secret", "another-secret")) {
            assertFalse(message.contains(hidden), message);
        }
    }

    @Test
    void opensWithEverySecretOfTheListAndSealsWithTheFirst() throws Exception {
        GatewayServer.TokenCipher rotating = new GatewayServer.TokenCipher(List.of("new-secret", SECRET));
        assertEquals("the-token", rotating.open(V1, ""));
        String renewed = rotating.sealV1("the-token", SALT);
        assertEquals("the-token", rotating.open(renewed, ""));
        assertStaysShut(CIPHER, renewed, "");
    }

    @Test
    void opensNothingWithoutASecret() {
        assertStaysShut(new GatewayServer.TokenCipher(List.of()), V2, BINDING);
    }

    @TestFactory
    Stream<DynamicTest> doesNotOpenInAnotherEntry() {
        return Stream.of(
            GatewayServer.TokenCipher.binding("ap1", "http://10.0.0.1:3000", "/api"),
            GatewayServer.TokenCipher.binding("api", "http://10.6.6.6:3000", "/api"),
            GatewayServer.TokenCipher.binding("api", "http://10.0.0.1:3000", "/"),
            GatewayServer.TokenCipher.binding("api", "http://10.0.0.1:3000", ""), "")
            .map(elsewhere -> dynamicTest("\"" + elsewhere + "\"", () -> assertStaysShut(CIPHER, V2,
            elsewhere)));
    }

    @Test
    void doesNotLetAnEntrysPartsRunIntoEachOther() {
        assertNotEquals(GatewayServer.TokenCipher.binding("a", "b", "/c"),
            GatewayServer.TokenCipher.binding("ab", "", "/c"));
        assertNotEquals(GatewayServer.TokenCipher.binding("a", "b/c", ""),
            GatewayServer.TokenCipher.binding("a", "b", "/c"));
    }

    @Test
    void cannotBeTalkedIntoTheWeakerVersion() {
        assertStaysShut(CIPHER, V2.substring("v2.".length()), BINDING);
        assertStaysShut(CIPHER, "v2." + V1, "");
    }

    @TestFactory
    Stream<DynamicTest> doesNotOpenWithOneBitChanged() {
        Map<String, Integer> parts = new LinkedHashMap<>();
        parts.put("salt", 0);
        parts.put("iv", 16);
        parts.put("ciphertext", 28);
        parts.put("tag", 28 + "the-token".length());
        parts.put("the tag's last byte", 28 + "the-token".length() + 15);
        return parts.entrySet().stream().map(part -> dynamicTest(part.getKey(), () -> {
            assertStaysShut(CIPHER, withOneBitChanged(V1, part.getValue()), "");
            if (part.getValue() == 0) return;      // another salt: a key to derive, for v1 only
            assertStaysShut(CIPHER, "v2." + withOneBitChanged(V2.substring(3), part.getValue()), BINDING);
        }));
    }

    private static String withOneBitChanged(String value, int at) {
        byte[] bytes = Base64.getDecoder().decode(value);
        bytes[at] ^= 1;
        return Base64.getEncoder().encodeToString(bytes);
    }

    @TestFactory
    Stream<DynamicTest> doesNotOpenWhatIsCutShortOrTornOrNoBase64() {
        byte[] bytes = Base64.getDecoder().decode(V1);
        Stream<String> cut = IntStream.of(0, 1, 16, 28, 43, 44, bytes.length - 1)
            .mapToObj(length -> Base64.getEncoder().encodeToString(Arrays.copyOf(bytes, length)));
        Stream<String> other = Stream.of(V1 + "AAAA", V1 + " ", V1 + "\n", "!" + V1.substring(1),
            V1.replace('/', '_'));
        return Stream.concat(cut, other).flatMap(value -> Stream.of(value, "v2." + value))
            .map(value -> dynamicTest(value.length() + " characters", () -> assertStaysShut(CIPHER, value,
            "")));
    }

    @TestFactory
    Stream<DynamicTest> tellsSealedValuesFromPlainTokens() {
        Map<String, Boolean> cases = new LinkedHashMap<>();
        cases.put(V1, true);
        cases.put(V2, true);
        cases.put(V2.substring(0, 40), true);      // torn: never to be sent as it is
        cases.put("v2.", true);
        cases.put("v2.!", true);
        cases.put(Base64.getEncoder().encodeToString(new byte[44]), true);      // an empty token, sealed
        cases.put(Base64.getEncoder().encodeToString(new byte[43]), false);
        cases.put("", false);
        cases.put("the-token", false);
        cases.put("tökén", false);
        cases.put("Aa0".repeat(100) + "-", false);      // base64url is not base64
        cases.put("0123456789abcdef".repeat(4), false);
        cases.put("0123456789ABCDEF".repeat(8), false);
        cases.put("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P", false);
        cases.put("ghp_" + "a1B2".repeat(9), false);
        cases.put("v2.local.QAxIpVe-ECVNI1z4xQbm_qQYomyT3h8FtV8bxkz8pBJWkT8f7HtlOpbroPDEZUKop", false);
        return cases.entrySet().stream().map(one -> dynamicTest("\"" + one.getKey() + "\"",
            () -> assertEquals(one.getValue(), GatewayServer.TokenCipher.isSealed(one.getKey()))));
    }

    @Test
    void sharesOneSaltAmongAllWhoKnowTheRegistrysKey() {
        // node: createHmac("sha256", "the-api-key").update("token-salt").digest("hex").slice(0, 32)
        assertEquals("af51f7f412d4e92c32bd910af5442abd",
            HexFormat.of().formatHex(GatewayServer.TokenCipher.sharedSalt("the-api-key")));
    }

    @Test
    void makesASecretFromTheRegistrysKeyWhereNoneIsSet() {
        // node: createHmac("sha256", "the-api-key").update("encryption-key").digest("hex")
        assertEquals("71215da1c27d79807339006cff1a4c39cb7c9c730512cfc47ae316d4a32fd7b6",
            GatewayServer.TokenCipher.secretFrom("the-api-key"));
    }

    @Test
    void derivesOneKeyForAllTokensOfASalt() throws Exception {
        CIPHER.open(V1, "");
        long derived = nanosToOpen(CIPHER, 40);
        long deriving = nanosToOpen(new GatewayServer.TokenCipher(List.of(SECRET)), 1);
        assertTrue(derived < 10 * deriving,
            "40 tokens took " + derived + " ns, one with its key " + deriving + " ns");
    }

    private static long nanosToOpen(GatewayServer.TokenCipher cipher,
        int times) throws GeneralSecurityException {
        long start = System.nanoTime();
        for (int i = 0; i < times; i++) assertEquals("the-token", cipher.open(V1, ""));
        return System.nanoTime() - start;
    }
}
