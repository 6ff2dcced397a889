package org.openlora.benchmarks.kernels;

import org.openjdk.jmh.annotations.Benchmark;

/// A whole prompt at once: every row attends to those before it. Bound by arithmetic.
public class AttentionPrefill extends AttentionState {
    @Override
    int sequences() {
        return 1;
    }

    @Override
    int rowsPerSequence() {
        return context;
    }

    @Benchmark
    public float[] attentionPrefill() {
        return attendLayer();
    }
}
