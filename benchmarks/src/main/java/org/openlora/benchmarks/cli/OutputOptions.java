package org.openlora.benchmarks.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Option;

/// Where results go and how the machine's ceilings are measured.
final class OutputOptions {
    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Folder of the results; default: benchmarks/results of this installation.")
    private @Nullable Path out;

    @Option(
            names = "--ceiling-seconds",
            paramLabel = "S",
            defaultValue = "1",
            description = "Measures each ceiling this long, before and after; 0 for none. Default ${DEFAULT-VALUE}.")
    double ceilingSeconds = 1;

    @Option(names = "--no-native", description = "Measures the ceilings in Java only, where there is a C compiler too.")
    private boolean javaOnly;

    Path folder() {
        return out == null ? root().resolve("benchmarks").resolve("results") : out;
    }

    boolean usesNative() {
        return !javaOnly;
    }

    /// The installation, as the launcher names it.
    static Path root() {
        String root = System.getProperty("openlora.root", "");
        if (root.isBlank()) {
            throw new Problem("the system property openlora.root is not set", "start by the launcher ./openlora bench");
        }
        return Path.of(root).toAbsolutePath().normalize();
    }
}
