package org.openlora.benchmarks.kernels;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openlora.benchmarks.machine.CeilingProbe;
import org.openlora.benchmarks.machine.Ceilings;
import org.openlora.benchmarks.machine.Peak;
import org.openlora.kernels.WorkerPool;

/// What every kernel benchmark has: threads, memory, and the machine's ceilings before and after its fork.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public abstract class KernelState {
    /// System property: seconds for each probe of the ceilings.
    static final String CEILING_SECONDS_PROPERTY = "openlora.bench.ceilingSeconds";

    /// Operands are cycled through as much memory as this, more than any cache holds, as a model's layers are.
    static final long STREAMED_BYTES = 320L << 20;

    /// Whether C measures the ceilings too.
    static final String NATIVE_PROPERTY = "openlora.bench.native";

    final SplittableRandom random = new SplittableRandom(1);
    Arena arena = Arena.global();
    WorkerPool pool = SINGLE;

    private static final WorkerPool SINGLE = new WorkerPool(1);
    private static final String DEFAULT_CEILING_SECONDS = "0.4";

    private Fork fork = Fork.NONE;

    /// Makes the operands.
    abstract void prepare();

    /// Bytes that one operation must read from memory, 0 where that does not matter.
    abstract double bytesPerOperation();

    /// Floating-point operations of one operation, 0 where they do not matter.
    abstract double flopsPerOperation();

    /// The peak that bounds them.
    Peak peak() {
        return Peak.F32;
    }

    @Setup(Level.Trial)
    public void open(BenchmarkParams params) {
        int threads = Runtime.getRuntime().availableProcessors();
        arena = Arena.ofShared();
        pool = new WorkerPool(threads);
        fork = Fork.begin(params.id(), threads);
        prepare();
    }

    @TearDown(Level.Trial)
    public void close() {
        fork.end(bytesPerOperation(), flopsPerOperation(), peak());
        pool.close();
        arena.close();
    }

    float[] floats(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return values;
    }

    /// The ceilings around one fork.
    private interface Fork {
        Fork NONE = (_, _, _) -> {};

        void end(double bytes, double flops, Peak peak);

        static Fork begin(String benchmark, int threads) {
            String file = System.getProperty(ForkRecord.FILE_PROPERTY, "");
            if (file.isEmpty()) {
                return NONE;
            }
            double seconds = Double.parseDouble(System.getProperty(CEILING_SECONDS_PROPERTY, DEFAULT_CEILING_SECONDS));
            CeilingProbe probe = new CeilingProbe(threads, Boolean.getBoolean(NATIVE_PROPERTY));
            Ceilings before = probe.measure(seconds);
            return (bytes, flops, peak) -> {
                try (probe) {
                    new ForkRecord(benchmark, bytes, flops, peak, before, probe.measure(seconds)).append(Path.of(file));
                }
            };
        }
    }
}
