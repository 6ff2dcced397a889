package org.openlora.benchmarks.attribution;

import java.util.List;
import java.util.stream.IntStream;

/// How much of the throughput pairs of runs lose, without assuming how losses are distributed.
///
/// @param losses of each pair: 1 − on / off, so that a gain is negative
/// @param median of the losses
/// @param low lower end of the interval for the true median
/// @param high upper end
/// @param confidence that the interval holds the true median
public record PairedLoss(List<Double> losses, double median, double low, double high, double confidence) {
    private static final double WANTED = 0.95;

    /// Order statistics: the interval between the k-th smallest and the k-th largest of n holds the median unless
    /// fewer than k lie on one side of it, each with a chance of a half. Of all k the largest with at least 95 %;
    /// for so few pairs that none has it, the whole range.
    ///
    /// @throws IllegalArgumentException without a pair
    public static PairedLoss of(List<Double> losses) {
        if (losses.isEmpty()) {
            throw new IllegalArgumentException("no pair was measured");
        }
        List<Double> sorted = losses.stream().sorted().toList();
        int n = sorted.size();
        int rank = 1;
        while (2 * (rank + 1) <= n && confidence(n, rank + 1) >= WANTED) {
            rank++;
        }
        double median = (sorted.get((n - 1) / 2) + sorted.get(n / 2)) / 2;
        return new PairedLoss(
                List.copyOf(losses), median, sorted.get(rank - 1), sorted.get(n - rank), confidence(n, rank));
    }

    /// 1 − 2 · P(fewer than `rank` of n fair coins show heads).
    private static double confidence(int n, int rank) {
        return 1
                - 2
                        * IntStream.range(0, rank)
                                .mapToDouble(heads -> binomial(n, heads) * Math.pow(0.5, n))
                                .sum();
    }

    private static double binomial(int n, int k) {
        return IntStream.rangeClosed(1, k)
                .mapToDouble(i -> (n - k + i) / (double) i)
                .reduce(1, (a, b) -> a * b);
    }
}
