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
    /// System property: `auto` (also when empty), `panel`, `dot` or `libtorch`.
    public static final String MODE_PROPERTY = "openlora.gemm";

    /// System property: a folder with `libtorch_cpu.so`.
    public static final String DIRECTORY_PROPERTY = "openlora.libtorch.dir";

    /// System property: `bf16` (also when empty) or `int8`.
    public static final String WEIGHTS_PROPERTY = "openlora.weights";

    /// @throws IllegalArgumentException if a path is asked for by name that does not multiply int8 weights
    public GemmSettings {
        if (weights == Weights.INT8 && (mode == Mode.LIBTORCH || mode == Mode.DOT)) {
            throw new IllegalArgumentException("%s is int8 and %s is %s; with int8, allowed are auto, panel"
                    .formatted(WEIGHTS_PROPERTY, MODE_PROPERTY, mode.name().toLowerCase(Locale.ROOT)));
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
        /// Our own kernels of f32 arithmetic, on any processor.
        PANEL,
        /// Our own kernels of bf16 products, where the processor has them.
        DOT,
        LIBTORCH;

        /// Throws [IllegalArgumentException] for any other word.
        static Mode parse(String text) {
            return switch (text.toLowerCase(Locale.ROOT)) {
                case "", "auto" -> AUTO;
                case "panel" -> PANEL;
                case "dot" -> DOT;
                case "libtorch" -> LIBTORCH;
                default ->
                    throw new IllegalArgumentException(
                            "%s is '%s'; allowed are auto, panel, dot, libtorch".formatted(MODE_PROPERTY, text));
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
