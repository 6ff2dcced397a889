package org.openlora.meter.exact;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import org.junit.jupiter.api.Test;

class PicoTest {
    @Test
    void text_isExactAtEverySize() {
        assertThat(Pico.text(0)).isEqualTo("0.000000000000");
        assertThat(Pico.text(1)).isEqualTo("0.000000000001");
        assertThat(Pico.text(-1_500_000)).isEqualTo("-0.000001500000");
        assertThat(Pico.text(Long.MAX_VALUE)).isEqualTo("9223372.036854775807");
        assertThat(Pico.text(BigInteger.TEN.pow(30))).isEqualTo("1000000000000000000.000000000000");
    }
}
