package org.openlora.kernels;

/// Puts the embedding and the head that an adapter brings ([LoraSlot#savedEmbedding], [LoraSlot#savedHead]) in the
/// place of the base's, for the rows of that adapter.
///
/// What the base made of these rows is overwritten; rows of other adapters are not touched. Scales have no say. The
/// rows of one adapter are multiplied together by a [PanelKernel], so a row's bits depend on its own input and
/// adapter alone. A row must not have two adapters that replace the same module: the last of them would win.
///
/// Used by one thread at a time; allocates nothing before a batch has such an adapter.
public final class SavedModulesKernel {
    private final PanelKernel panels;
    private float[] input = {}; // the rows of one adapter side by side
    private float[] output = {};

    /// A kernel that runs on `pool`.
    public SavedModulesKernel(WorkerPool pool) {
        panels = new PanelKernel(pool);
    }

    /// Replaces embeddings.
    ///
    /// @param tokens of the rows
    /// @param y `[·, width]`, the base's embeddings, overwritten in the rows of adapters that bring their own
    /// @throws IllegalArgumentException if a row is missing, or an embedding does not fit the width or
    ///     lacks the token
    public void embed(LoraBatch batch, int[] tokens, float[] y, int width) {
        for (int s = 0; s < batch.segments(); s++) {
            int first = batch.segmentStarts()[s];
            int end = batch.segmentStarts()[s + 1];
            SavedEmbedding embedding = first == end ? null : batch.slots()[s].savedEmbedding();
            if (embedding == null) {
                continue;
            }
            requireShape("embedding", embedding.tokens(), embedding.width(), embedding.tokens(), width);
            requireRows(batch, first, end, Math.min(tokens.length, y.length / width));
            for (int e = first; e < end; e++) {
                int row = batch.rows()[e];
                if (tokens[row] < 0 || tokens[row] >= embedding.tokens()) {
                    throw new IllegalArgumentException(
                            "token " + tokens[row] + ": the adapter's embedding has " + embedding.tokens());
                }
                embedding.copyRow(tokens[row], y, row * width);
            }
        }
    }

    /// Whether [#project] would change anything.
    public boolean hasHead(LoraBatch batch) {
        for (int s = 0; s < batch.segments(); s++) {
            if (batch.segmentStarts()[s] < batch.segmentStarts()[s + 1] && batch.slots()[s].savedHead() != null) {
                return true;
            }
        }
        return false;
    }

    /// Replaces logits.
    ///
    /// @param x `[·, inputs]`
    /// @param y `[·, outputs]`, the base's logits, overwritten in the rows of adapters that bring a head
    /// @throws IllegalArgumentException if a row is missing, or a head does not have the shape
    public void project(LoraBatch batch, float[] x, int inputs, float[] y, int outputs) {
        for (int s = 0; s < batch.segments(); s++) {
            int first = batch.segmentStarts()[s];
            int end = batch.segmentStarts()[s + 1];
            PackedMatrix head = first == end ? null : batch.slots()[s].savedHead();
            if (head != null) {
                requireShape("head", head.outputs(), head.inputs(), outputs, inputs);
                requireRows(batch, first, end, Math.min(x.length / inputs, y.length / outputs));
                project(head, batch.rows(), first, end, x, y);
            }
        }
    }

    private void project(PackedMatrix head, int[] rows, int first, int end, float[] x, float[] y) {
        int inputs = head.inputs();
        int outputs = head.outputs();
        int count = end - first;
        if (input.length < count * inputs) {
            input = new float[count * inputs];
        }
        if (output.length < count * outputs) {
            output = new float[count * outputs];
        }
        for (int i = 0; i < count; i++) {
            System.arraycopy(x, rows[first + i] * inputs, input, i * inputs, inputs);
        }
        panels.multiply(head, input, count, output);
        for (int i = 0; i < count; i++) {
            System.arraycopy(output, i * outputs, y, rows[first + i] * outputs, outputs);
        }
    }

    private static void requireShape(String name, int rows, int columns, int neededRows, int neededColumns) {
        if (rows != neededRows || columns != neededColumns) {
            throw new IllegalArgumentException("the adapter's " + name + " is [" + rows + ", " + columns
                    + "], the model's [" + neededRows + ", " + neededColumns + "]");
        }
    }

    private static void requireRows(LoraBatch batch, int first, int end, int rows) {
        for (int e = first; e < end; e++) {
            if (batch.rows()[e] >= rows) {
                throw new IllegalArgumentException("entry names row " + batch.rows()[e] + " of " + rows);
            }
        }
    }
}
