import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** --use-public-ip: what a service tells is believed if it is an address, and one that others can reach. */
class PublicAddressTest {

    @ParameterizedTest
    @CsvSource({"203.0.113.7, http://203.0.113.7:3000", "2001:db8::7, http://[2001:db8:0:0:0:0:0:7]:3000"})
    void registersTheAddressThatAServiceTellsWithBracketsAroundIpv6(String told, String url) {
        try (RegistryStub registry = new RegistryStub();
             RegistryStub service = new RegistryStub().answering(200, told + "\n")) {
            assertEquals(0, Registrar.run(Registrar.publicIp(registry.url(), service.url())).code());
            assertEquals(url, registry.last().data().get("url"));
            String noted = registry.last().system().get("publicIP").toString();
            assertEquals(url, "http://" + (noted.contains(":") ? "[" + noted + "]" : noted) + ":3000");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"unknown", "", "localhost", "127.0.0.1", "0.0.0.0", "169.254.1.1", "224.0.0.1",
        "::", "::1", "fe80::1", "::ffff:127.0.0.1", "203.0.113.7 or so", "<html>203.0.113.7</html>",
        "203.0.113.7/evil", "999.1.1.1"})
    void asksTheNextServiceWhenAnAnswerIsNoAddressThatOthersCanReach(String told) {
        try (RegistryStub registry = new RegistryStub();
             RegistryStub bad = new RegistryStub().answering(200, told);
             RegistryStub good = new RegistryStub().answering(200, "203.0.113.7")) {
            String services = bad.url() + "," + good.url();
            assertEquals(0, Registrar.run(Registrar.publicIp(registry.url(), services)).code());
            assertEquals(1, bad.requests.size());
            assertEquals("http://203.0.113.7:3000", registry.last().data().get("url"));
        }
    }

    @Test
    void registersNothingWhenNoServiceTellsAnAddress() throws IOException {
        try (RegistryStub registry = new RegistryStub();
             RegistryStub failing = new RegistryStub().answering(500, "203.0.113.7");
             RegistryStub chatty = new RegistryStub().answering(200, "203.0.113.7" + " ".repeat(200))) {
            String services = failing.url() + "," + chatty.url() + ",http://localhost:" + deadPort();
            Registrar.Run run = Registrar.run(Registrar.publicIp(registry.url(), services));
            assertEquals(1, run.code());
            assertEquals("No service told the public IP address (localhost: it answers with status 500;"
                + " localhost: its answer is too long; localhost: nothing listens there): check the way to"
                + " the internet, set PUBLIC_IP_URLS, or give --backend-url instead.", run.err().strip());
            assertEquals(0, registry.requests.size());
        }
    }

    @Test
    void asksNobodyForTheAddressWhenTheUrlIsGiven() {
        try (RegistryStub registry = new RegistryStub(); RegistryStub service = new RegistryStub()) {
            Registrar.run(Registrar.sound(registry.url(), "--public-ip-urls=" + service.url()));
            assertEquals(0, service.requests.size());
            assertNull(registry.last().system().get("publicIP"));
        }
    }

    @ParameterizedTest
    @CsvSource({"1.2.3.4, 01020304", "255.255.255.255, ffffffff", "0.0.0.0, 00000000",
        "::, 00000000000000000000000000000000", "1::, 00010000000000000000000000000000",
        "::1, 00000000000000000000000000000001", "2001:DB8::ff00:42:8329, 20010db8000000000000ff0000428329",
        "1:2:3:4:5:6:7:8, 00010002000300040005000600070008",
        "1::3:4:5:6:7:8, 00010000000300040005000600070008",
        "64:ff9b::192.0.2.33, 0064ff9b0000000000000000c0000221", "::ffff:1.2.3.4, 01020304"})
    void readsEveryWayToWriteAnAddress(String text, String hex) {
        InetAddress address = RegisterBackend.PublicIp.parse(text);
        assertNotNull(address);
        assertArrayEquals(HexFormat.of().parseHex(hex), address.getAddress());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4.",
        "1.2.3.-4", "1.2.3.+4", "0x1.2.3.4", "16909060", ":", ":::", "1", "1:2", "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9", "1::2::3", "::12345", "::g", "1:2:3:4:5:6:7::8", ":1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:", "fe80::1%eth0", "[::1]", "::1.2.3", "1.2.3.4::", "1.2.3.4:80",
        "1:2:3:4:5:6:7:1.2.3.4", "\u0661.2.3.4", "example.org"})
    void takesNothingElseForAnAddress(String text) {
        assertNull(RegisterBackend.PublicIp.parse(text));
    }

    @Test
    void readsAnyAddressThatJavaWrites() {
        Random random = new Random(7);
        for (int i = 0; i < 1000; i++) {
            byte[] bytes = new byte[random.nextBoolean() ? 4 : 16];
            random.nextBytes(bytes);
            try {
                InetAddress address = InetAddress.getByAddress(bytes);
                assertEquals(address, RegisterBackend.PublicIp.parse(address.getHostAddress()));
            } catch (IOException e) {
                throw new AssertionError(ByteBuffer.wrap(bytes).toString(), e);
            }
        }
    }

    private static int deadPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertTrue(socket.isBound());
            return socket.getLocalPort();
        }
    }
}
