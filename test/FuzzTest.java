import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Spoilt requests and spoilt answers, thousands of them: see Fuzz. It prints its seed, which repeats them.
 */
class FuzzTest {
    private static final int SECONDS = 15;

    @Test
    void nothingThatIsSentOrAnsweredHarmsTheGatewayOrAnybodyElse() throws Exception {
        String classes = Fuzz.class.getProtectionDomain().getCodeSource().getLocation().getPath();
        String gateway = GatewayServer.class.getProtectionDomain().getCodeSource().getLocation().getPath();
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin",
            "java").toString(),
            "-cp", classes + java.io.File.pathSeparator + gateway, "Fuzz", "" + SECONDS)
            .redirectErrorStream(true).start();
        process.getOutputStream().close();
        String report = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        System.out.print(report);
        assertEquals(0, process.waitFor(), report);
        Matcher cases = Pattern.compile("(?m)^([0-9]+) cases .* ([0-9]+) requests reached a backend")
            .matcher(report);
        assertTrue(cases.find(), report);
        assertTrue(Integer.parseInt(cases.group(1)) > 100 && Integer.parseInt(cases.group(2)) > 20, report);
    }
}
