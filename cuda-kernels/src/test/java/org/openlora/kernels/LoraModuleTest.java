package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LoraModuleTest {
    @Test
    void write_smallPair_laysOutRankRows() {
        try (Arena arena = Arena.ofConfined()) {
            int lanes = Lanes.COUNT;
            // rank 2, inputs 3, outputs 9: one turn of 4 rank rows (or 2 pairs of inputs of 8), one panel of 2 rank
            // rows
            long aBytes = Math.max(4 * 2L * lanes * 2, 2 * 8 * 4);
            assertThat(LoraModule.bytesFor(2, 3, 9)).isEqualTo(aBytes + 2 * 64 * 2);
            MemorySegment memory = arena.allocate(16 + LoraModule.bytesFor(2, 3, 9), 16);
            memory.fill((byte) 0x55);
            float[] a = {1, 2, 3, 4, 5, 6};
            float[] b = new float[18];
            for (int i = 0; i < 18; i++) {
                b[i] = 10 + i;
            }
            LoraModule module = LoraModule.write(LoraLayout.RANK_ROWS, memory, 16, a, b, 2, 3, 9, 5, 0.5f);
            assertThat(module.aOffsetBytes()).isEqualTo(16);
            assertThat(module.bOffsetBytes()).isEqualTo(16 + aBytes);
            long rankRow = 2L * lanes * 2;
            assertThat(element(memory, 16 + rankRow + 2 * 4)).isEqualTo(6); // A[1][2]: low half of int 2
            assertThat(element(memory, 16 + 2)).isZero(); // padding: high half of int 0
            assertThat(element(memory, 16 + 2 * rankRow)).isZero(); // padding rank row
            assertThat(element(memory, module.bElementBytes(1, 8))).isEqualTo(27); // B[8][1]
            assertThat(element(memory, module.bElementBytes(1, 9))).isZero();
            assertThat(element(memory, module.bOffsetBytes() + 64 * 2)).isEqualTo(11); // B[0][1]
        }
    }

    @ParameterizedTest
    @CsvSource({
        "RANK_ROWS,1,1,1",
        "RANK_ROWS,5,83,307",
        "RANK_ROWS,8,64,64",
        "RANK_ROWS,17,129,200",
        "PAIRS,1,1,1",
        "PAIRS,5,83,307",
        "PAIRS,8,64,64",
        "PAIRS,17,129,200",
        "PAIRS,28,33,33",
        "PAIRS,64,20,5"
    })
    void elementBytes_everyElement_hasAPlaceOfItsOwn(LoraLayout layout, int rank, int inputs, int outputs) {
        try (Arena arena = Arena.ofConfined()) {
            float[] a = Data.bf16Floats(1, rank * inputs);
            float[] b = Data.bf16Floats(2, outputs * rank);
            MemorySegment memory = arena.allocate(LoraModule.bytesFor(rank, inputs, outputs), 16);
            LoraModule module = LoraModule.write(layout, memory, 0, a, b, rank, inputs, outputs, 0, 1);
            for (int r = 0; r < rank; r++) {
                for (int i = 0; i < inputs; i++) {
                    assertThat(element(memory, module.aElementBytes(r, i))).isEqualTo(a[r * inputs + i]);
                }
                for (int o = 0; o < outputs; o++) {
                    assertThat(element(memory, module.bElementBytes(r, o))).isEqualTo(b[o * rank + r]);
                }
            }
        }
    }

    @Test
    void write_bf16Source_equalsFloatSource() {
        try (Arena arena = Arena.ofConfined()) {
            float[] a = Data.bf16Floats(1, 5 * 11);
            float[] b = Data.bf16Floats(2, 7 * 5);
            long bytes = LoraModule.bytesFor(5, 11, 7);
            MemorySegment fromFloats = arena.allocate(bytes, 16);
            MemorySegment fromBf16 = arena.allocate(bytes, 16);
            LoraModule.write(LoraLayout.RANK_ROWS, fromFloats, 0, a, b, 5, 11, 7, 0, 1);
            LoraModule.write(
                    LoraLayout.RANK_ROWS, fromBf16, 0, Data.bf16(arena, a), Data.bf16(arena, b), 5, 11, 7, 0, 1);
            assertThat(fromBf16.mismatch(fromFloats)).isEqualTo(-1);
        }
    }

    @Test
    void write_badShapes_areRefusedByName() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(LoraModule.bytesFor(2, 3, 4), 16);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> LoraModule.write(
                            LoraLayout.RANK_ROWS, memory, 0, new float[5], new float[8], 2, 3, 4, 0, 1))
                    .withMessage("lora_A has 5 elements, needs [2, 3]");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> LoraModule.write(
                            LoraLayout.RANK_ROWS, memory, 0, new float[6], new float[7], 2, 3, 4, 0, 1))
                    .withMessage("lora_B has 7 elements, needs [4, 2]");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> LoraModule.write(
                            LoraLayout.RANK_ROWS, memory, 8, new float[6], new float[8], 2, 3, 4, 0, 1))
                    .withMessage("aOffsetBytes is 8, must be a multiple of 16");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> LoraModule.write(
                            LoraLayout.RANK_ROWS, memory, 16, new float[6], new float[8], 2, 3, 4, 0, 1))
                    .withMessageStartingWith("LoRA B [4, 2] holds " + memory.byteSize() + " bytes");
        }
    }

    private static float element(MemorySegment memory, long at) {
        return Bf16.toFloat(memory.get(LoraModule.BF16, at));
    }
}
