package org.openlora.benchmarks.load;

import java.util.Arrays;
import java.util.stream.DoubleStream;

/// Exact nearest-rank percentiles of a set of values.
public final class Percentiles {
    private final double[] sorted;

    public Percentiles(DoubleStream values) {
        sorted = values.toArray();
        Arrays.sort(sorted);
    }

    public boolean isEmpty() {
        return sorted.length == 0;
    }

    /// The smallest value that at least `percent` of all values do not exceed; 0 where there is none.
    public double at(double percent) {
        if (sorted.length == 0) {
            return 0;
        }
        int rank = (int) Math.ceil(percent / 100 * sorted.length);
        return sorted[Math.clamp(rank - 1, 0, sorted.length - 1)];
    }

    public double max() {
        return at(100);
    }
}
