package org.openlora.benchmarks.kernels;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openlora.kernels.Vocabulary;

/// The largest logit of one row. Logits have just been written, so they come from a cache: a time, no fraction.
public class GreedySampling extends KernelState {
    @Param({"49152", "128256"})
    int vocabulary = 49152;

    private float[] logits = {};

    @Override
    void prepare() {
        logits = floats(vocabulary);
    }

    @Override
    double bytesPerOperation() {
        return 0;
    }

    @Override
    double flopsPerOperation() {
        return 0;
    }

    @Benchmark
    public int argmax() {
        return Vocabulary.argmax(logits, 0, vocabulary);
    }
}
