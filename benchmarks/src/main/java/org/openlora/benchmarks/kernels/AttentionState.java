package org.openlora.benchmarks.kernels;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openlora.kernels.AttentionBatch;
import org.openlora.kernels.Bf16;
import org.openlora.kernels.KvLayout;
import org.openlora.kernels.KvPages;
import org.openlora.kernels.PagedAttention;

/// Cached keys and values of some sequences, in as many layers as memory must hold.
@State(Scope.Benchmark)
public abstract class AttentionState extends KernelState {
    /// Attention heads, grouped-query, of the models that are measured.
    public enum Heads {
        SMOLLM2(9, 3, 64),
        LLAMA1B(32, 8, 64);

        final int heads;
        final int kvHeads;
        final int headDim;

        Heads(int heads, int kvHeads, int headDim) {
            this.heads = heads;
            this.kvHeads = kvHeads;
            this.headDim = headDim;
        }

        int width() {
            return heads * headDim;
        }

        int keyValueWidth() {
            return kvHeads * headDim;
        }
    }

    @Param
    Heads model = Heads.SMOLLM2;

    @Param({"128", "1024", "8192"})
    int context = 128;

    private KvLayout layout = new KvLayout(1, 1, 2, 16);
    private KvPages pages = new KvPages(arena, layout, 1);
    private PagedAttention attention = new PagedAttention(pool, layout, 1);
    private AttentionBatch batch = new AttentionBatch(new int[0], new int[0], new int[0][], 0);
    private float[] q = {};
    private float[] out = {};
    private int next;

    /// Sequences in the batch.
    abstract int sequences();

    /// Rows of each sequence: its last positions.
    abstract int rowsPerSequence();

    @Override
    void prepare() {
        long layerBytes = (long) sequences() * context * bytesPerToken();
        int layers = Math.clamp(STREAMED_BYTES / layerBytes, 1, 256);
        layout = new KvLayout(layers, model.kvHeads, model.headDim, KvLayout.TOKENS_MULTIPLE);
        int blocks = Math.ceilDiv(context, layout.blockTokens());
        pages = new KvPages(arena, layout, blocks * sequences());
        attention = new PagedAttention(pool, layout, model.heads);
        int[][] tables = new int[sequences()][];
        for (int s = 0; s < tables.length; s++) {
            int first = s * blocks;
            tables[s] = IntStream.range(first, first + blocks).toArray();
            fill(first * layout.blockTokens());
        }
        int rows = sequences() * rowsPerSequence();
        int[] positions = new int[rows];
        int[] owners = new int[rows];
        for (int row = 0; row < rows; row++) {
            owners[row] = row / rowsPerSequence();
            positions[row] = context - rowsPerSequence() + row % rowsPerSequence();
        }
        batch = new AttentionBatch(positions, owners, tables, 0);
        q = floats(rows * model.width());
        out = new float[rows * model.width()];
    }

    @Override
    double bytesPerOperation() {
        return (double) sequences() * context * bytesPerToken();
    }

    @Override
    double flopsPerOperation() {
        double keys = Arrays.stream(batch.positions())
                .mapToDouble(position -> position + 1)
                .sum();
        return 4.0 * model.width() * keys;
    }

    /// Attends in one layer and goes on to the next.
    float[] attendLayer() {
        float scale = (float) (1 / Math.sqrt(model.headDim));
        attention.attend(pages, next, batch, q, model.width(), 0, scale, out);
        next = (next + 1) % layout.layers();
        return out;
    }

    private void fill(int firstSlot) {
        int width = model.keyValueWidth();
        int[] slots = IntStream.range(firstSlot, firstSlot + context).toArray();
        float[] values = floats(context * width);
        for (int layer = 0; layer < layout.layers(); layer++) {
            attention.write(pages, layer, slots, values, width, 0, values, width, 0);
        }
    }

    private long bytesPerToken() {
        return 2L * model.keyValueWidth() * Bf16.BYTES;
    }
}
