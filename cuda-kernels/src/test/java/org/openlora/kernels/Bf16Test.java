package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class Bf16Test {
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
}
