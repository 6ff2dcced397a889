package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class RopeTest {
    @Test
    void apply_stridedHeads_isNearTheReferenceAndLeavesTheRest() {
        int headDim = 64;
        int stride = 300;
        int[] positions = {0, 1, 17, 1023, 1024, 1999};
        float[] before = Data.floats(1, positions.length * stride);
        float[] actual = before.clone();
        Rope.of(headDim, 2048, 10_000, new RopeScaling.None()).apply(actual, 6, stride, 40, 3, positions);
        float[] expected = before.clone();
        for (int row = 0; row < positions.length; row++) {
            for (int head = 0; head < 3; head++) {
                int at = row * stride + 40 + head * headDim;
                float[] turned =
                        ReferenceKernels.rope(Arrays.copyOfRange(before, at, at + headDim), positions[row], 10_000);
                System.arraycopy(turned, 0, expected, at, headDim);
            }
        }
        Tolerance.ROPE.check("rope", actual, expected);
        assertThat(Arrays.copyOf(actual, stride)).as("position 0").isEqualTo(Arrays.copyOf(before, stride));
        assertThat(Arrays.copyOfRange(actual, stride, stride + 40)).isEqualTo(Arrays.copyOfRange(before, stride, 340));
    }

    @Test
    void apply_linearScaling_isThePositionDivided() {
        float[] scaled = Data.floats(2, 32);
        float[] plain = scaled.clone();
        Rope.of(32, 64, 10_000, new RopeScaling.Linear(4)).apply(scaled, 1, 32, 0, 1, new int[] {40});
        Rope.of(32, 64, 10_000, new RopeScaling.None()).apply(plain, 1, 32, 0, 1, new int[] {10});
        Tolerance.ROPE.check("linear scaling", scaled, plain);
    }

    /// Frequencies of Llama 3.1 8B (headDim 128, theta 500,000, factor 8, 1, 4, 8192) worked out from the
    /// published formula: the first are kept, the last divided by 8, number 32 is blended.
    @Test
    void apply_llama3Scaling_keepsFastAndStretchesSlowFrequencies() {
        Rope rope = Rope.of(128, 10_000, 500_000, new RopeScaling.Llama3(8, 1, 4, 8192));
        assertThat(angle(rope, 0, 1)).isCloseTo(1, within(1e-6));
        assertThat(angle(rope, 10, 1)).isCloseTo(Math.pow(500_000, -20 / 128.0), within(1e-6));
        double slowest = Math.pow(500_000, -126 / 128.0) / 8;
        assertThat(angle(rope, 63, 9_999)).isCloseTo(9_999 * slowest, within(1e-6));
        double middle = Math.pow(500_000, -64 / 128.0);
        double smooth = (8192 * middle / (2 * Math.PI) - 1) / 3;
        double blended = (1 - smooth) * middle / 8 + smooth * middle;
        assertThat(angle(rope, 32, 100)).isCloseTo(100 * blended, within(1e-6));
        assertThat(smooth).isBetween(0.0, 1.0);
    }

    @Test
    void of_badNumbers_areRefusedByName() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Rope.of(7, 10, 10_000, new RopeScaling.None()))
                .withMessage("headDim is 7, must be even");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RopeScaling.Linear(0))
                .withMessage("rope scaling factor is 0.0, must be positive");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RopeScaling.Llama3(8, 4, 4, 8192))
                .withMessage("highFrequencyFactor is 4.0, must exceed lowFrequencyFactor 4.0");
        Rope rope = Rope.of(8, 10, 10_000, new RopeScaling.None());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rope.apply(new float[8], 1, 8, 0, 1, new int[] {10}))
                .withMessage("position 10 of row 0 is not in [0, 10)");
    }

    /// Angle by which pair `index` of a head is turned.
    private static double angle(Rope rope, int index, int position) {
        float[] head = new float[128];
        head[index] = 1;
        rope.apply(head, 1, 128, 0, 1, new int[] {position});
        return Math.atan2(head[64 + index], head[index]);
    }
}
