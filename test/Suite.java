import org.junit.platform.console.ConsoleLauncher;

/** Runs JUnit in a JVM that is as GatewayServer's own: HttpClient reads its properties only once. */
final class Suite {
    private Suite() {}

    public static void main(String[] args) throws ClassNotFoundException {
        Class.forName("GatewayServer");
        ConsoleLauncher.main(args);
    }
}
