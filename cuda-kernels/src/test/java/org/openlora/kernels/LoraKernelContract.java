package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// What [LoraKernel] does in any layout.
abstract class LoraKernelContract {
    static final int INPUTS = 83;
    static final int OUTPUTS = 307;
    private static final int[] ROWS = {1, 2, 3, 7, 16, 33, 133};
    private static final int[] MIXED_RANKS = {8, 1, 64, 5, 16, 32, 4};
    static final WorkerPool ONE = new WorkerPool(1);
    static final WorkerPool TWO = new WorkerPool(2);

    /// The layout under test.
    abstract LoraLayout layout();

    /// Fails where `actual` is not what the layout's kernel makes of `before`.
    abstract void check(String what, LoraBatch batch, float[] x, float[] before, float[] actual);

    static Stream<Arguments> ranksAndPopularities() {
        return Stream.of(1, 4, 5, 8, 16, 32, 64, 0)
                .flatMap(rank -> Stream.of(Popularity.values()).map(popularity -> Arguments.of(rank, popularity)));
    }

    /// Rank 0 stands for adapters of mixed ranks.
    @ParameterizedTest
    @MethodSource("ranksAndPopularities")
    void apply_anyRankPopularityAndBatch_isTheReferences(int rank, Popularity popularity) {
        try (Arena arena = Arena.ofShared()) {
            for (int rows : ROWS) {
                LoraBatch batch = popularity.batch(layout(), arena, rows, rank);
                float[] x = Data.floats(rows, rows * INPUTS);
                float[] before = Data.floats(9, rows * OUTPUTS);
                float[] actual = before.clone();
                new LoraKernel(TWO, layout()).apply(batch, 0, LoraPoint.QKV, x, INPUTS, actual, OUTPUTS);
                check(rows + " rows", batch, x, before, actual);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void apply_rowInAnyBatchOnAnyThreads_hasTheSameBits(Popularity popularity) {
        try (Arena arena = Arena.ofShared()) {
            int rows = 133;
            LoraBatch batch = popularity.batch(layout(), arena, rows, 0);
            float[] x = Data.floats(1, rows * INPUTS);
            float[] before = Data.floats(2, rows * OUTPUTS);
            float[] whole = before.clone();
            new LoraKernel(TWO, layout()).apply(batch, 0, LoraPoint.QKV, x, INPUTS, whole, OUTPUTS);
            float[] oneThread = before.clone();
            new LoraKernel(ONE, layout()).apply(batch, 0, LoraPoint.QKV, x, INPUTS, oneThread, OUTPUTS);
            assertThat(oneThread).isEqualTo(whole);
            LoraKernel kernel = new LoraKernel(TWO, layout());
            for (int row = 0; row < rows; row++) {
                float[] alone = Data.row(before, row, OUTPUTS);
                kernel.apply(only(batch, row), 0, LoraPoint.QKV, Data.row(x, row, INPUTS), INPUTS, alone, OUTPUTS);
                assertThat(alone).as("row %s", row).isEqualTo(Data.row(whole, row, OUTPUTS));
            }
        }
    }

    @Test
    void apply_rowsWithoutAdapter_keepTheirBits() {
        try (Arena arena = Arena.ofShared()) {
            LoraSlot slot = slot(layout(), arena, 1, 8);
            LoraBatch batch = new LoraBatch(new int[] {3}, new int[] {0, 1}, new LoraSlot[] {slot}, new float[] {1});
            float[] x = Data.floats(1, 5 * INPUTS);
            float[] before = Data.floats(2, 5 * OUTPUTS);
            float[] y = before.clone();
            new LoraKernel(TWO, layout()).apply(batch, 0, LoraPoint.QKV, x, INPUTS, y, OUTPUTS);
            for (int row = 0; row < 5; row++) {
                boolean same = Arrays.equals(Data.row(y, row, OUTPUTS), Data.row(before, row, OUTPUTS));
                assertThat(same).as("row %s kept", row).isEqualTo(row != 3);
            }
        }
    }

    @Test
    void apply_outputsOutsideTheModules_keepTheirBits() {
        try (Arena arena = Arena.ofShared()) {
            LoraModule module = module(layout(), arena, 3, 8, 100, 50);
            LoraSlot slot = (_, _) -> List.of(module);
            LoraBatch batch = new LoraBatch(new int[] {0}, new int[] {0, 1}, new LoraSlot[] {slot}, new float[] {1});
            float[] y = new float[OUTPUTS];
            new LoraKernel(TWO, layout()).apply(batch, 0, LoraPoint.QKV, Data.floats(4, INPUTS), INPUTS, y, OUTPUTS);
            for (int o = 0; o < OUTPUTS; o++) {
                assertThat(y[o] != 0).as("output %s changed", o).isEqualTo(o >= 50 && o < 150);
            }
        }
    }

    @Test
    void apply_twoAdaptersOnARow_addUpInDigestOrder() {
        try (Arena arena = Arena.ofShared()) {
            LoraSlot first = slot(layout(), arena, 1, 8);
            LoraSlot second = slot(layout(), arena, 2, 16);
            float[] x = Data.floats(3, INPUTS);
            float[] together = Data.floats(4, OUTPUTS);
            float[] inTurn = together.clone();
            LoraKernel kernel = new LoraKernel(TWO, layout());
            LoraSlot[] both = {first, second};
            kernel.apply(
                    new LoraBatch(new int[] {0, 0}, new int[] {0, 1, 2}, both, new float[] {0.5f, 2}),
                    0,
                    LoraPoint.QKV,
                    x,
                    INPUTS,
                    together,
                    OUTPUTS);
            for (int i = 0; i < 2; i++) {
                LoraSlot[] one = {both[i]};
                kernel.apply(
                        new LoraBatch(new int[] {0}, new int[] {0, 1}, one, new float[] {i == 0 ? 0.5f : 2}),
                        0,
                        LoraPoint.QKV,
                        x,
                        INPUTS,
                        inTurn,
                        OUTPUTS);
            }
            assertThat(together).isEqualTo(inTurn);
        }
    }

    @Test
    void apply_pointWithoutModulesOrEmptyBatch_changesNothing() {
        float[] y = {1, 2};
        LoraSlot empty = (_, _) -> List.of();
        LoraBatch batch = new LoraBatch(new int[] {0}, new int[] {0, 1}, new LoraSlot[] {empty}, new float[] {1});
        LoraKernel kernel = new LoraKernel(TWO, layout());
        kernel.apply(batch, 0, LoraPoint.O, new float[2], 2, y, 2);
        kernel.apply(LoraBatch.none(), 0, LoraPoint.O, new float[2], 2, y, 2);
        assertThat(y).containsExactly(1, 2);
    }

    @Test
    void apply_moduleOrRowThatDoesNotFit_isRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            LoraSlot slot = slot(layout(), arena, 1, 8);
            LoraKernel kernel = new LoraKernel(ONE, layout());
            LoraBatch batch = new LoraBatch(new int[] {2}, new int[] {0, 1}, new LoraSlot[] {slot}, new float[] {1});
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.apply(
                            batch, 4, LoraPoint.DOWN, new float[3 * 84], 84, new float[3 * OUTPUTS], OUTPUTS))
                    .withMessage("LoRA module [200 from 0, 83] does not fit layer 4 DOWN [307, 84]");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.apply(
                            batch, 0, LoraPoint.O, new float[2 * INPUTS], INPUTS, new float[3 * OUTPUTS], OUTPUTS))
                    .withMessage("entry names row 2 of x [2, 83] and y [3, 307]");
        }
    }

    @Test
    void newBatch_inconsistentArrays_areRefusedByName() {
        LoraSlot[] slots = {(_, _) -> List.of()};
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new LoraBatch(new int[] {0}, new int[] {0}, slots, new float[] {1}))
                .withMessage("segmentStarts has 1 elements, needs 2 for 1 slots");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new LoraBatch(new int[] {0}, new int[] {0, 1}, slots, new float[] {}))
                .withMessage("scales has 0 elements, needs one for each of 1 entries");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new LoraBatch(new int[] {0}, new int[] {0, 2}, slots, new float[] {1}))
                .withMessage("segmentStarts runs from 0 to 2, must run from 0 to 1");
    }

    /// The entries of one row, moved to row 0.
    private static LoraBatch only(LoraBatch batch, int row) {
        List<LoraSlot> slots = new ArrayList<>();
        List<Float> scales = new ArrayList<>();
        for (int s = 0; s < batch.segments(); s++) {
            for (int e = batch.segmentStarts()[s]; e < batch.segmentStarts()[s + 1]; e++) {
                if (batch.rows()[e] == row) {
                    slots.add(batch.slots()[s]);
                    scales.add(batch.scales()[e]);
                }
            }
        }
        Entries entries = new Entries();
        for (int i = 0; i < slots.size(); i++) {
            entries.add(0, scales.get(i));
            entries.endSegment(slots.get(i));
        }
        return entries.batch();
    }

    /// Two modules, of outputs [0, 200) and [200, 307), like q and k of a stacked projection.
    static LoraSlot slot(LoraLayout layout, Arena arena, long seed, int rank) {
        List<LoraModule> modules = List.of(
                module(layout, arena, seed, rank, 200, 0),
                module(layout, arena, seed + 1000, rank, OUTPUTS - 200, 200));
        return (_, _) -> modules;
    }

    static LoraModule module(LoraLayout layout, Arena arena, long seed, int rank, int outputs, int outputOffset) {
        return LoraModule.write(
                layout,
                arena.allocate(LoraModule.bytesFor(rank, INPUTS, outputs), 16),
                0,
                Data.floats(seed, rank * INPUTS),
                Data.floats(seed + 1, outputs * rank),
                rank,
                INPUTS,
                outputs,
                outputOffset,
                0.25f);
    }

    /// Collects a batch segment by segment.
    private static final class Entries {
        private final List<Integer> rows = new ArrayList<>();
        private final List<Integer> starts = new ArrayList<>(List.of(0));
        private final List<LoraSlot> slots = new ArrayList<>();
        private final List<Float> scales = new ArrayList<>();

        void add(int row, float scale) {
            rows.add(row);
            scales.add(scale);
        }

        void endSegment(LoraSlot slot) {
            starts.add(rows.size());
            slots.add(slot);
        }

        LoraBatch batch() {
            float[] factors = new float[scales.size()];
            for (int i = 0; i < factors.length; i++) {
                factors[i] = scales.get(i);
            }
            return new LoraBatch(
                    rows.stream().mapToInt(Integer::intValue).toArray(),
                    starts.stream().mapToInt(Integer::intValue).toArray(),
                    slots.toArray(LoraSlot[]::new),
                    factors);
        }
    }

    /// Which adapter the rows of a batch ask for; as in Punica's tests, and two that mix in the rest.
    enum Popularity {
        DISTINCT,
        UNIFORM,
        ZIPF,
        IDENTICAL,
        SKEWED,
        /// Every third row has no adapter, the first and last segment are empty.
        SOME_WITHOUT,
        /// Every second row has all three adapters.
        SEVERAL_PER_ROW;

        LoraBatch batch(LoraLayout layout, Arena arena, int rows, int rank) {
            SplittableRandom random = new SplittableRandom(rows);
            int adapters = adapters(rows);
            Entries entries = new Entries();
            int[] wanted = new int[rows];
            for (int row = 0; row < rows; row++) {
                wanted[row] = wanted(row, adapters, random);
            }
            for (int adapter = 0; adapter < adapters; adapter++) {
                for (int row = 0; row < rows; row++) {
                    if (wanted[row] == adapter || (this == SEVERAL_PER_ROW && row % 2 == 0)) {
                        entries.add(row, (float) random.nextDouble(-1, 2));
                    }
                }
                int adapterRank = rank == 0 ? MIXED_RANKS[adapter % MIXED_RANKS.length] : rank;
                entries.endSegment(slot(layout, arena, adapter, adapterRank));
            }
            return entries.batch();
        }

        private int adapters(int rows) {
            return switch (this) {
                case DISTINCT -> rows;
                case UNIFORM -> (int) Math.ceil(Math.sqrt(rows));
                case ZIPF, SOME_WITHOUT -> 8;
                case IDENTICAL -> 1;
                case SKEWED -> 2;
                case SEVERAL_PER_ROW -> 3;
            };
        }

        private int wanted(int row, int adapters, SplittableRandom random) {
            return switch (this) {
                case DISTINCT -> row;
                case UNIFORM, SEVERAL_PER_ROW -> random.nextInt(adapters);
                case ZIPF -> Math.min(adapters - 1, (int) (1 / random.nextDouble(0.01, 1)) - 1);
                case IDENTICAL -> 0;
                case SKEWED -> row == 0 ? 1 : 0;
                case SOME_WITHOUT -> row % 3 == 0 ? -1 : 1 + random.nextInt(adapters - 2);
            };
        }
    }
}
