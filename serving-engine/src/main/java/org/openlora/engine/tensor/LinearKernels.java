package org.openlora.engine.tensor;

import java.nio.file.Path;
import java.util.Optional;
import org.openlora.kernels.CpuFeatures;
import org.openlora.kernels.DotKernel;
import org.openlora.kernels.Int8PanelKernel;
import org.openlora.kernels.LinearKernel;
import org.openlora.kernels.PanelKernel;
import org.openlora.kernels.WorkerPool;
import org.openlora.kernels.x86.MachineCode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Chooses the kernel of the base's dense layers, from settings and the processor's features, never from load or
/// timing. The composition root asks once; the choice is part of the process's [NumericPath].
public final class LinearKernels {
    private static final Logger LOG = LoggerFactory.getLogger(LinearKernels.class);

    private LinearKernels() {}

    /// The kernel for this process, and in the log which one and why.
    ///
    /// @throws LibtorchException if libtorch is asked for by name and cannot be had
    /// @throws IllegalArgumentException if `dot` is asked for by name and the processor has no such instructions
    public static LinearKernel choose(WorkerPool pool, GemmSettings settings) {
        if (settings.weights() == GemmSettings.Weights.INT8) {
            return ours(new Int8PanelKernel(pool), "int8 weights asked for");
        }
        CpuFeatures processor = CpuFeatures.detect();
        Choice choice = decide(settings.mode(), processor, MachineCode.isPossible());
        return switch (choice.family()) {
            case PANEL -> ours(new PanelKernel(pool), choice.reason());
            case DOT -> dot(pool, settings.mode(), choice.reason());
            case LIBTORCH -> libtorch(pool, settings, processor, choice.reason());
        };
    }

    /// Who multiplies matrices of bf16.
    enum Family {
        PANEL,
        DOT,
        LIBTORCH
    }

    /// @param reason for the log
    record Choice(Family family, String reason) {}

    /// @param machineCode whether this process may have machine code
    /// @throws IllegalArgumentException if a path is asked for by name that the processor does not have
    static Choice decide(GemmSettings.Mode mode, CpuFeatures processor, boolean machineCode) {
        boolean dot = processor.avx512Bf16() && machineCode;
        return switch (mode) {
            case PANEL -> new Choice(Family.PANEL, "asked for");
            case LIBTORCH -> new Choice(Family.LIBTORCH, "asked for");
            case DOT -> {
                if (!dot) {
                    throw new IllegalArgumentException(
                            "%s is dot, which needs a processor with AVX-512-bf16 (this one has %s) and native access"
                                    .formatted(GemmSettings.MODE_PROPERTY, processor.best()));
                }
                yield new Choice(Family.DOT, "asked for");
            }
            case AUTO -> {
                if (processor.amxBf16()) {
                    yield new Choice(Family.LIBTORCH, processor.best());
                }
                yield new Choice(dot ? Family.DOT : Family.PANEL, processor.best());
            }
        };
    }

    private static LinearKernel dot(WorkerPool pool, GemmSettings.Mode mode, String reason) {
        try {
            return ours(new DotKernel(pool), reason);
        } catch (UnsupportedOperationException e) {
            if (mode == GemmSettings.Mode.DOT) {
                throw new IllegalArgumentException(
                        "%s is dot, but: %s".formatted(GemmSettings.MODE_PROPERTY, e.getMessage()), e);
            }
            return ours(new PanelKernel(pool), "%s, but %s".formatted(reason, e.getMessage()));
        }
    }

    private static LinearKernel ours(LinearKernel kernel, String reason) {
        LOG.info("GEMM path: {} ({})", kernel.id(), reason);
        return kernel;
    }

    private static LinearKernel libtorch(WorkerPool pool, GemmSettings settings, CpuFeatures processor, String reason) {
        Optional<Path> directory = LibtorchFiles.locate(settings);
        if (directory.isPresent()) {
            return libtorch(pool, directory.get(), processor, reason);
        }
        if (settings.mode() == GemmSettings.Mode.LIBTORCH) {
            throw new LibtorchException(
                    "%s is libtorch, and there is none for this platform; name a PyTorch's lib folder by %s"
                            .formatted(GemmSettings.MODE_PROPERTY, GemmSettings.DIRECTORY_PROPERTY));
        }
        return ours(new PanelKernel(pool), "%s, but no libtorch for this platform".formatted(processor.best()));
    }

    private static LinearKernel libtorch(WorkerPool pool, Path directory, CpuFeatures processor, String reason) {
        Libtorch libtorch = Libtorch.load(directory);
        LibtorchKernel kernel = LibtorchKernel.create(libtorch, processor);
        boolean limited = libtorch.limitThreads(pool.threads());
        LOG.info(
                "GEMM path: {} ({}; libtorch {} in {}, {} threads)",
                kernel.id(),
                reason,
                libtorch.version(),
                directory,
                limited ? pool.threads() : "OMP_NUM_THREADS");
        if (!processor.multipliesBf16()) {
            LOG.warn("libtorch's bf16 is slow on this processor ({}); the panel path is not", processor.best());
        }
        return kernel;
    }
}
