package org.openlora.benchmarks.attribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PairedLossTest {
    @Test
    void of_sixPairs_isTheWholeRangeWith97Percent() {
        PairedLoss loss = PairedLoss.of(List.of(0.03, -0.01, 0.02, 0.01, 0.05, 0.00));

        assertThat(loss.median()).isCloseTo(0.015, within(1e-12));
        assertThat(loss.low()).isEqualTo(-0.01);
        assertThat(loss.high()).isEqualTo(0.05);
        assertThat(loss.confidence()).isEqualTo(1 - 2.0 / 64);
    }

    @Test
    void of_twentyPairs_leavesOutFiveOnEachSide() {
        // P(fewer than 6 of 20 coins) = 0.0207: the sixth smallest and largest hold the median with 95.9 %.
        PairedLoss loss = PairedLoss.of(
                IntStream.rangeClosed(1, 20).mapToObj(i -> i / 100.0).toList());

        assertThat(loss.low()).isEqualTo(0.06);
        assertThat(loss.high()).isEqualTo(0.15);
        assertThat(loss.confidence()).isCloseTo(0.9586, within(1e-4));
    }

    @Test
    void of_onePair_claimsNothing() {
        assertThat(PairedLoss.of(List.of(0.1)).confidence()).isZero();
    }

    @Test
    void of_noPair_isRefused() {
        assertThatThrownBy(() -> PairedLoss.of(List.of())).hasMessage("no pair was measured");
    }
}
