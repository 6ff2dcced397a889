package org.openlora.benchmarks.kernels;

import org.openjdk.jmh.annotations.Benchmark;

/// One call of the worker pool with nothing to do: what each parallel step of a forward pass costs at least.
public class Barrier extends KernelState {
    @Override
    void prepare() {}

    @Override
    double bytesPerOperation() {
        return 0;
    }

    @Override
    double flopsPerOperation() {
        return 0;
    }

    @Benchmark
    public void barrier() {
        pool.run(pool.threads(), _ -> {});
    }
}
