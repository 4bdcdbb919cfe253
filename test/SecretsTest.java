import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** No key and no token is in anything that the gateway prints, answers or keeps, whatever happens to it. */
class SecretsTest {
    private static final String ADMIN_TOKEN = "the-operators-own-4411";
    private static final List<String> SECRETS = List.of(Lab.API_KEY, Lab.ENCRYPTION_KEY, ADMIN_TOKEN,
        Lab.TOKEN, GatewayServer.TokenCipher.secretFrom(Lab.API_KEY));

    private final List<String> answers = new ArrayList<>();
    private Lab lab;
    private Path folder;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
        folder = Files.createDirectory(lab.folder.resolve("home"));
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    private GatewayProcess gateway(String... options) throws Exception {
        Map<String, String> environment = new HashMap<>(Map.of("API_KEY", Lab.API_KEY, "PROXY_PORT", "0",
            "ENCRYPTION_KEY", Lab.ENCRYPTION_KEY, "ADMIN_TOKEN", ADMIN_TOKEN, "REGISTRY_PORT", "0"));
        environment.putAll(Map.of("ACCESS_LOG", "text", "HEALTH_INTERVAL_MS", "100", "HEALTH_FAILURES", "1",
            "UPSTREAM_TIMEOUT_MS", "300"));
        List<String> fast = List.of("-XX:TieredStopAtLevel=4");    // keys are derived by optimised code
        return lab.keep(GatewayProcess.start(folder, environment, fast, options));
    }

    /** One request whose answer is kept, with all its headers. */
    private Lab.Answer ask(int port, String method, String path, String body, String... headers)
            throws Exception {
        Lab.Answer answer = lab.send(port, method, path, body, headers);
        answers.add(answer.toString());
        return answer;
    }

    private void put(int registry, Map<String, Object> data) throws Exception {
        ask(registry, "PUT", "/collections/backends/" + data.get("name"),
            GatewayServer.Json.write(Map.of("data", data)), "Authorization", "Bearer " + Lab.API_KEY);
    }

    private static void assertNoSecret(String where, String text) {
        for (int i = 0; i < SECRETS.size(); i++) {
            assertFalse(text.contains(SECRETS.get(i)), "secret number " + i + " is in " + where);
        }
    }

    @Test
    void noneIsInAnyOutputAnswerOrFile() throws Exception {
        GatewayProcess gateway = gateway();
        int registry = gateway.registryPort();
        int port = gateway.port();
        SocketBackend shop = lab.keep(SocketBackend.saying("ok"));
        String odd = lab.rawBackend(socket -> Lab.write(socket, "SSH-2.0\r\n\r\n"));
        String silent = lab.rawBackend(socket -> Lab.readHead(socket.getInputStream()));
        String stuck = lab.rawBackend(socket -> socket.getInputStream().readAllBytes());
        String dead = "http://127.0.0.1:" + Lab.deadPort();
        put(registry, Lab.sealedData("shop", shop.url(), "/api"));
        put(registry, Lab.sealedData("odd", odd, "/odd"));
        put(registry, Lab.sealedData("silent", silent, "/silent"));
        put(registry, Lab.sealedData("stuck", stuck, "/stuck"));
        put(registry, Lab.sealedData("dead", dead, "/dead"));
        put(registry, Lab.sealedData("lost", "http://no-such-host.invalid", "/lost"));
        put(registry, Lab.sealedData("metadata", "http://169.254.169.254", "/metadata"));
        Map<String, Object> stolen = Lab.sealedData("victim", "http://127.0.0.1:1", "/x");
        stolen.put("name", "thief");
        put(registry, stolen);
        Lab.until("it serves", () -> ask(port, "GET", "/api/x", null).status() == 200);
        assertTrue(shop.heads.getFirst().contains("Bearer " + Lab.TOKEN), "the token works at all");

        for (String path : List.of("/api/x", "/odd/x", "/silent/x", "/stuck/x", "/dead/x", "/lost/x", "/x/x",
                "/metadata/x", "/none", "/api/../x", "/gateway/none")) {
            for (String method : List.of("GET", "POST", "TRACE")) {
                ask(port, method, path, method.equals("POST") ? "body" : null);
            }
        }
        for (String page : List.of("/gateway/health", "/gateway/status", "/gateway/routing",
                "/gateway/metrics", "/gateway/failures", "/gateway/explain?path=/api/x", "/gateway/",
                "/proxy/status")) {
            ask(port, "GET", page, null);
            ask(port, "GET", page, null, "Authorization", "Bearer " + ADMIN_TOKEN);
            ask(port, "GET", page, null, "Authorization", "Bearer " + ADMIN_TOKEN.substring(1));
        }
        ask(port, "POST", "/gateway/reload", null, "Authorization", "Bearer " + ADMIN_TOKEN);
        ask(registry, "GET", "/collections/backends", null, "X-API-Key", "wrong");
        ask(registry, "GET", "/collections/backends", null, "X-API-Key", Lab.API_KEY);
        ask(registry, "GET", "/kv/backends:*", null, "X-API-Key", Lab.API_KEY);
        ask(registry, "PUT", "/collections/backends/bad", "{\"data\":{\"token\":\"" + Lab.TOKEN + "\",",
            "X-API-Key", Lab.API_KEY);
        Map<String, Object> badToken = Lab.data("bad", dead, "/bad");
        badToken.put("token", Lab.TOKEN + "\n");
        put(registry, badToken);
        gateway.await("Backend dead is down");
        gateway.await("Backend thief is out of service");
        gateway.terminate();
        gateway.exitCode();

        assertNoSecret("its output", gateway.out() + gateway.err());
        assertNoSecret("its registry", Files.readString(folder.resolve("backends.json")));
        answers.forEach(answer -> assertNoSecret(answer, answer));
        assertTrue(answers.size() > 60, "the test has asked little");
    }

    @Test
    void aPlainTokenIsInTheRegistryAndNowhereElse() throws Exception {
        GatewayProcess gateway = gateway();
        int port = gateway.port();
        Map<String, Object> odd = Lab.data("odd", lab.saying("ok"), "/odd");
        odd.put("token", Lab.TOKEN + " \u007f");
        put(gateway.registryPort(), odd);
        put(gateway.registryPort(), Lab.data("plain", lab.saying("ok"), "/plain"));
        Lab.until("it serves", () -> ask(port, "GET", "/plain/x", null).status() == 200);
        gateway.await("plain has its token in plain text");
        ask(port, "GET", "/gateway/status", null, "Authorization", "Bearer " + ADMIN_TOKEN);
        ask(port, "GET", "/odd/x", null);
        gateway.terminate();
        gateway.exitCode();
        assertNoSecret("its output", gateway.out() + gateway.err());
        answers.forEach(answer -> assertNoSecret(answer, answer));
    }

    @Test
    void noneIsInAComplaintAboutSettings() throws Exception {
        Files.writeString(folder.resolve(".env"), Lab.API_KEY + "\nAPI_KEY='" + Lab.API_KEY + "\n");
        GatewayProcess refused = gateway("--encryption-key=" + Lab.ENCRYPTION_KEY + "\t",
            "--registry-url=http://user:" + Lab.TOKEN + "@registry:8000");
        assertEquals(2, refused.exitCode());
        assertEquals(4, refused.err().lines().count(), refused::err);
        assertNoSecret("its complaint", refused.out() + refused.err());
    }
}
