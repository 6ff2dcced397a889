package org.openlora.benchmarks.kernels;

import org.openjdk.jmh.annotations.Benchmark;

/// Eight streams' decode step: the last row of eight sequences. Bound by reading keys and values.
public class AttentionDecode extends AttentionState {
    @Override
    int sequences() {
        return 8;
    }

    @Override
    int rowsPerSequence() {
        return 1;
    }

    @Benchmark
    public float[] attentionDecode() {
        return attendLayer();
    }
}
