package org.openlora.engine.golden;

import java.nio.file.Path;
import org.openlora.engine.model.LlamaModel;
import org.openlora.engine.tensor.GemmSettings;
import org.openlora.engine.tensor.LinearKernels;
import org.openlora.engine.weights.BaseCheckpoint;
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
        BaseCheckpoint checkpoint = BaseCheckpoint.open(path);
        WorkerPool pool = new WorkerPool(2);
        return new GoldenBase(
                checkpoint,
                pool,
                LlamaModel.load(
                        checkpoint, LinearKernels.choose(pool, GemmSettings.fromSystem()), pool, 64 << 20, maxRows));
    }

    static boolean isLibtorch() {
        return "libtorch".equals(System.getProperty("openlora.gemm"));
    }

    LlamaModel model() {
        return model;
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
