package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class VectorMathTest {
    private static final float[] SPECIAL = {
        0f,
        -0f,
        1f,
        -1f,
        88.3f,
        88.4f,
        1e30f,
        -87.3f,
        -87.4f,
        -1e30f,
        Float.MIN_VALUE,
        Float.NaN,
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        -Float.MAX_VALUE
    };

    @Test
    void exp_scalar_hasTheBitsOfEachLane() {
        for (float x : arguments()) {
            int lane = Float.floatToIntBits(
                    VectorMath.exp(FloatVector.broadcast(Lanes.FLOATS, x)).lane(0));
            assertThat(Float.floatToIntBits(VectorMath.exp(x))).as("e^%s", x).isEqualTo(lane);
        }
    }

    @Test
    void exp_withinItsRange_isWithinTwoUnitsInTheLastPlace() {
        for (float x : arguments()) {
            if (Math.abs(x) <= 87.3f) {
                double expected = StrictMath.exp(x);
                assertThat((double) VectorMath.exp(x)).isCloseTo(expected, within(2.0 * Math.ulp((float) expected)));
            }
        }
    }

    @Test
    void exp_zero_isOne() {
        assertThat(VectorMath.exp(0f)).isEqualTo(1f);
    }

    private static float[] arguments() {
        Random random = new Random(17);
        float[] values = new float[5000];
        for (int i = 0; i < values.length; i++) {
            values[i] = i < SPECIAL.length ? SPECIAL[i] : random.nextFloat(-90, 90);
        }
        return values;
    }
}
