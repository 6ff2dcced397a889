package org.openlora.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.openlora.benchmarks.load.LoadSummary;
import org.openlora.benchmarks.load.LoadSummary.Latency;
import org.openlora.benchmarks.report.ServingReport.Median;
import org.openlora.benchmarks.report.ServingReport.Repetition;
import org.openlora.benchmarks.roofline.Roofline;

class ServingReportTest {
    private static final Roofline.Limit LIMIT = new Roofline.Limit(200, 1, Roofline.Bound.MEMORY);

    @Test
    void median_busyNeighbours_doNotCountWhereCalmRepetitionsExist() {
        Median median = Median.of(
                List.of(repetition(100, 0.01), repetition(10, 0.5), repetition(140, 0.1), repetition(110, 0.05)),
                LIMIT);
        assertThat(median.tokensPerSecond()).isEqualTo(110);
        assertThat(median.fraction()).isEqualTo(0.55);
        assertThat(median.repetitionsUsed()).isEqualTo(3);
    }

    @Test
    void median_noCalmRepetition_isTheCalmest() {
        Median median = Median.of(List.of(repetition(10, 0.5), repetition(20, 0.3)), null);
        assertThat(median.tokensPerSecond()).isEqualTo(20);
        assertThat(median.fraction()).isNull();
    }

    @Test
    void median_evenNumber_isTheMeanOfTheMiddleTwo() {
        assertThat(Median.of(List.of(repetition(10, 0), repetition(20, 0)), LIMIT)
                        .tokensPerSecond())
                .isEqualTo(15);
    }

    private static Repetition repetition(double tokensPerSecond, double othersShare) {
        Latency latency = new Latency(1, 2, 3, 4);
        return new Repetition(
                new LoadSummary(1, 0, 0, 1, 1, tokensPerSecond, 0, latency, latency, latency),
                othersShare,
                null,
                null,
                null);
    }
}
