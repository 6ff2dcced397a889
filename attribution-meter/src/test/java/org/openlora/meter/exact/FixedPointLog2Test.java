package org.openlora.meter.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FixedPointLog2Test {
    @Test
    void floor_smallNumbers_isBitLengthOfThe65536thPower() {
        for (int number = 1; number <= 100; number++) {
            assertThat(FixedPointLog2.floor(number)).as("log2 of %d", number).isEqualTo(byDefinition(number));
        }
    }

    @Test
    void floor_besidePowersOfTwoAndAtRandom_isByDefinition() {
        Random random = new Random(2);
        for (int round = 0; round < 6; round++) {
            long number = round < 4 ? (1L << (20 + round)) + (round % 2 == 0 ? -1 : 1) : 1 + random.nextLong(1L << 40);
            assertThat(FixedPointLog2.floor(number)).as("log2 of %d", number).isEqualTo(byDefinition(number));
        }
    }

    @Test
    void floor_powersOfTwo_isWhole() {
        for (int exponent = 0; exponent < 63; exponent++) {
            assertThat(FixedPointLog2.floor(1L << exponent)).isEqualTo(exponent << 16);
        }
        assertThat(FixedPointLog2.floor(Long.MAX_VALUE)).isEqualTo((63 << 16) - 1);
    }

    @Test
    void floor_notPositive_isRefused() {
        assertThatThrownBy(() -> FixedPointLog2.floor(0)).hasMessage("no logarithm of 0");
    }

    private static int byDefinition(long number) {
        return BigInteger.valueOf(number).pow(65_536).bitLength() - 1;
    }
}
