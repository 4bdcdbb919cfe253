import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Backends that speak HTTPS are believed only with a certificate for their name, from an authority that is
 * known.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TlsBackendTest {
    private static final String PASSWORD = "changeit";

    private Lab lab;
    private GatewayServer gateway;

    @BeforeAll
    void start() throws Exception {
        lab = new Lab();
        // The JDK asks no date of a certificate that is trusted itself: the expired one is signed by another.
        await(certificate("good", "key", "-ext", "san=dns:localhost,ip:127.0.0.1"),
            certificate("misnamed", "key", "-ext", "san=dns:another.test"),
            certificate("unknown", "key", "-ext", "san=dns:localhost"),
            certificate("expired", "authority", "-ext", "bc:c"));
        await(certificate("expired", "key", "-signer", "authority", "-ext", "san=dns:localhost",
            "-startdate", "-10d", "-validity", "1"));
        StringBuilder known = new StringBuilder();
        for (String name : List.of("good", "misnamed", "expired")) {
            String alias = name.equals("expired") ? "authority" : "key";
            byte[] certificate = keys(name).getCertificate(alias).getEncoded();
            known.append("-----BEGIN CERTIFICATE-----\n")
                .append(java.util.Base64.getMimeEncoder().encodeToString(certificate))
                    .append("\n-----END CERTIFICATE-----\n");
        }
        Path ca = Files.writeString(lab.folder.resolve("ca.pem"), known);
        gateway = lab.gateway("--backend-ca=" + ca, "--health-failures=1000");
        for (String name : List.of("good", "misnamed", "expired", "unknown")) {
            lab.register(gateway, name, "https://localhost:" + serve(name), "/" + name);
        }
    }

    @AfterAll
    void stop() throws Exception {
        lab.close();
    }

    private static void await(Process... keytools) throws Exception {
        for (Process keytool : keytools) {
            assertEquals(0, keytool.waitFor(), new String(keytool.getInputStream().readAllBytes()));
        }
    }

    private Process certificate(String name, String alias, String... options) throws Exception {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin",
            "keytool").toString(),
            "-genkeypair", "-alias", alias, "-keyalg", "EC", "-dname", "CN=" + name, "-storetype", "PKCS12",
                "-storepass",
            PASSWORD, "-keystore", lab.folder.resolve(name + ".p12").toString()));
        command.addAll(List.of(options));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    private KeyStore keys(String name) throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream file = Files.newInputStream(lab.folder.resolve(name + ".p12"))) {
            keys.load(file, PASSWORD.toCharArray());
        }
        return keys;
    }

    private int serve(String name) throws Exception {
        KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
        KeyStore keys = keys(name);
        if (keys.containsAlias("authority")) keys.deleteEntry("authority");
        factory.init(keys, PASSWORD.toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(factory.getKeyManagers(), null, null);
        HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            100);
        server.setHttpsConfigurator(new HttpsConfigurator(context));
        server.setExecutor(Executors.newCachedThreadPool(Thread.ofPlatform().daemon().factory()));
        server.createContext("/", exchange -> {
            byte[] body = exchange.getRequestBody().readAllBytes();
            exchange.getResponseHeaders().set("X-Host", exchange.getRequestHeaders().getFirst("Host"));
            exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        lab.keep(() -> server.stop(0));
        return server.getAddress().getPort();
    }

    @Test
    void serveWithAFittingCertificate() throws Exception {
        String body = "0123456789abcdef".repeat(40_000);
        Lab.Answer answer = lab.send(gateway.port(), "POST", "/good/x", body);
        assertEquals(200, answer.status(), answer.body());
        assertEquals(body, answer.body());
        assertTrue(answer.header("X-Host").startsWith("localhost:"));
    }

    @ParameterizedTest
    @CsvSource({"misnamed, localhost", "expired, expire", "unknown, certification path"})
    void areRefusedWithTheReasonWhereItDoesNotFit(String name, String reason) throws Exception {
        for (String method : List.of("GET", "POST")) {
            Lab.Answer answer = lab.send(gateway.port(), method, "/" + name + "/x", method.equals("GET")
                ? null : "secret");
            assertEquals(502, answer.status());
            assertEquals("tls-failed", answer.header("X-Gateway-Error"));
            assertTrue(answer.body().toLowerCase().contains(reason), answer.body());
            assertEquals(name, answer.json().get("backend"));
        }
    }

    @Test
    void areRefusedWhereTheySpeakNoTls() throws Exception {
        try (WireBackend plain = new WireBackend()) {
            lab.register(gateway, "plain", plain.url().replace("http:", "https:").replace("127.0.0.1",
                "localhost"), "/plain");
            Lab.Answer answer = lab.get(gateway, "/plain/x");
            assertEquals("502 tls-failed", answer.status() + " " + answer.header("X-Gateway-Error"),
                answer.body());
            assertEquals(0, plain.requests.size());
        }
    }

    @Test
    void areRefusedWhereTheyCloseInTheHandshake() throws Exception {
        String url = lab.rawBackend(socket -> socket.getInputStream().read());
        lab.register(gateway, "closing", url.replace("http:", "https:"), "/closing");
        Lab.Answer answer = lab.send(gateway.port(), "POST", "/closing/x", "secret");
        assertEquals("502 tls-failed", answer.status() + " " + answer.header("X-Gateway-Error"),
            answer.body());
    }
}
