package org.openlora.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class TwinReportTest {
    @Test
    void pair_machineSlowerInSomeRounds_comparesWithinEachRound() {
        List<long[]> rounds = List.of(new long[] {100, 80}, new long[] {400, 320}, new long[] {50, 40});
        TwinReport.Pair pair = TwinReport.pair("layer", 8, rounds);
        assertThat(pair.javaSpeedOfC()).isEqualTo(0.8);
        assertThat(pair.javaNanos()).isEqualTo(100);
        assertThat(pair.cNanos()).isEqualTo(80);
    }

    @Test
    void pair_withoutRounds_isRefused() {
        assertThatThrownBy(() -> TwinReport.pair("layer", 8, List.of())).hasMessageContaining("layer");
    }
}
