package org.openlora.kernels;

import java.util.List;

/// Adds the low-rank updates of token embeddings.
///
/// For each entry `e` of the batch, of segment `s`, and each module `m` of `slots[s]` at [LoraPoint#EMBEDDING], with
/// `t` the token of row `rows[e]`: `y[rows[e]][j] += scales[e] · m.scaling · Σᵣ B[j][r] · A[r][t]`. The product with A
/// is one column of it, so this is far less work than at any other point and runs on the calling thread.
///
/// A row's updates are added in the order of the segments, the sums as [LoraTiles] and [LoraPairTiles] say: its
/// bits depend on its own adapters and token alone. Used by one thread at a time.
public final class EmbeddingLoraKernel {
    private final LoraLayout layout;
    private final LoraLoops loops;

    /// A kernel that reads modules of one layout; throws as [LoraKernel] does.
    public EmbeddingLoraKernel(LoraLayout layout) {
        this.layout = layout;
        this.loops = LoraLoops.of(layout, 1);
    }

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
        if (module.layout() != layout) {
            throw new IllegalArgumentException(
                    "LoRA module of the embedding is laid out in " + module.layout() + ", this kernel reads " + layout);
        }
        loops.addColumn(module, token, factor, y, yAt + module.outputOffset());
    }
}
