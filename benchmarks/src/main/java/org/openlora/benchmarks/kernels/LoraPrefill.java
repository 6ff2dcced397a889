package org.openlora.benchmarks.kernels;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/// A prefill chunk of one adapter: many rows share its weights. Bound by arithmetic.
public class LoraPrefill extends LoraState {
    @Param({"128", "512"})
    int rows = 128;

    @Param({"16", "64"})
    int rank = 16;

    @Override
    int[] ranks() {
        return new int[] {rank};
    }

    @Override
    int rows() {
        return rows;
    }

    @Benchmark
    public float[] loraPrefill() {
        return addLayer();
    }
}
