package org.openlora.engine.golden;

import java.nio.file.Path;
import org.openlora.adapters.BaseWeights;
import org.openlora.engine.model.LlamaModel;
import org.openlora.engine.tensor.GemmSettings;
import org.openlora.engine.tensor.LinearKernels;
import org.openlora.engine.weights.BaseCheckpoint;
import org.openlora.kernels.CpuFeatures;
import org.openlora.kernels.LinearKernel;
import org.openlora.kernels.WorkerPool;

/// A base model opened for a golden comparison, on the GEMM path that the build forces or else the processor's.
final class GoldenBase implements AutoCloseable {
    private final BaseCheckpoint checkpoint;
    private final WorkerPool pool;
    private final LlamaModel model;

    private GoldenBase(BaseCheckpoint checkpoint, WorkerPool pool, LlamaModel model) {
        this.checkpoint = checkpoint;
        this.pool = pool;
        this.model = model;
    }

    static GoldenBase open(Path path, int maxRows) {
        return open(path, maxRows, GemmSettings.fromSystem());
    }

    /// On that GEMM path, whatever the build and the processor say.
    static GoldenBase open(Path path, int maxRows, GemmSettings.Mode mode) {
        GemmSettings system = GemmSettings.fromSystem();
        return open(
                path,
                maxRows,
                new GemmSettings(mode, system.libtorchDirectory(), system.home(), GemmSettings.Weights.BF16));
    }

    private static GoldenBase open(Path path, int maxRows, GemmSettings settings) {
        BaseCheckpoint checkpoint = BaseCheckpoint.open(path);
        WorkerPool pool = new WorkerPool(2);
        LinearKernel kernel = LinearKernels.choose(pool, settings);
        return new GoldenBase(checkpoint, pool, LlamaModel.load(checkpoint, kernel, pool, 64 << 20, maxRows));
    }

    /// Whether libtorch multiplies in this process, by the build's choice or the processor's.
    static boolean isLibtorch() {
        return switch (GemmSettings.fromSystem().mode()) {
            case LIBTORCH -> true;
            case PANEL, DOT -> false;
            case AUTO -> CpuFeatures.detect().amxBf16();
        };
    }

    /// Whether inputs of products are rounded to bf16 in this process.
    static boolean roundsInputs() {
        return switch (GemmSettings.fromSystem().mode()) {
            case LIBTORCH, DOT -> true;
            case PANEL -> false;
            case AUTO -> CpuFeatures.detect().multipliesBf16();
        };
    }

    LlamaModel model() {
        return model;
    }

    /// The base as adapters see it that are made for this model's kernels.
    BaseWeights adaptableModules() {
        return LlamaModel.adaptableModules(checkpoint, model.loraLayout());
    }

    BaseCheckpoint checkpoint() {
        return checkpoint;
    }

    @Override
    public void close() {
        model.close();
        pool.close();
        checkpoint.close();
    }
}
