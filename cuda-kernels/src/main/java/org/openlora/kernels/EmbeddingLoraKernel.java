package org.openlora.kernels;

import java.util.List;

/// Adds the low-rank updates of token embeddings.
///
/// For each entry `e` of the batch, of segment `s`, and each module `m` of `slots[s]` at [LoraPoint#EMBEDDING], with
/// `t` the token of row `rows[e]`: `y[rows[e]][j] += scales[e] · m.scaling · Σᵣ B[j][r] · A[r][t]`. The product with A
/// is one column of it, so this is far less work than at any other point and runs on the calling thread.
///
/// A row's updates are added in the order of the segments, the sums as [LoraTiles] says: its bits depend on its own
/// adapters and token alone. Used by one thread at a time.
public final class EmbeddingLoraKernel {
    private final float[] sums = new float[LoraTiles.LANES];
    private float[] h = new float[64]; // one column of A

    /// Adds the updates of `batch`.
    ///
    /// @param tokens of the rows
    /// @param y `[·, width]`, the base's embeddings, changed in the rows that entries name
    /// @param width of an embedding
    /// @throws IllegalArgumentException if a row is missing, or a module does not fit the width or lacks the token
    public void apply(LoraBatch batch, int[] tokens, float[] y, int width) {
        Shapes.positive("width", width);
        if (batch.lastRow() >= Math.min(tokens.length, y.length / width)) {
            throw new IllegalArgumentException("entry names row " + batch.lastRow() + " of " + tokens.length
                    + " tokens and y [" + y.length / width + ", " + width + "]");
        }
        for (int s = 0; s < batch.segments(); s++) {
            int first = batch.segmentStarts()[s];
            int end = batch.segmentStarts()[s + 1];
            List<LoraModule> modules = first == end ? List.of() : batch.slots()[s].modules(0, LoraPoint.EMBEDDING);
            for (int m = 0; m < modules.size(); m++) {
                LoraModule module = modules.get(m);
                if (module.outputOffset() + module.outputs() > width) {
                    throw new IllegalArgumentException("LoRA module [" + module.outputs() + " from "
                            + module.outputOffset() + "] does not fit embeddings of width " + width);
                }
                for (int e = first; e < end; e++) {
                    int row = batch.rows()[e];
                    add(module, tokens[row], batch.scales()[e] * module.scaling(), y, row * width);
                }
            }
        }
    }

    private void add(LoraModule module, int token, float factor, float[] y, int yAt) {
        if (token < 0 || token >= module.inputs()) {
            throw new IllegalArgumentException("token " + token + ": the adapter's embedding has " + module.inputs());
        }
        if (h.length < module.rank()) {
            h = new float[module.rank()];
        }
        for (int r = 0; r < module.rank(); r++) {
            h[r] = Bf16.toFloat(module.weights().get(LoraModule.BF16, module.aElementBytes(r, token)));
        }
        for (int j = 0; j < module.outputs(); j += LoraTiles.EXPAND_OUTPUTS) {
            int count = Math.min(LoraTiles.EXPAND_OUTPUTS, module.outputs() - j);
            LoraTiles.expandRow(module.weights(), module.bElementBytes(0, j), module.rank(), h, 0, sums);
            LoraTiles.add(sums, 0, count, factor, y, yAt + module.outputOffset() + j);
        }
    }
}
