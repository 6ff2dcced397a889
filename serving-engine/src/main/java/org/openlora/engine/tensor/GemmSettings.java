package org.openlora.engine.tensor;

import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// What the operator says about matrix multiplication.
///
/// @param libtorchDirectory the `torch/lib` of an installed PyTorch 2.7 or newer; null for the one on the class
///     path
/// @param home `OPENLORA_HOME`, under which libtorch is unpacked and quantised weights are kept
/// @param weights the format of the base's matrices in memory
public record GemmSettings(Mode mode, @Nullable Path libtorchDirectory, Path home, Weights weights) {
    /// System property: `auto` (also when empty), `panel` or `libtorch`.
    public static final String MODE_PROPERTY = "openlora.gemm";

    /// System property: a folder with `libtorch_cpu.so`.
    public static final String DIRECTORY_PROPERTY = "openlora.libtorch.dir";

    /// System property: `bf16` (also when empty) or `int8`.
    public static final String WEIGHTS_PROPERTY = "openlora.weights";

    /// @throws IllegalArgumentException if libtorch is asked for by name to multiply int8 weights
    public GemmSettings {
        if (mode == Mode.LIBTORCH && weights == Weights.INT8) {
            throw new IllegalArgumentException("%s is int8 and %s is libtorch; with int8, allowed are auto, panel"
                    .formatted(WEIGHTS_PROPERTY, MODE_PROPERTY));
        }
    }

    /// The format of the base's matrices in memory.
    public enum Weights {
        /// As the checkpoint has them.
        BF16,
        /// Quantised when the base is loaded: half the memory and traffic, on our own kernel.
        INT8;

        /// Throws [IllegalArgumentException] for any other word.
        static Weights parse(String text) {
            return switch (text.toLowerCase(Locale.ROOT)) {
                case "", "bf16" -> BF16;
                case "int8" -> INT8;
                default ->
                    throw new IllegalArgumentException(
                            "%s is '%s'; allowed are bf16, int8".formatted(WEIGHTS_PROPERTY, text));
            };
        }
    }

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
                home == null || home.isEmpty() ? Path.of(System.getProperty("user.home"), ".openlora") : Path.of(home),
                Weights.parse(System.getProperty(WEIGHTS_PROPERTY, "")));
    }
}
