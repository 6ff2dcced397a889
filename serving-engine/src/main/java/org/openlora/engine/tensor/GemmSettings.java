package org.openlora.engine.tensor;

import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// What the operator says about matrix multiplication.
///
/// @param libtorchDirectory the `torch/lib` of an installed PyTorch 2.7 or newer; null for the one on the class
///     path
/// @param home `OPENLORA_HOME`, under which libtorch is unpacked
public record GemmSettings(Mode mode, @Nullable Path libtorchDirectory, Path home) {
    /// System property: `auto` (also when empty), `panel` or `libtorch`.
    public static final String MODE_PROPERTY = "openlora.gemm";

    /// System property: a folder with `libtorch_cpu.so`.
    public static final String DIRECTORY_PROPERTY = "openlora.libtorch.dir";

    /// Which path to take.
    public enum Mode {
        /// By the processor's features.
        AUTO,
        PANEL,
        LIBTORCH;

        /// Throws [IllegalArgumentException] for any other word.
        static Mode parse(String text) {
            return switch (text.toLowerCase(Locale.ROOT)) {
                case "", "auto" -> AUTO;
                case "panel" -> PANEL;
                case "libtorch" -> LIBTORCH;
                default ->
                    throw new IllegalArgumentException(
                            "%s is '%s'; allowed are auto, panel, libtorch".formatted(MODE_PROPERTY, text));
            };
        }
    }

    /// The settings in the system properties, with `OPENLORA_HOME` from the environment (default `~/.openlora`).
    public static GemmSettings fromSystem() {
        String directory = System.getProperty(DIRECTORY_PROPERTY, "");
        String home = System.getenv("OPENLORA_HOME");
        return new GemmSettings(
                Mode.parse(System.getProperty(MODE_PROPERTY, "")),
                directory.isEmpty() ? null : Path.of(directory),
                home == null || home.isEmpty() ? Path.of(System.getProperty("user.home"), ".openlora") : Path.of(home));
    }
}
