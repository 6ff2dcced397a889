package org.openlora.engine.model;

import org.openlora.engine.weights.ModelConfig;
import org.openlora.kernels.KvPages;

/// One pre-norm transformer block: `h += attention(norm(h))`, then `h += mlp(norm(h))`.
@SuppressWarnings("ArrayRecordComponent") // Weights; never compared.
record DecoderLayer(
        Kernels kernels,
        ModelConfig config,
        float[] attentionNorm,
        SelfAttention attention,
        float[] mlpNorm,
        GatedMlp mlp) {
    void forward(ForwardBatch batch, KvPages pages, Workspace scratch) {
        int rows = batch.rows();
        norm(scratch, rows, attentionNorm);
        attention.forward(batch, pages, scratch);
        addResidual(scratch, rows);

        norm(scratch, rows, mlpNorm);
        mlp.forward(rows, batch.lora(), scratch);
        addResidual(scratch, rows);
    }

    private void norm(Workspace scratch, int rows, float[] weight) {
        kernels.elementwise()
                .rmsNorm(
                        scratch.hidden, rows, config.hiddenSize(), weight, (float) config.rmsNormEps(), scratch.normed);
    }

    private void addResidual(Workspace scratch, int rows) {
        kernels.elementwise().addInPlace(scratch.hidden, scratch.projected, rows * config.hiddenSize());
    }
}
