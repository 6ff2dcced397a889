package org.openlora.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// ARCHITECTURE.md names classes, methods' classes and tests: they must be there.
class ArchitecturePageTest {
    private static final Pattern NAME = Pattern.compile("`([A-Z][A-Za-z0-9]+)(?:[.#][A-Za-z.]+)?`");

    @Test
    void page_everyClassAndTestItNames_exists() throws IOException {
        Path root = Path.of(System.getProperty("openlora.root", ".."))
                .toAbsolutePath()
                .normalize();
        Matcher matcher = NAME.matcher(Files.readString(root.resolve("ARCHITECTURE.md")));
        Set<String> named = new TreeSet<>();
        while (matcher.find()) {
            named.add(matcher.group(1));
        }
        assertThat(named).as("names found on the page").hasSizeGreaterThan(40).contains("LoraEngine", "MixedBatchTest");
        named.removeAll(Set.of("Generate")); // a method of the wire contract
        assertThat(named).isSubsetOf(sourceNames(root));
    }

    private static Set<String> sourceNames(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root, 14)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".java") || name.endsWith(".sol"))
                    .map(name -> name.substring(0, name.indexOf('.')))
                    .collect(Collectors.toSet());
        }
    }
}
