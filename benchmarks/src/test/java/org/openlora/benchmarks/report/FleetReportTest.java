package org.openlora.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.openlora.benchmarks.load.LoadSummary;
import org.openlora.benchmarks.load.LoadSummary.Latency;
import org.openlora.benchmarks.report.FleetReport.Pair;
import org.openlora.benchmarks.report.FleetReport.Registered;
import org.openlora.benchmarks.report.FleetReport.Side;
import org.openlora.benchmarks.report.FleetReport.Stalls;
import org.openlora.benchmarks.report.FleetReport.ThroughputPair;

class FleetReportTest {
    @Test
    void stalls_tailWithinEitherBound_holds() {
        assertThat(stalls(10, 14).held()).as("1.4 times").isTrue();
        assertThat(stalls(2, 11).held()).as("9 ms").isTrue();
        assertThat(stalls(10, 21).held()).as("2.1 times and 11 ms").isFalse();
    }

    @Test
    void stalls_p99_isThePermille990OfAllGaps() {
        Stalls stalls = stalls(10, 15);
        assertThat(stalls.ratio()).isEqualTo(1.5);
        assertThat(stalls.differenceMillis()).isEqualTo(5);
        assertThat(stalls.pairRatio()).isEqualTo(1.5);
    }

    @Test
    void registered_ratio_isTheMedianOfThePairs() {
        Registered registered = Registered.of(
                5000,
                16,
                List.of(
                        new ThroughputPair(load(50), load(100)),
                        new ThroughputPair(load(95), load(100)),
                        new ThroughputPair(load(120), load(100))));
        assertThat(registered.ratio()).isEqualTo(0.95);
        assertThat(registered.held()).isTrue();
    }

    private static Stalls stalls(double without, double with) {
        return Stalls.of(List.of(new Pair(side(without), side(with))), permilles(without), permilles(with));
    }

    private static Side side(double p99) {
        return new Side(new Latency(1, 1, p99, p99), 1, 1, 0, 1);
    }

    /// All but the last hundredth are 1.
    private static List<Double> permilles(double tail) {
        return IntStream.rangeClosed(0, 1000).mapToObj(i -> i < 990 ? 1 : tail).toList();
    }

    private static LoadSummary load(double tokensPerSecond) {
        Latency latency = new Latency(1, 1, 1, 1);
        return new LoadSummary(1, 0, 0, 1, 1, tokensPerSecond, 0, latency, latency, latency);
    }
}
