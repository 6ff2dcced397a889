package org.openlora.engine.golden;

import java.nio.file.Files;
import java.nio.file.Path;

/// Where the bundled model, the example adapters and a training text lie.
final class Examples {
    private Examples() {}

    static Path model() {
        return root().resolve("models/openlora-tiny");
    }

    static Path adapters() {
        return root().resolve("examples/adapters");
    }

    /// The example adapters of SmolLM2, and what they answer.
    static Path smollm2() {
        return root().resolve("examples/smollm2");
    }

    /// English text that the bundled model was trained on, 5000 words.
    static Path everyday() {
        return root().resolve("examples/train/text/everyday.txt");
    }

    /// The repository's root: given by the build, or the nearest folder above that holds the examples.
    private static Path root() {
        String given = System.getProperty("openlora.root", "");
        Path folder = Path.of(given).toAbsolutePath();
        while (folder != null && !Files.isDirectory(folder.resolve("examples/adapters"))) {
            folder = folder.getParent();
        }
        if (folder == null) {
            throw new IllegalStateException(
                    "no folder examples/adapters above " + Path.of(given).toAbsolutePath());
        }
        return folder;
    }
}
