package org.openlora.benchmarks.kernels;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/// A dense layer at the rows of a batch's decode step (8, 32) or of a prefill chunk (128, 512).
public class Gemm extends DenseState {
    @Param({"SMOLLM2_GATE_UP", "SMOLLM2_DOWN", "LLAMA1B_GATE_UP"})
    DenseLayer layer = DenseLayer.SMOLLM2_GATE_UP;

    @Param({"8", "32", "128", "512"})
    int rows = 8;

    @Override
    DenseLayer layer() {
        return layer;
    }

    @Override
    int rows() {
        return rows;
    }

    @Benchmark
    public float[] gemm() {
        return multiply();
    }
}
