import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTPS in front, with certificates as certbot and keytool's users have them. */
class TlsFrontTest {
    private Lab lab;

    @BeforeEach
    void start() throws Exception {
        lab = new Lab();
    }

    @AfterEach
    void stop() throws Exception {
        lab.close();
    }

    /** Makes a self-signed certificate for localhost: NAME.crt, NAME.key (PKCS#8), of rsa:2048, ec or ed25519. */
    private void certificate(String name, String kind, String subject) throws Exception {
        String[] key = switch (kind) {
            case "ec" -> new String[] {"ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"};
            default -> new String[] {kind};
        };
        List<String> command = new ArrayList<>(List.of("openssl", "req", "-x509", "-nodes", "-days", "2",
            "-subj", "/CN=" + subject, "-addext", "subjectAltName=DNS:localhost", "-newkey"));
        command.addAll(List.of(key));
        command.addAll(List.of("-keyout", file(name + ".key").toString(), "-out", file(name + ".crt").toString()));
        run(command.toArray(String[]::new));
    }

    private Path file(String name) {
        return lab.folder.resolve(name);
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
    }

    private GatewayServer gatewayWithPem() throws Exception {
        return lab.gateway("--tls-cert=" + file("a.crt"), "--tls-key=" + file("a.key"));
    }

    /** The first line of the answer to a request by TLS, after the certificate's subject and the protocol. */
    private String ask(GatewayServer gateway, String trusted, String protocol) throws Exception {
        return ask(gateway, trusted, protocol, "/gateway/health");
    }

    private String ask(GatewayServer gateway, String trusted, String protocol, String path) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (var in = Files.newInputStream(file(trusted))) {
            store.setCertificateEntry("it", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("localhost", gateway.port())) {
            socket.setEnabledProtocols(new String[] {protocol});
            Lab.write(socket, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            String head = Lab.readHead(socket.getInputStream());
            X509Certificate shown = (X509Certificate) socket.getSession().getPeerCertificates()[0];
            return shown.getSubjectX500Principal() + " " + socket.getSession().getProtocol() + " "
                + head.lines().findFirst().orElse("");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"rsa:2048", "ec", "ed25519"})
    void servesThePemFilesThatCertbotWrites(String kind) throws Exception {
        certificate("a", kind, "first");
        GatewayServer gateway = gatewayWithPem();
        assertEquals("CN=first TLSv1.3 HTTP/1.1 200 OK", ask(gateway, "a.crt", "TLSv1.3"));
        assertEquals("CN=first TLSv1.2 HTTP/1.1 200 OK", ask(gateway, "a.crt", "TLSv1.2"));
    }

    @Test
    void servesAPkcs12File() throws Exception {
        certificate("a", "ec", "first");
        run("openssl", "pkcs12", "-export", "-in", file("a.crt").toString(), "-inkey", file("a.key").toString(),
            "-out", file("a.p12").toString(), "-passout", "pass:of the store");
        GatewayServer gateway = lab.gateway("--tls-keystore=" + file("a.p12"), "--tls-keystore-password=of the store");
        assertEquals("CN=first TLSv1.3 HTTP/1.1 200 OK", ask(gateway, "a.crt", "TLSv1.3"));
    }

    @Test
    void speaksNoTlsOlderThan12() throws Exception {
        certificate("a", "rsa:2048", "first");
        GatewayServer gateway = gatewayWithPem();
        Process client = new ProcessBuilder("openssl", "s_client", "-connect", "localhost:" + gateway.port(),
            "-tls1_1", "-cipher", "ALL:@SECLEVEL=0").redirectErrorStream(true).start();
        client.getOutputStream().close();
        String output = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        // Whether the alert arrives before the connection ends differs between JDKs; there is no session.
        assertTrue(client.waitFor() != 0 && output.contains("Cipher is (NONE)"), output);
    }

    @Test
    void tellsBackendsThatTheClientCameByHttps() throws Exception {
        certificate("a", "ec", "first");
        GatewayServer gateway = gatewayWithPem();
        CompletableFuture<String> proto = new CompletableFuture<>();
        String url = lab.backend(exchange -> {
            String forwarded = exchange.getRequestHeaders().getFirst("X-Forwarded-Proto");
            if (exchange.getRequestURI().getPath().equals("/x")) proto.complete(forwarded);
            Lab.answer(exchange, 200, "");
        });
        lab.put(gateway, Lab.data("api", url, "/api"));
        Lab.until("the backend is served", () -> ask(gateway, "a.crt", "TLSv1.3", "/api/x").endsWith("200 OK"));
        assertEquals("https", proto.get());
    }

    @Test
    void takesUpARenewedCertificateWithoutARestart() throws Exception {
        certificate("a", "ec", "first");
        certificate("b", "ec", "second");
        GatewayServer gateway = gatewayWithPem();
        assertEquals("CN=first TLSv1.3 HTTP/1.1 200 OK", ask(gateway, "a.crt", "TLSv1.3"));
        Files.move(file("b.key"), file("a.key"), StandardCopyOption.REPLACE_EXISTING);
        Files.copy(file("b.crt"), file("a.crt"), StandardCopyOption.REPLACE_EXISTING);
        Lab.until("the new certificate is shown", () -> ask(gateway, "b.crt", "TLSv1.3").startsWith("CN=second"));
    }

    @Test
    void keepsTheCertificateWhileARenewalIsHalfDone() throws Exception {
        certificate("a", "ec", "first");
        certificate("b", "ec", "second");
        Files.copy(file("a.crt"), file("old.crt"));
        GatewayServer gateway = gatewayWithPem();
        Files.copy(file("b.crt"), file("a.crt"), StandardCopyOption.REPLACE_EXISTING);       // the key comes later
        long end = System.nanoTime() + 2_000_000_000L;
        while (System.nanoTime() < end) {
            assertEquals("CN=first TLSv1.3 HTTP/1.1 200 OK", ask(gateway, "old.crt", "TLSv1.3"));
        }
        Files.copy(file("b.key"), file("a.key"), StandardCopyOption.REPLACE_EXISTING);
        Lab.until("the new certificate is shown", () -> ask(gateway, "b.crt", "TLSv1.3").startsWith("CN=second"));
    }

    @Test
    void saysWhatIsWrongWithItsFiles() throws Exception {
        certificate("a", "ec", "first");
        certificate("b", "ec", "second");
        Files.writeString(file("empty"), "");
        assertRefused("TLS_KEY go together", "--tls-cert=" + file("a.crt"));
        assertRefused("do not belong together", "--tls-cert=" + file("a.crt"), "--tls-key=" + file("b.key"));
        assertRefused("openssl pkcs8", "--tls-cert=" + file("a.crt"), "--tls-key=" + file("empty"));
        assertRefused("no certificate in it", "--tls-cert=" + file("empty"), "--tls-key=" + file("a.key"));
        assertRefused("TLS_KEYSTORE", "--tls-keystore=" + file("a.crt"));
        assertRefused("BACKEND_CA", "--backend-ca=" + file("empty"));
        assertRefused("BACKEND_CA", "--backend-ca=" + file("missing"));
    }

    private void assertRefused(String why, String... options) {
        String message = assertThrows(GatewayServer.Env.Refused.class, () -> lab.gateway(options)).getMessage();
        assertTrue(message.contains(why), message);
    }

    @Test
    void survivesPlainHttpOnItsPort() throws Exception {
        certificate("a", "ec", "first");
        GatewayServer gateway = gatewayWithPem();
        try (Socket socket = new Socket("127.0.0.1", gateway.port())) {
            socket.setSoTimeout(10_000);
            Lab.write(socket, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
            socket.getInputStream().readAllBytes();
        } catch (IOException e) {
            // A reset will do as well.
        }
        assertEquals("CN=first TLSv1.3 HTTP/1.1 200 OK", ask(gateway, "a.crt", "TLSv1.3"));
    }
}
