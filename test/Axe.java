import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * axe-core, which looks for what keeps people from reading a page. npm fetches it once into the cache where
 * JUnit lies, too; each use checks that it is the version named here.
 */
final class Axe {
    private static final String VERSION = "4.10.3";
    private static final String SHA_256 = "880970c081707360e64f34cea25ff91892f5bc95675b0776925b9709dd8a68bb";

    private Axe() {}

    /** Its script; null where it cannot be had. */
    static String script() throws Exception {
        String cache = Optional.ofNullable(System.getenv("XDG_CACHE_HOME")).filter(home -> !home.isEmpty())
            .orElse(System.getProperty("user.home") + "/.cache");
        Path kept = Path.of(cache, "backend-gateway", "axe-core-" + VERSION + ".min.js");
        if (!Files.exists(kept) && !fetch(kept)) return null;
        byte[] script = Files.readAllBytes(kept);
        String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(script));
        if (!hash.equals(SHA_256)) {
            throw new AssertionError(kept + " is not axe-core " + VERSION + ": delete it and run this again");
        }
        return new String(script, StandardCharsets.UTF_8);
    }

    private static boolean fetch(Path kept) throws Exception {
        Path folder = Files.createTempDirectory(Files.createDirectories(kept.getParent()), "fetch.");
        try {
            boolean fetched = run(folder, "npm", "pack", "axe-core@" + VERSION)
                && run(folder, "tar", "-xzf", "axe-core-" + VERSION + ".tgz", "package/axe.min.js");
            if (fetched) {
                Files.move(folder.resolve("package/axe.min.js"), kept, StandardCopyOption.REPLACE_EXISTING);
            }
            return fetched;
        } finally {
            Browser.delete(folder);
        }
    }

    private static boolean run(Path folder, String... command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
            process.getOutputStream().close();
            if (process.waitFor(Lab.PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                return process.exitValue() == 0;
            }
            process.destroyForcibly().waitFor();
            return false;
        } catch (IOException e) {
            return false;                                      // there is no such program
        }
    }
}
