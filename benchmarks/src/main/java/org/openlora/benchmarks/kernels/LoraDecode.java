package org.openlora.benchmarks.kernels;

import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/// Eight streams' decode step: one row for each of eight adapters, or eight rows of one. Bound by reading them.
public class LoraDecode extends LoraState {
    /// Ranks of the adapters, separated by commas.
    @Param({"8,8,8,8,8,8,8,8", "16,8,32,64,16,8,32,64", "64,64,64,64,64,64,64,64", "16"})
    String ranks = "16";

    @Override
    int[] ranks() {
        return Stream.of(ranks.split(",")).mapToInt(Integer::parseInt).toArray();
    }

    @Override
    int rows() {
        return 8;
    }

    @Benchmark
    public float[] loraDecode() {
        return addLayer();
    }
}
