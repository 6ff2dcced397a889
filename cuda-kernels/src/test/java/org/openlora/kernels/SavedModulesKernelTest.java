package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class SavedModulesKernelTest {
    private static final int VOCABULARY = 97; // no whole number of panels
    private static final int WIDTH = 83;
    private static final int ROWS = 9;
    private static final WorkerPool POOL = new WorkerPool(2);

    /// Rows 0, 2, 3 and 8 have the first adapter, 1 and 6 the second, 5 the third, the others none.
    private static final int[] ENTRY_ROWS = {0, 2, 3, 8, 1, 6, 5};

    private static final int[] STARTS = {0, 4, 6, 7};

    private final SavedModulesKernel kernel = new SavedModulesKernel(POOL);

    /// What an adapter brings; null where it leaves the base's.
    private record Slot(
            @Nullable SavedEmbedding savedEmbedding,
            @Nullable PackedMatrix savedHead) implements LoraSlot {
        @Override
        public List<LoraModule> modules(int layer, LoraPoint point) {
            return List.of();
        }
    }

    @AfterAll
    static void closePool() {
        POOL.close();
    }

    @Test
    void embed_rowsOfAdaptersWithAnEmbedding_areItsVectorsAndOthersUntouched() {
        try (Arena arena = Arena.ofShared()) {
            float[][] matrices = {Data.bf16Floats(1, VOCABULARY * WIDTH), Data.bf16Floats(2, VOCABULARY * WIDTH)};
            LoraBatch batch = batch(
                    new Slot(embedding(arena, matrices[0]), null),
                    new Slot(embedding(arena, matrices[1]), null),
                    new Slot(null, head(arena, matrices[0])));
            int[] tokens = {0, 96, 5, 5, 42, 13, 64, 7, 1};
            float[] before = Data.floats(7, ROWS * WIDTH);
            float[] y = before.clone();
            kernel.embed(batch, tokens, y, WIDTH);
            for (int row = 0; row < ROWS; row++) {
                int adapter = adapterOf(row);
                float[] expected = adapter == 0 || adapter == 1
                        ? Data.row(matrices[adapter], tokens[row], WIDTH)
                        : Data.row(before, row, WIDTH);
                assertThat(Data.row(y, row, WIDTH)).as("row %s", row).isEqualTo(expected);
            }
        }
    }

    @Test
    void project_rowsOfAdaptersWithAHead_areWhatThePanelKernelGivesAloneAndOthersUntouched() {
        try (Arena arena = Arena.ofShared()) {
            float[][] matrices = {Data.bf16Floats(3, VOCABULARY * WIDTH), Data.bf16Floats(4, VOCABULARY * WIDTH)};
            LoraBatch batch = batch(
                    new Slot(null, head(arena, matrices[0])),
                    new Slot(null, head(arena, matrices[1])),
                    new Slot(embedding(arena, matrices[0]), null));
            assertThat(kernel.hasHead(batch)).isTrue();
            assertThat(kernel.hasHead(batch.onlyRows(new int[] {4, 5, 7}))).isFalse();
            float[] x = Data.floats(5, ROWS * WIDTH);
            float[] before = Data.floats(6, ROWS * VOCABULARY);
            float[] y = before.clone();
            kernel.project(batch, x, WIDTH, y, VOCABULARY);
            PanelKernel panels = new PanelKernel(POOL);
            for (int row = 0; row < ROWS; row++) {
                int adapter = adapterOf(row);
                float[] expected = Data.row(before, row, VOCABULARY);
                if (adapter == 0 || adapter == 1) {
                    MemorySegment weights = Data.bf16(arena, matrices[adapter]);
                    PackedMatrix packed = panels.pack(arena, weights, VOCABULARY, WIDTH);
                    panels.multiply(packed, Data.row(x, row, WIDTH), 1, expected);
                }
                assertThat(Data.row(y, row, VOCABULARY)).as("row %s", row).isEqualTo(expected);
            }
        }
    }

    @Test
    void apply_shapeOrRowThatDoesNotFit_isRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            float[] matrix = Data.bf16Floats(1, VOCABULARY * WIDTH);
            LoraBatch batch = new LoraBatch(
                    new int[] {1},
                    new int[] {0, 1},
                    new LoraSlot[] {new Slot(embedding(arena, matrix), head(arena, matrix))},
                    new float[] {1});
            float[] rows = new float[2 * VOCABULARY];
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.embed(batch, new int[] {0, 97}, rows, WIDTH))
                    .withMessage("token 97: the adapter's embedding has 97");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.embed(batch, new int[] {0}, rows, WIDTH))
                    .withMessage("entry names row 1 of 1");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.embed(batch, new int[] {0, 0}, rows, WIDTH - 1))
                    .withMessage("the adapter's embedding is [97, 83], the model's [97, 82]");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.project(batch, rows, WIDTH, rows, VOCABULARY - 1))
                    .withMessage("the adapter's head is [97, 83], the model's [96, 83]");
        }
    }

    private static LoraBatch batch(LoraSlot... slots) {
        float[] scales = new float[ENTRY_ROWS.length];
        Arrays.fill(scales, 1);
        return new LoraBatch(ENTRY_ROWS, STARTS, slots, scales);
    }

    private static int adapterOf(int row) {
        for (int s = 0; s + 1 < STARTS.length; s++) {
            for (int e = STARTS[s]; e < STARTS[s + 1]; e++) {
                if (ENTRY_ROWS[e] == row) {
                    return s;
                }
            }
        }
        return -1;
    }

    private static SavedEmbedding embedding(Arena arena, float[] matrix) {
        MemorySegment memory = used(arena, SavedEmbedding.bytesFor(VOCABULARY, WIDTH));
        return SavedEmbedding.write(memory, Data.bf16(arena, matrix), VOCABULARY, WIDTH);
    }

    private static PackedMatrix head(Arena arena, float[] matrix) {
        MemorySegment memory = used(arena, PanelKernel.packedBytes(VOCABULARY, WIDTH));
        return PanelKernel.pack(memory, Data.bf16(arena, matrix), VOCABULARY, WIDTH);
    }

    /// Memory as others left it.
    private static MemorySegment used(Arena arena, long bytes) {
        return arena.allocate(bytes, 64).fill((byte) 0x7f);
    }
}
