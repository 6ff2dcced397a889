package org.openlora.benchmarks.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.openlora.benchmarks.load.Popularity;

class SoakTest {
    @Test
    void growth_warmUpThenLeak_isTheLeakPerMinute() {
        List<Double> mebibytes = IntStream.range(0, 240)
                .mapToObj(second -> second < 120 ? 10.0 * second : 1200 + 0.5 * second)
                .toList();
        assertThat(Soak.growth(mebibytes)).isCloseTo(30, within(1e-6));
    }

    @Test
    void growth_flatOrUnknown_isZeroOrNothing() {
        assertThat(Soak.growth(Collections.nCopies(100, 5.0))).isEqualTo(0);
        assertThat(Soak.growth(List.of())).isNull();
    }

    @Test
    void settings_shareOutOfRange_isRefusedByName() {
        assertThatThrownBy(() -> new Soak.Settings(1, 8, 128, 1.5, Popularity.NONE, 1))
                .hasMessageContaining("--abort")
                .hasMessageContaining("1.5");
    }
}
