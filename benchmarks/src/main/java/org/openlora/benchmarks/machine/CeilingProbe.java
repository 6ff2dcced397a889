package org.openlora.benchmarks.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.openlora.benchmarks.machine.Ceilings.Probe;
import org.openlora.kernels.WorkerPool;

/// Measures [Ceilings], with the Vector API and, where there is a C compiler, in C; the higher median of both is
/// the ceiling, so that neither language flatters what it is compared with.
///
/// Bandwidth is read over more memory than any cache holds: 1 GiB or eight times the last-level cache, whichever is
/// more. Pieces are handed out as threads ask for them, so that one held up does not hold up the pass.
public final class CeilingProbe implements AutoCloseable {
    private static final long GIBIBYTE = 1L << 30;
    private static final long PIECE_BYTES = 16L << 20;
    private static final int CACHE_FACTOR = 8;
    private static final int MIN_PASSES = 5;
    private static final int WARM_UP_PASSES = 3;
    private static final int STEPS = 2_000_000;

    private final Arena arena = Arena.ofShared();
    private final WorkerPool pool;
    private final MemorySegment memory;
    private final @Nullable NativeProbes nativeProbes;
    private volatile double sink;

    /// @param threads that measure together
    /// @param withNative whether to compile and use the C probes where there is a compiler
    public CeilingProbe(int threads, boolean withNative) {
        pool = new WorkerPool(threads);
        long bytes = Math.max(GIBIBYTE, CACHE_FACTOR * MachineClass.current().lastLevelCacheBytes());
        long pieces = (bytes + PIECE_BYTES - 1) / PIECE_BYTES;
        memory = arena.allocate(pieces * PIECE_BYTES, 1 << 21);
        // Untouched pages would all be the one zero page.
        pool.run((int) pieces, piece -> memory.asSlice(piece * PIECE_BYTES, PIECE_BYTES)
                .fill((byte) 1));
        Optional<NativeProbes> probes = withNative ? NativeProbes.compile() : Optional.empty();
        nativeProbes = probes.orElse(null);
    }

    /// Measures everything, each probe for `seconds`.
    public Ceilings measure(double seconds) {
        NativeProbes c = nativeProbes;
        List<Probe> read = new ArrayList<>();
        List<Probe> f32 = new ArrayList<>();
        List<Probe> bf16 = new ArrayList<>();
        read.add(bandwidth("read, Java", seconds, VectorProbes::read));
        f32.add(peak(
                "f32 FMA, Java", seconds, VectorProbes.FLOPS_PER_STEP, () -> sink = VectorProbes.multiplyAdd(STEPS)));
        if (c != null) {
            read.add(bandwidth("read, C", seconds, c::read));
            if (c.multiplyAddFlops > 0) {
                f32.add(peak("f32 FMA, C", seconds, c.multiplyAddFlops, () -> sink = c.multiplyAdd(STEPS)));
            }
            if (c.bf16Flops > 0) {
                bf16.add(peak("bf16, C", seconds, c.bf16Flops, () -> sink = c.bf16(STEPS)));
            }
        }
        List<Probe> all = new ArrayList<>(read);
        all.addAll(f32);
        all.addAll(bf16);
        return new Ceilings(highest(read), highest(f32), bf16.isEmpty() ? null : highest(bf16), all);
    }

    @Override
    public void close() {
        pool.close();
        if (nativeProbes != null) {
            nativeProbes.close();
        }
        arena.close();
    }

    private static double highest(List<Probe> probes) {
        return probes.stream()
                .max(Comparator.comparingDouble(Probe::median))
                .orElseThrow()
                .median();
    }

    private Probe bandwidth(String name, double seconds, Reader reader) {
        int pieces = (int) (memory.byteSize() / PIECE_BYTES);
        return probe(
                name,
                "GB/s",
                (double) memory.byteSize(),
                seconds,
                () -> pool.run(pieces, piece -> {
                    if (reader.read(memory, piece * PIECE_BYTES, PIECE_BYTES) == 0) {
                        throw new IllegalStateException("memory filled with ones sums to zero");
                    }
                }));
    }

    private Probe peak(String name, double seconds, long flopsPerStep, Runnable loop) {
        double flops = (double) pool.threads() * STEPS * flopsPerStep;
        return probe(name, "GFLOP/s", flops, seconds, () -> pool.run(pool.threads(), _ -> loop.run()));
    }

    private static Probe probe(String name, String unit, double amount, double seconds, Runnable pass) {
        for (int i = 0; i < WARM_UP_PASSES; i++) {
            pass.run();
        }
        double[] rates = new double[4096];
        int passes = 0;
        long end = System.nanoTime() + (long) (seconds * 1e9);
        while (passes < rates.length && (passes < MIN_PASSES || System.nanoTime() < end)) {
            long start = System.nanoTime();
            pass.run();
            rates[passes++] = amount / (System.nanoTime() - start);
        }
        Arrays.sort(rates, 0, passes);
        return new Probe(name, unit, rates[passes / 2], rates[passes - 1]);
    }

    @FunctionalInterface
    private interface Reader {
        long read(MemorySegment memory, long offset, long bytes);
    }
}
