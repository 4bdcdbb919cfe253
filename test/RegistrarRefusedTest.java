import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A registry that refuses or cannot be reached: exit code 1 and one sentence that says what to do. */
class RegistrarRefusedTest {
    private static final String CHECK_URL = "check BACKENDS_REGISTRY_URL and its path.";

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "401 | {}                       | refuses the API key: set API_KEY to the key that the registry has.",
        "403 | {}                       | refuses the API key: set API_KEY to the key that the registry has.",
        "400 | {\"message\":\"too odd.\"} | refuses the entry (too odd): correct that and register again.",
        "413 | too much                 | refuses the entry: correct that and register again.",
        "500 | {\"message\":\"full\"}     | fails with status 500 (full): look into its log, then try again.",
        "503 | <html>                   | fails with status 503: look into its log, then try again.",
        "404 | not found                | answers 404, as no registry of backends does: " + CHECK_URL,
        "200 | <html>Welcome            | does not answer as a registry of backends does: " + CHECK_URL,
        "200 | {\"success\":false}        | does not answer as a registry of backends does: " + CHECK_URL})
    void saysWhatTheRegistryMeansAndWhatToDo(int status, String body, String sentence) {
        try (RegistryStub registry = new RegistryStub().answering(status, body)) {
            assertRefused(Registrar.run(Registrar.sound(registry.url())),
                "The registry at " + registry.url() + " " + sentence);
        }
    }

    @Test
    void followsNoRedirectWithTheKey() {
        try (RegistryStub elsewhere = new RegistryStub();
             RegistryStub registry = new RegistryStub().answering(
                 request -> new RegistryStub.Answer(308, "", elsewhere.url() + request.path()))) {
            assertRefused(Registrar.run(Registrar.sound(registry.url())), "The registry at " + registry.url()
                + " redirects to another address: set BACKENDS_REGISTRY_URL to that one, for a redirect is"
                + " not trusted with the API key.");
            assertEquals(0, elsewhere.requests.size());
        }
    }

    @Test
    void saysThatNothingListensThere() throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        assertRefused(Registrar.run(Registrar.sound("http://localhost:" + port)),
            "The registry at http://localhost:" + port + " cannot be reached (nothing listens there): check"
            + " that it runs and that BACKENDS_REGISTRY_URL is right.");
    }

    @Test
    void saysThatTheHostIsNotKnown() {
        Registrar.Run run = Registrar.run(Registrar.sound("https://registry.invalid"));
        assertRefused(run, "The registry at https://registry.invalid cannot be reached (its host name is not"
            + " known): check that it runs and that BACKENDS_REGISTRY_URL is right.");
    }

    @Test
    void saysThatAnHttpsUrlLeadsToAPortWithoutTls() throws IOException {
        try (ServerSocket plain = greeting("HTTP/1.1 400 Bad Request\r\n\r\n")) {
            Registrar.Run run = Registrar.run(Registrar.sound("https://localhost:" + plain.getLocalPort()));
            assertEquals(1, run.code());
            assertTrue(run.err().contains("cannot be reached (there is no TLS, "), run.err());
            assertEquals(1, run.err().lines().count());
        }
    }

    @Test
    void saysThatTheCertificateIsNotTrusted(@TempDir Path folder) throws Exception {
        String keys = folder.resolve("keys.p12").toString();
        String keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
        assertEquals(0, new ProcessBuilder(keytool, "-genkeypair", "-keyalg", "EC", "-dname", "CN=localhost",
            "-keystore", keys, "-storepass", "changeit").start().waitFor());
        KeyManagerFactory manager = KeyManagerFactory.getInstance("PKIX");
        char[] password = "changeit".toCharArray();
        manager.init(KeyStore.getInstance(new File(keys), password), password);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(manager.getKeyManagers(), null, null);
        HttpsServer server = HttpsServer.create(new InetSocketAddress("localhost", 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(context));
        server.start();
        String url = "https://localhost:" + server.getAddress().getPort();
        assertRefused(Registrar.run(Registrar.sound(url)), "The registry at " + url + " cannot be reached"
            + " (this Java does not trust its certificate): check that it runs and that BACKENDS_REGISTRY_URL"
            + " is right.");
        server.stop(0);
    }

    @Test
    void saysThatTheOtherSideSpeaksNoHttp() throws IOException {
        try (ServerSocket ssh = greeting("SSH-2.0-OpenSSH\r\n")) {
            Registrar.Run run = Registrar.run(Registrar.sound("http://localhost:" + ssh.getLocalPort()));
            assertEquals(1, run.code());
            assertTrue(run.err().contains("(it breaks off or does not speak HTTP)"), run.err());
        }
    }

    /** A server that says the same to everybody, at once. */
    private static ServerSocket greeting(String words) throws IOException {
        ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(() -> {
            while (!server.isClosed()) {
                try (Socket client = server.accept()) {
                    client.getOutputStream().write(words.getBytes());
                    client.shutdownOutput();
                    client.getInputStream().readAllBytes();     // or the words could be lost in a reset
                } catch (IOException e) {
                    // The next one, if there is one.
                }
            }
        });
        return server;
    }

    @Test
    void doesNotRepeatASecretThatTheRegistryRepeats() {
        try (RegistryStub registry = new RegistryStub().answering(request -> new RegistryStub.Answer(400,
                "{\"message\":\"not allowed: " + request.authorization() + "\"}"))) {
            assertRefused(Registrar.run(Registrar.sound(registry.url())),
                "The registry at " + registry.url() + " refuses the entry: correct that and register again.");
        }
    }

    @Test
    void showsAMessageWithoutItsControlCharacters() {
        String message = "{\"message\":\"\\u001b[2Jgone\\nnext\"}";
        try (RegistryStub registry = new RegistryStub().answering(400, message)) {
            Registrar.Run run = Registrar.run(Registrar.sound(registry.url()));
            assertTrue(run.err().contains("(\\u001b[2Jgone\\u000anext)"), run.err());
        }
    }

    @Test
    void warnsOfAKeyInClearTextButNotOnTheMachineItself() throws IOException {
        assertTrue(Registrar.run(Registrar.sound("http://registry.invalid")).err().startsWith(
            "Warning: the API key goes to http://registry.invalid in clear text; use https:// if others share"
            + " the network.\n"));
        for (String near : new String[] {"http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"}) {
            assertFalse(Registrar.run(Registrar.sound(near)).err().contains("Warning"), near);
        }
        assertFalse(Registrar.run(Registrar.sound("https://registry.invalid")).err().contains("Warning"));
    }

    private static void assertRefused(Registrar.Run run, String sentence) {
        assertEquals(sentence + "\n", run.err());
        assertEquals("", run.out());
        assertEquals(1, run.code());
    }
}
