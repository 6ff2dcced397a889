package org.openlora.benchmarks.report;

import java.util.List;
import java.util.function.ToDoubleFunction;

/// Java kernels beside their twins in C, alternating in one process, as committed.
public record TwinReport(Provenance provenance, List<Pair> pairs) {
    /// One layer at one batch size.
    ///
    /// @param javaNanos median of the calls
    /// @param cNanos median of the calls
    /// @param javaSpeedOfC median over the rounds of C's time over Java's: 1 where both are as fast
    public record Pair(String layer, int rows, int rounds, double javaNanos, double cNanos, double javaSpeedOfC) {}

    /// @param rounds nanoseconds of Java and of C, for each round
    /// @throws IllegalArgumentException without any round
    public static Pair pair(String layer, int rows, List<long[]> rounds) {
        if (rounds.isEmpty()) {
            throw new IllegalArgumentException("%s at %d rows has no round".formatted(layer, rows));
        }
        return new Pair(
                layer,
                rows,
                rounds.size(),
                median(rounds, round -> round[0]),
                median(rounds, round -> round[1]),
                median(rounds, round -> (double) round[1] / round[0]));
    }

    private static double median(List<long[]> rounds, ToDoubleFunction<long[]> figure) {
        double[] sorted = rounds.stream().mapToDouble(figure).sorted().toArray();
        return sorted[sorted.length / 2];
    }
}
