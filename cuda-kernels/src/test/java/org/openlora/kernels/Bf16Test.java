package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Bf16Test {
    private static final float[] SPECIAL = {
        0f,
        -0f,
        Float.NaN,
        Float.intBitsToFloat(0x7f80_0001), // a NaN whose payload lies in the lower half
        Float.intBitsToFloat(0xffff_ffff),
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        Float.MAX_VALUE,
        Float.MIN_VALUE,
        Float.intBitsToFloat(0x3f80_8000),
        Float.intBitsToFloat(0x3f81_8000)
    };

    @Test
    void fromFloat_everyBf16_roundTripsBitwise() {
        for (int bits = 0; bits <= 0xffff; bits++) {
            float value = Bf16.toFloat((short) bits);
            if (!Float.isNaN(value)) {
                assertThat(Bf16.fromFloat(value)).isEqualTo((short) bits);
            } else {
                assertThat(Bf16.toFloat(Bf16.fromFloat(value))).isNaN();
            }
        }
    }

    @Test
    void fromFloat_halfwayBetweenNeighbours_roundsToEven() {
        assertThat(Bf16.fromFloat(Float.intBitsToFloat(0x3f808000))).isEqualTo((short) 0x3f80);
        assertThat(Bf16.fromFloat(Float.intBitsToFloat(0x3f818000))).isEqualTo((short) 0x3f82);
    }

    @Test
    void fromFloats_anyCountAndBitPattern_isFromFloatOfEach() {
        Random random = new Random(11);
        float[] values = new float[999];
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.intBitsToFloat(random.nextInt());
        }
        System.arraycopy(SPECIAL, 0, values, 40, SPECIAL.length);
        for (int count : new int[] {0, 1, 15, 16, 17, 31, 500, 999 - 3}) {
            MemorySegment bf16 = MemorySegment.ofArray(new short[count + 1]);
            Bf16.fromFloats(values, 3, count, bf16, 0);
            for (int i = 0; i < count; i++) {
                assertThat(bf16.getAtIndex(LoraModule.BF16, i)).isEqualTo(Bf16.fromFloat(values[3 + i]));
            }
            assertThat(bf16.getAtIndex(LoraModule.BF16, count)).isZero();
        }
    }

    @Test
    void toFloats_everyBf16_isToFloatOfEach() {
        short[] numbers = new short[0x10000];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (short) i;
        }
        float[] values = new float[numbers.length + 2];
        Bf16.toFloats(MemorySegment.ofArray(numbers), 2, numbers.length - 1, values, 1);
        for (int i = 1; i < numbers.length; i++) {
            assertThat(Float.floatToRawIntBits(values[i])).isEqualTo(Float.floatToRawIntBits(Bf16.toFloat(numbers[i])));
        }
        assertThat(values[0]).isZero();
        assertThat(values[numbers.length]).isZero();
    }

    @Test
    void bulk_beyondTheEnd_isRefused() {
        MemorySegment four = MemorySegment.ofArray(new short[4]);
        assertThatThrownBy(() -> Bf16.fromFloats(new float[4], 1, 4, four, 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Bf16.fromFloats(new float[100], 0, 100, four, 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Bf16.toFloats(four, 0, 5, new float[9], 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }
}
