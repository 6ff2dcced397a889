package org.openlora.benchmarks.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openlora.kernels.AttentionBatch;
import org.openlora.kernels.Bf16;
import org.openlora.kernels.KvLayout;
import org.openlora.kernels.KvPages;
import org.openlora.kernels.Lanes;
import org.openlora.kernels.LoraBatch;
import org.openlora.kernels.LoraKernel;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.LoraSlot;
import org.openlora.kernels.PackedMatrix;
import org.openlora.kernels.PagedAttention;
import org.openlora.kernels.PanelKernel;
import org.openlora.kernels.WorkerPool;

/// Prints how fast the CPU kernels are, each line as best / median / worst run.
///
/// Dense layers at one row are bound by memory, so their line is GB/s of weights, from enough copies of the
/// matrix that no cache holds them; at many rows they are bound by arithmetic, so theirs is GFLOP/s.
///
/// Arguments: number of threads (default: all processors), seconds for each line (default 2).
public final class KernelBenchmark {
    /// More than any last-level cache that matters.
    private static final long STREAMED_BYTES = 256L << 20;
    private static final int[] ROWS = {1, 4, 8, 32, 128};

    private final Arena arena;
    private final WorkerPool pool;
    private final long nanos;
    private final SplittableRandom random = new SplittableRandom(1);

    private KernelBenchmark(Arena arena, WorkerPool pool, long nanos) {
        this.arena = arena;
        this.pool = pool;
        this.nanos = nanos;
    }

    public static void main(String[] arguments) {
        int threads = arguments.length > 0
                ? Integer.parseInt(arguments[0])
                : Runtime.getRuntime().availableProcessors();
        long seconds = arguments.length > 1 ? Long.parseLong(arguments[1]) : 2;
        System.out.printf("%d threads, %d-bit vectors; best / median / worst%n", threads, Lanes.bits());
        try (WorkerPool pool = new WorkerPool(threads)) {
            long nanos = TimeUnit.SECONDS.toNanos(seconds);
            linear(pool, nanos, "n 8192, k 2048", 8192, 2048);
            linear(pool, nanos, "SmolLM2-135M qkv", 960, 576);
            linear(pool, nanos, "SmolLM2-135M gate|up", 3072, 576);
            linear(pool, nanos, "SmolLM2-135M down", 576, 1536);
            try (Arena arena = Arena.ofShared()) {
                KernelBenchmark benchmark = new KernelBenchmark(arena, pool, nanos);
                benchmark.lora(1, 1);
                benchmark.lora(32, 32);
                benchmark.lora(32, 4);
                benchmark.lora(128, 1);
                benchmark.attention(1, 1024);
                benchmark.attention(32, 1024);
            }
        }
    }

    private static void linear(WorkerPool pool, long nanos, String name, int outputs, int inputs) {
        try (Arena arena = Arena.ofShared()) {
            new KernelBenchmark(arena, pool, nanos).linear(name, outputs, inputs);
        }
    }

    private void linear(String name, int outputs, int inputs) {
        PanelKernel kernel = new PanelKernel(pool);
        long bytes = (long) outputs * inputs * Bf16.BYTES;
        MemorySegment weights = arena.allocate(bytes, 64);
        for (long at = 0; at < bytes; at += Bf16.BYTES) {
            weights.set(ValueLayout.JAVA_SHORT, at, Bf16.fromFloat((float) random.nextDouble(-1, 1)));
        }
        PackedMatrix[] copies = new PackedMatrix[(int) Math.max(2, STREAMED_BYTES / bytes)];
        long start = System.nanoTime();
        for (int i = 0; i < copies.length; i++) {
            copies[i] = kernel.pack(arena, weights, outputs, inputs);
        }
        double packed = (double) outputs * inputs * copies.length / (System.nanoTime() - start);
        System.out.printf("%-24s pack %5.2f weights/ns%n", name, packed);
        for (int rows : ROWS) {
            float[] x = floats(rows * inputs);
            float[] y = new float[rows * outputs];
            int[] next = {0};
            Timing timing = time(() -> kernel.multiply(copies[next[0]++ % copies.length], x, rows, y));
            String rates = rows == 1
                    ? timing.rates((double) bytes, "GB/s")
                    : timing.rates(2.0 * rows * outputs * inputs, "GFLOP/s");
            System.out.printf("%-24s %4d rows %s%n", name, rows, rates);
        }
    }

    /// Rank 16 on q, k and v of SmolLM2-135M, the rows shared evenly by the adapters.
    private void lora(int rows, int adapters) {
        int inputs = 576;
        int outputs = 960;
        int rank = 16;
        LoraSlot[] slots = new LoraSlot[adapters];
        int[] starts = new int[adapters + 1];
        for (int s = 0; s < adapters; s++) {
            List<LoraModule> modules = List.of(
                    module(rank, inputs, 576, 0), module(rank, inputs, 192, 576), module(rank, inputs, 192, 768));
            slots[s] = (_, _) -> modules;
            starts[s + 1] = rows * (s + 1) / adapters;
        }
        int[] entries = new int[rows];
        Arrays.setAll(entries, row -> row);
        float[] scales = new float[rows];
        Arrays.fill(scales, 1);
        LoraBatch batch = new LoraBatch(entries, starts, slots, scales);
        LoraKernel kernel = new LoraKernel(pool);
        float[] x = floats(rows * inputs);
        float[] y = new float[rows * outputs];
        Timing timing = time(() -> kernel.apply(batch, 0, LoraPoint.QKV, x, inputs, y, outputs));
        double flops = 2.0 * rows * rank * (3.0 * inputs + outputs);
        System.out.printf(
                "%-24s %4d rows %s  %8.1f us%n",
                "LoRA qkv, " + adapters + " adapters",
                rows,
                timing.rates(flops, "GFLOP/s"),
                timing.medianNanos() / 1e3);
    }

    private LoraModule module(int rank, int inputs, int outputs, int outputOffset) {
        return LoraModule.write(
                arena.allocate(LoraModule.bytesFor(rank, inputs, outputs), 64),
                0,
                floats(rank * inputs),
                floats(outputs * rank),
                rank,
                inputs,
                outputs,
                outputOffset,
                1);
    }

    /// Decode of `rows` sequences over the same cached context; heads of SmolLM2-135M.
    private void attention(int rows, int context) {
        KvLayout layout = new KvLayout(1, 3, 64, KvLayout.TOKENS_MULTIPLE);
        int heads = 9;
        int blocks = (context + layout.blockTokens() - 1) / layout.blockTokens();
        KvPages pages = new KvPages(arena, layout, blocks);
        PagedAttention attention = new PagedAttention(pool, layout, heads);
        int[] slots = new int[context];
        Arrays.setAll(slots, t -> t);
        int width = layout.kvHeads() * layout.headDim();
        attention.write(pages, 0, slots, floats(context * width), width, 0, floats(context * width), width, 0);
        int[] table = new int[blocks];
        Arrays.setAll(table, b -> b);
        int[] positions = new int[rows];
        Arrays.fill(positions, context - 1);
        AttentionBatch batch = new AttentionBatch(positions, new int[rows], new int[][] {table}, 0);
        int queryWidth = heads * layout.headDim();
        float[] q = floats(rows * queryWidth);
        float[] out = new float[rows * queryWidth];
        Timing timing = time(() -> attention.attend(pages, 0, batch, q, queryWidth, 0, 0.125f, out));
        System.out.printf(
                "%-24s %4d rows %s  %8.1f us%n",
                "attention over " + context,
                rows,
                timing.rates(4.0 * rows * queryWidth * context, "GFLOP/s"),
                timing.medianNanos() / 1e3);
    }

    private Timing time(Runnable run) {
        return Timing.of(run, nanos, nanos);
    }

    private float[] floats(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return values;
    }
}
