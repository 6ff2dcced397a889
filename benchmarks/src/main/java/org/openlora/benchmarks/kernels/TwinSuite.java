package org.openlora.benchmarks.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.openlora.benchmarks.report.TwinReport;
import org.openlora.benchmarks.report.TwinReport.Pair;
import org.openlora.kernels.Bf16;
import org.openlora.kernels.PackedMatrix;
import org.openlora.kernels.PanelKernel;
import org.openlora.kernels.WorkerPool;
import org.openlora.server.problem.Problem;

/// The Java kernels of dense layers beside the same loops in C: one call of each in turn, in one process, so that
/// what the machine's neighbours take is taken from both.
public final class TwinSuite {
    private static final int MAX_ROUNDS = 10_000;
    private static final int MIN_ROUNDS = 10;

    private TwinSuite() {}

    /// @param rows batch sizes to compare each layer at
    /// @param seconds of each comparison, as much again before it to warm up
    /// @throws Problem where there is no C compiler
    public static List<Pair> run(List<DenseLayer> layers, List<Integer> rows, double seconds) {
        PanelTwin twin = PanelTwin.compile()
                .orElseThrow(() -> new Problem("there is no C compiler on the path", "install gcc or clang"));
        List<Pair> pairs = new ArrayList<>();
        try (twin;
                WorkerPool pool = new WorkerPool(Runtime.getRuntime().availableProcessors())) {
            for (DenseLayer layer : layers) {
                for (int count : rows) {
                    pairs.add(compare(twin, pool, layer, count, seconds));
                }
            }
        }
        return pairs;
    }

    private static Pair compare(PanelTwin twin, WorkerPool pool, DenseLayer layer, int rows, double seconds) {
        if (layer.outputs % PanelTwin.panelOutputs() != 0) {
            throw new IllegalArgumentException("%s has %d outputs; the twin needs a multiple of %d"
                    .formatted(layer, layer.outputs, PanelTwin.panelOutputs()));
        }
        try (Arena arena = Arena.ofShared()) {
            PanelKernel kernel = new PanelKernel(pool);
            long bytes = (long) layer.outputs * layer.inputs * Bf16.BYTES;
            MemorySegment weights = random(arena, bytes);
            PackedMatrix[] packed = new PackedMatrix[(int) Math.max(2, KernelState.STREAMED_BYTES / bytes)];
            MemorySegment[] words = new MemorySegment[packed.length];
            for (int i = 0; i < packed.length; i++) {
                packed[i] = kernel.pack(arena, weights, layer.outputs, layer.inputs);
                // Any order of weights costs the same: as many bytes, read in the same pattern.
                words[i] = arena.allocate(bytes, 64).copyFrom(weights);
            }
            float[] x = new float[rows * layer.inputs];
            Arrays.fill(x, 0.5f);
            float[] y = new float[rows * layer.outputs];
            MemorySegment nativeX = arena.allocate((long) x.length * Float.BYTES, 64);
            MemorySegment.copy(x, 0, nativeX, ValueLayout.JAVA_FLOAT, 0, x.length);
            MemorySegment nativeY = arena.allocate((long) y.length * Float.BYTES, 64);
            IntConsumer java = i -> kernel.multiply(packed[i % packed.length], x, rows, y);
            IntConsumer c = i -> twin.multiply(pool, words[i % words.length], layer, nativeX, rows, nativeY);
            alternate(java, c, seconds);
            return TwinReport.pair(layer.name(), rows, alternate(java, c, seconds));
        }
    }

    /// Nanoseconds of each round: Java, then C.
    private static List<long[]> alternate(IntConsumer java, IntConsumer c, double seconds) {
        List<long[]> rounds = new ArrayList<>();
        long end = System.nanoTime() + (long) (seconds * TimeUnit.SECONDS.toNanos(1));
        while (rounds.size() < MAX_ROUNDS && (rounds.size() < MIN_ROUNDS || System.nanoTime() < end)) {
            int round = rounds.size();
            long start = System.nanoTime();
            java.accept(round);
            long between = System.nanoTime();
            c.accept(round);
            rounds.add(new long[] {between - start, System.nanoTime() - between});
        }
        return rounds;
    }

    private static MemorySegment random(Arena arena, long bytes) {
        SplittableRandom random = new SplittableRandom(1);
        MemorySegment weights = arena.allocate(bytes, 64);
        for (long at = 0; at < bytes; at += Bf16.BYTES) {
            weights.set(ValueLayout.JAVA_SHORT, at, Bf16.fromFloat((float) random.nextDouble(-1, 1)));
        }
        return weights;
    }
}
