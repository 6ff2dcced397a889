package org.openlora.engine.model;

import org.jspecify.annotations.Nullable;
import org.openlora.engine.weights.ModelConfig;
import org.openlora.kernels.KvPages;

/// Grouped-query attention over the paged cache: project, normalise heads (Qwen3), rotate, keep, attend, project
/// back.
@SuppressWarnings("ArrayRecordComponent") // Weights; never compared.
record SelfAttention(
        Kernels kernels,
        ModelConfig config,
        int layer,
        LoraLinear qkv,
        LoraLinear output,
        float @Nullable [] queryNorm,
        float @Nullable [] keyNorm) {
    /// Reads `normed`, overwrites `projected`.
    void forward(ForwardBatch batch, KvPages pages, Workspace scratch) {
        int rows = batch.rows();
        int headDim = config.headDim();
        int stride = qkv.outputs();
        int keyOffset = config.heads() * headDim;
        int valueOffset = keyOffset + config.kvHeads() * headDim;

        qkv.forward(scratch.normed, rows, scratch.qkv, batch.lora());
        if (queryNorm != null && keyNorm != null) {
            float eps = (float) config.rmsNormEps();
            kernels.elementwise().rmsNormHeads(scratch.qkv, rows, stride, 0, config.heads(), headDim, queryNorm, eps);
            kernels.elementwise()
                    .rmsNormHeads(scratch.qkv, rows, stride, keyOffset, config.kvHeads(), headDim, keyNorm, eps);
        }
        int[] positions = batch.attention().positions();
        kernels.rope().apply(scratch.qkv, rows, stride, 0, config.heads(), positions);
        kernels.rope().apply(scratch.qkv, rows, stride, keyOffset, config.kvHeads(), positions);
        kernels.attention()
                .write(
                        pages,
                        layer,
                        batch.slotMapping(),
                        scratch.qkv,
                        stride,
                        keyOffset,
                        scratch.qkv,
                        stride,
                        valueOffset);
        float scale = (float) (1 / Math.sqrt(headDim));
        kernels.attention().attend(pages, layer, batch.attention(), scratch.qkv, stride, 0, scale, scratch.attended);
        output.forward(scratch.attended, rows, scratch.projected, batch.lora());
    }
}
