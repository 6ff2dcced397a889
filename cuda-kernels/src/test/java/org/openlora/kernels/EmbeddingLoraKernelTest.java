package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.kernels.x86.MachineCode;

class EmbeddingLoraKernelTest {
    private static final int VOCABULARY = 97;
    private static final int WIDTH = 83;
    private static final int ROWS = 9;

    @ParameterizedTest
    @CsvSource({"RANK_ROWS,1", "RANK_ROWS,3", "RANK_ROWS,8", "RANK_ROWS,65", "PAIRS,1", "PAIRS,3", "PAIRS,8", "PAIRS,65"
    })
    void apply_anyRank_isNearTheReferenceAndTheSameAlone(LoraLayout layout, int rank) {
        assume(layout);
        try (Arena arena = Arena.ofShared()) {
            LoraSlot[] slots = {slot(layout, arena, 1, rank), slot(layout, arena, 2, rank + 2)};
            int[] tokens = {0, 96, 5, 5, 42, 13, 64, 7, 1};
            // Row 5 has no adapter, rows 2 and 3 have both.
            LoraBatch batch =
                    new LoraBatch(new int[] {0, 2, 3, 8, 1, 2, 3, 4, 6, 7}, new int[] {0, 4, 10}, slots, new float[] {
                        1, 0.5f, -1, 2, 1, 1, 1, 3, 1, 0.25f
                    });
            float[] before = Data.floats(7, ROWS * WIDTH);
            float[] expected = before.clone();
            ReferenceKernels.embeddingLora(batch, tokens, VOCABULARY, expected, WIDTH);
            float[] actual = before.clone();
            EmbeddingLoraKernel kernel = new EmbeddingLoraKernel(layout);
            kernel.apply(batch, tokens, actual, WIDTH);
            Tolerance.LORA.check("rank " + rank, actual, expected);
            for (int row = 0; row < ROWS; row++) {
                float[] alone = Data.row(before, row, WIDTH);
                kernel.apply(batch.onlyRows(new int[] {row}), new int[] {tokens[row]}, alone, WIDTH);
                assertThat(alone).as("row %s", row).isEqualTo(Data.row(actual, row, WIDTH));
            }
            assertThat(Data.row(actual, 5, WIDTH)).isEqualTo(Data.row(before, 5, WIDTH));
        }
    }

    @ParameterizedTest
    @EnumSource
    void apply_tokenOrRowThatDoesNotFit_isRefusedByName(LoraLayout layout) {
        assume(layout);
        try (Arena arena = Arena.ofShared()) {
            LoraSlot[] slots = {slot(layout, arena, 1, 4)};
            LoraBatch batch = new LoraBatch(new int[] {1}, new int[] {0, 1}, slots, new float[] {1});
            EmbeddingLoraKernel kernel = new EmbeddingLoraKernel(layout);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.apply(batch, new int[] {0, VOCABULARY}, new float[2 * WIDTH], WIDTH))
                    .withMessage("token 97: the adapter's embedding has 97");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.apply(batch, new int[] {0}, new float[2 * WIDTH], WIDTH))
                    .withMessage("entry names row 1 of 1 tokens and y [2, 83]");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.apply(batch, new int[] {0, 0}, new float[2 * WIDTH], WIDTH - 1))
                    .withMessage("LoRA module [83 from 0] does not fit embeddings of width 82");
        }
    }

    private static void assume(LoraLayout layout) {
        assumeTrue(
                layout == LoraLayout.RANK_ROWS || (CpuFeatures.detect().avx512Bf16() && MachineCode.isPossible()),
                "the processor does not multiply bf16 in vectors");
    }

    private static LoraSlot slot(LoraLayout layout, Arena arena, long seed, int rank) {
        LoraModule module = LoraModule.write(
                layout,
                arena.allocate(LoraModule.bytesFor(rank, VOCABULARY, WIDTH), 16),
                0,
                Data.floats(seed, rank * VOCABULARY),
                Data.floats(seed + 10, WIDTH * rank),
                rank,
                VOCABULARY,
                WIDTH,
                0,
                0.5f);
        return (_, point) -> point == LoraPoint.EMBEDDING ? List.of(module) : List.of();
    }
}
