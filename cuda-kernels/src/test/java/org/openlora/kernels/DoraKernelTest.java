package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DoraKernelTest {
    private static final int OUTPUTS = 557;
    private static final int ADAPTERS = 4;
    private static final WorkerPool ONE = new WorkerPool(1);
    private static final WorkerPool TWO = new WorkerPool(2);

    @AfterAll
    static void closePools() {
        ONE.close();
        TWO.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 33, 133})
    void apply_rowsOfNoneOneAndSeveralAdapters_isNearTheReference(int rows) {
        try (Arena arena = Arena.ofShared()) {
            LoraBatch batch = batch(slots(arena), rows);
            float[] expected = Data.floats(rows, rows * OUTPUTS);
            float[] actual = expected.clone();
            ReferenceKernels.dora(batch, 0, LoraPoint.QKV, expected, OUTPUTS);
            new DoraKernel(TWO).apply(batch, 0, LoraPoint.QKV, actual, OUTPUTS);
            Tolerance.LORA.check(rows + " rows", actual, expected);
        }
    }

    @Test
    void apply_rowInAnyBatchOnAnyThreads_hasTheSameBits() {
        try (Arena arena = Arena.ofShared()) {
            int rows = 133;
            LoraSlot[] slots = slots(arena);
            LoraBatch batch = batch(slots, rows);
            float[] before = Data.floats(2, rows * OUTPUTS);
            float[] whole = before.clone();
            DoraKernel kernel = new DoraKernel(TWO);
            kernel.apply(batch, 0, LoraPoint.QKV, whole, OUTPUTS);
            float[] oneThread = before.clone();
            new DoraKernel(ONE).apply(batch, 0, LoraPoint.QKV, oneThread, OUTPUTS);
            assertThat(oneThread).isEqualTo(whole);
            for (int row = 0; row < rows; row++) {
                float[] alone = Data.row(before, row, OUTPUTS);
                kernel.apply(batch.onlyRows(new int[] {row}), 0, LoraPoint.QKV, alone, OUTPUTS);
                assertThat(alone).as("row %s", row).isEqualTo(Data.row(whole, row, OUTPUTS));
            }
        }
    }

    @Test
    void apply_twoAdaptersOnARow_bothChangeTheBasesOwnResult() {
        try (Arena arena = Arena.ofShared()) {
            LoraSlot[] slots = {slot(arena, 0, new float[] {3}, 0), slot(arena, 0, new float[] {0.5f}, 0)};
            float[] y = {8};
            new DoraKernel(ONE)
                    .apply(
                            new LoraBatch(new int[] {0, 0}, new int[] {0, 1, 2}, slots, new float[] {1, 0.5f}),
                            0,
                            LoraPoint.QKV,
                            y,
                            1);
            // 8 + 1 · 2 · 8 + 0.5 · (-0.5) · 8; one after the other they would give 18.
            assertThat(y).containsExactly(22);
        }
    }

    @Test
    void apply_outputsAndRowsOutside_keepTheirBits() {
        try (Arena arena = Arena.ofShared()) {
            LoraSlot slot = slot(arena, 0, filled(100, 2), 300);
            LoraBatch batch = new LoraBatch(new int[] {1}, new int[] {0, 1}, new LoraSlot[] {slot}, new float[] {1});
            float[] before = Data.floats(3, 3 * OUTPUTS);
            float[] y = before.clone();
            new DoraKernel(TWO).apply(batch, 0, LoraPoint.QKV, y, OUTPUTS);
            for (int i = 0; i < y.length; i++) {
                int output = i - OUTPUTS;
                boolean scaled = output >= 300 && output < 400;
                assertThat(y[i]).as("element %s", i).isEqualTo(scaled ? 2 * before[i] : before[i]);
            }
        }
    }

    @Test
    void apply_adapterWithoutScales_changesNothing() {
        LoraSlot plain = (_, _) -> List.of();
        LoraBatch batch = new LoraBatch(new int[] {0}, new int[] {0, 1}, new LoraSlot[] {plain}, new float[] {1});
        float[] y = {1, 2};
        new DoraKernel(TWO).apply(batch, 0, LoraPoint.O, y, 2);
        assertThat(y).containsExactly(1, 2);
        assertThat(batch.reaches(0, LoraPoint.O)).isFalse();
    }

    @Test
    void apply_scaleOrRowThatDoesNotFit_isRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            LoraSlot slot = slot(arena, 0, filled(4, 2), 2);
            LoraBatch batch = new LoraBatch(new int[] {2}, new int[] {0, 1}, new LoraSlot[] {slot}, new float[] {1});
            DoraKernel kernel = new DoraKernel(ONE);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.apply(batch, 3, LoraPoint.QKV, new float[15], 5))
                    .withMessage("DoRA scale [4 from 2] does not fit layer 3 QKV [5]");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.apply(batch, 3, LoraPoint.QKV, new float[12], 6))
                    .withMessage("entry names row 2 of y [2, 6]");
        }
    }

    /// Every fourth row has no adapter, every fourth has three, the others one; the last slot is plain LoRA.
    private static LoraBatch batch(LoraSlot[] slots, int rows) {
        SplittableRandom random = new SplittableRandom(rows);
        int[] entryRows = new int[rows * ADAPTERS];
        float[] scales = new float[rows * ADAPTERS];
        int[] starts = new int[ADAPTERS + 1];
        int count = 0;
        for (int adapter = 0; adapter < ADAPTERS; adapter++) {
            for (int row = 0; row < rows; row++) {
                if ((row % 4 == 1 && adapter < 3) || (row % 4 > 1 && row % ADAPTERS == adapter)) {
                    entryRows[count] = row;
                    scales[count++] = (float) random.nextDouble(-1, 2);
                }
            }
            starts[adapter + 1] = count;
        }
        return new LoraBatch(Arrays.copyOf(entryRows, count), starts, slots, Arrays.copyOf(scales, count));
    }

    private static LoraSlot[] slots(Arena arena) {
        return new LoraSlot[] {
            slot(arena, 40, Data.floats(1, 300), 0),
            slot(arena, 0, Data.floats(2, OUTPUTS), 0),
            slot(arena, 12, Data.floats(3, 100), 457),
            (_, _) -> List.of()
        };
    }

    /// @param at offset of the factors in memory
    private static LoraSlot slot(Arena arena, int at, float[] factors, int outputOffset) {
        List<DoraScale> scales = List.of(DoraScale.write(
                arena.allocate(at + DoraScale.bytesFor(factors.length), 4), at, factors, outputOffset));
        return new LoraSlot() {
            @Override
            public List<LoraModule> modules(int layer, LoraPoint point) {
                return List.of();
            }

            @Override
            public List<DoraScale> scales(int layer, LoraPoint point) {
                return scales;
            }
        };
    }

    private static float[] filled(int count, float value) {
        float[] values = new float[count];
        Arrays.fill(values, value);
        return values;
    }
}
