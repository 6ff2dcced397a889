package org.openlora.adapters;

import java.nio.file.Files;
import java.nio.file.Path;

/// Finds files of the repository from a test.
public final class Repository {
    private Repository() {}

    /// A path from the repository's root, there or not.
    public static Path file(String path) {
        String root = System.getProperty("openlora.root");
        if (root != null && !root.isEmpty()) {
            return Path.of(root).resolve(path);
        }
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("docs/vectors")) && folder.getParent() != null) {
            folder = folder.getParent();
        }
        return folder.resolve(path);
    }
}
