package org.openlora.engine.tensor;

import java.nio.file.Path;
import java.util.Optional;
import org.openlora.kernels.Int8PanelKernel;
import org.openlora.kernels.LinearKernel;
import org.openlora.kernels.PanelKernel;
import org.openlora.kernels.WorkerPool;
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
    public static LinearKernel choose(WorkerPool pool, GemmSettings settings) {
        if (settings.weights() == GemmSettings.Weights.INT8) {
            Int8PanelKernel kernel = new Int8PanelKernel(pool);
            LOG.info("GEMM path: {} (int8 weights asked for)", kernel.id());
            return kernel;
        }
        CpuFeatures processor = CpuFeatures.detect();
        Choice choice = decide(settings.mode(), processor);
        if (!choice.libtorch()) {
            return panel(pool, choice.reason());
        }
        Optional<Path> directory = LibtorchFiles.locate(settings);
        if (directory.isPresent()) {
            return libtorch(pool, directory.get(), processor, choice.reason());
        }
        if (settings.mode() == GemmSettings.Mode.LIBTORCH) {
            throw new LibtorchException(
                    "%s is libtorch, and there is none for this platform; name a PyTorch's lib folder by %s"
                            .formatted(GemmSettings.MODE_PROPERTY, GemmSettings.DIRECTORY_PROPERTY));
        }
        return panel(pool, "%s, but no libtorch for this platform".formatted(processor.best()));
    }

    /// @param reason for the log
    record Choice(boolean libtorch, String reason) {}

    static Choice decide(GemmSettings.Mode mode, CpuFeatures processor) {
        return switch (mode) {
            case PANEL -> new Choice(false, "asked for");
            case LIBTORCH -> new Choice(true, "asked for");
            case AUTO ->
                processor.amxBf16()
                        ? new Choice(true, processor.best())
                        : new Choice(false, "%s; libtorch is faster with AMX only".formatted(processor.best()));
        };
    }

    private static LinearKernel panel(WorkerPool pool, String reason) {
        PanelKernel kernel = new PanelKernel(pool);
        LOG.info("GEMM path: {} ({})", kernel.id(), reason);
        return kernel;
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
