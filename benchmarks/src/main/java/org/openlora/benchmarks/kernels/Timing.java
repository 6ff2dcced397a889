package org.openlora.benchmarks.kernels;

import java.util.Arrays;

/// Times of repeated runs: after a warm-up, runs are timed one by one until the time is used up.
///
/// On a machine shared with others the minimum says what the code can do and the maximum what the neighbours did.
///
/// @param minNanos shortest run
/// @param medianNanos the run in the middle
/// @param maxNanos longest run
record Timing(long minNanos, long medianNanos, long maxNanos) {
    private static final int MIN_RUNS = 5;
    private static final int MAX_RUNS = 20_000;

    static Timing of(Runnable run, long warmUpNanos, long nanos) {
        // C2 compiles a kernel after tens of thousands of loop iterations; until then it is a thousand times
        // slower.
        long warm = System.nanoTime() + warmUpNanos;
        for (int i = 0; i < MIN_RUNS || System.nanoTime() < warm; i++) {
            run.run();
        }
        long[] times = new long[MAX_RUNS];
        int runs = 0;
        long end = System.nanoTime() + nanos;
        while (runs < MAX_RUNS && (runs < MIN_RUNS || System.nanoTime() < end)) {
            long start = System.nanoTime();
            run.run();
            times[runs++] = System.nanoTime() - start;
        }
        Arrays.sort(times, 0, runs);
        return new Timing(times[0], times[runs / 2], times[runs - 1]);
    }

    /// `amount` per nanosecond at the minimum, median and maximum: operations as GFLOP/s, bytes as GB/s.
    String rates(double amount, String unit) {
        return "%8.1f /%8.1f /%8.1f %s".formatted(amount / minNanos, amount / medianNanos, amount / maxNanos, unit);
    }
}
