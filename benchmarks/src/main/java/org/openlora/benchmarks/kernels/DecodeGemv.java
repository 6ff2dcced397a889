package org.openlora.benchmarks.kernels;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/// A dense layer at one row: one stream's decode step. Bound by reading the weights.
public class DecodeGemv extends DenseState {
    @Param
    DenseLayer layer = DenseLayer.SMOLLM2_QKV;

    @Override
    DenseLayer layer() {
        return layer;
    }

    @Override
    int rows() {
        return 1;
    }

    @Benchmark
    public float[] decodeGemv() {
        return multiply();
    }
}
