import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every program is whole by itself, so what they share is there in each of them, between two marks. Here the
 * copies are held to GatewayServer.java's; {@code make sync} runs {@link #main}, which renews them.
 */
class SharedSectionsTest {
    private static final Path MASTER = Path.of("GatewayServer.java");
    private static final List<Path> COPIES =
        Stream.of("RegisterBackend.java", "Install.java").map(Path::of).filter(Files::exists).toList();
    private static final Pattern SECTION =
        Pattern.compile("(?ms)^(    // >>> shared: (\\w+)\\n)(.*?)^(    // <<< shared: \\2\\n)");

    public static void main(String[] args) throws IOException {
        Map<String, String> master = sections(Files.readString(MASTER));
        for (Path file : COPIES) {
            String before = Files.readString(file);
            String after = renewed(before, master);
            if (after.equals(before)) continue;
            Files.writeString(file, after);
            System.out.println(file + " has the shared sections of " + MASTER + " again.");
        }
    }

    /** The text with each of its sections as the master has it. */
    private static String renewed(String text, Map<String, String> master) {
        return SECTION.matcher(text).replaceAll(copy -> {
            String section = master.get(copy.group(2));
            if (section != null) return Matcher.quoteReplacement(copy.group(1) + section + copy.group(4));
            System.err.println(MASTER + " has no shared section " + copy.group(2) + " to copy.");
            return Matcher.quoteReplacement(copy.group());
        });
    }

    private static Map<String, String> sections(String text) {
        Map<String, String> sections = new LinkedHashMap<>();
        SECTION.matcher(text).results().forEach(section -> sections.put(section.group(2), section.group(3)));
        return sections;
    }

    @Test
    void theMasterHasTheSections() throws IOException {
        Set<String> names = sections(Files.readString(MASTER)).keySet();
        assertTrue(names.containsAll(Set.of("Env", "Json", "Entry", "TokenCipher")), names.toString());
    }

    @TestFactory
    List<DynamicTest> everyCopyOfASectionIsTheMastersToTheLetter() throws IOException {
        Map<String, String> master = sections(Files.readString(MASTER));
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : COPIES) {
            sections(Files.readString(file)).forEach((name,
            copy) -> tests.add(dynamicTest(name + " in " + file, () -> {
                String original = master.get(name);
                if (original == null) fail(MASTER + " has no section " + name);
                if (!copy.equals(original)) fail(name + " in " + file + " differs from " + MASTER
                    + "'s from its line " + firstDifference(copy, original) + " on: edit that one, then run make sync");
            })));
        }
        return tests;
    }

    private static int firstDifference(String one, String other) {
        List<String> lines = one.lines().toList();
        return Arrays.mismatch(lines.toArray(), other.lines().toArray()) + 1;
    }

    @TestFactory
    List<DynamicTest> everyMarkHasItsPartnerAndNoSharedTypeStandsOutsideOfThem() throws IOException {
        String types = String.join("|", sections(Files.readString(MASTER)).keySet());
        Pattern declared = Pattern.compile("\\b(class|record|interface) (" + types + ")\\b");
        List<DynamicTest> tests = new ArrayList<>();
        for (Path file : COPIES) {
            String rest = SECTION.matcher(Files.readString(file)).replaceAll("");
            tests.add(dynamicTest(file.toString(), () -> {
                assertFalse(rest.contains("> shared:") || rest.contains("< shared:"),
                    "a mark without its partner");
                assertFalse(declared.matcher(rest).find(), "one of " + types + " outside of the marks");
            }));
        }
        return tests;
    }

    @Test
    void syncFillsInWhatIsBetweenTheMarksAndTouchesNothingElse() {
        String empty = "a\n    // >>> shared: Json\n    // <<< shared: Json\nz $1\n";
        String filled = "a\n    // >>> shared: Json\n    $0 \\ code\n    // <<< shared: Json\nz $1\n";
        assertEquals(filled, renewed(empty, Map.of("Json", "    $0 \\ code\n")));
        assertEquals(filled, renewed(filled.replace("code", "other"), Map.of("Json", "    $0 \\ code\n")));
    }
}
