package org.openlora.benchmarks.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openlora.benchmarks.machine.Peak;
import org.openlora.kernels.Bf16;
import org.openlora.kernels.DotKernel;
import org.openlora.kernels.LinearKernel;
import org.openlora.kernels.PackedMatrix;
import org.openlora.kernels.PanelKernel;
import org.openlora.kernels.WorkerPool;

/// One dense layer in as many copies as memory must hold, and rows to multiply by it.
@State(Scope.Benchmark)
public abstract class DenseState extends KernelState {
    /// Whose product is measured.
    public enum Path {
        PANEL,
        DOT;

        LinearKernel kernel(WorkerPool pool) {
            return switch (this) {
                case PANEL -> new PanelKernel(pool);
                case DOT -> new DotKernel(pool);
            };
        }
    }

    /// `DOT` needs a processor with AVX-512-bf16.
    @Param("PANEL")
    Path path = Path.PANEL;

    private LinearKernel kernel = Path.PANEL.kernel(pool);
    private PackedMatrix[] copies = {};
    private float[] x = {};
    private float[] y = {};
    private int next;

    abstract DenseLayer layer();

    abstract int rows();

    @Override
    void prepare() {
        int outputs = layer().outputs;
        int inputs = layer().inputs;
        kernel = path.kernel(pool);
        long bytes = (long) outputs * inputs * Bf16.BYTES;
        MemorySegment weights = arena.allocate(bytes, 64);
        for (long at = 0; at < bytes; at += Bf16.BYTES) {
            weights.set(ValueLayout.JAVA_SHORT, at, Bf16.fromFloat((float) random.nextDouble(-1, 1)));
        }
        copies = new PackedMatrix[(int) Math.max(2, (STREAMED_BYTES + bytes - 1) / bytes)];
        for (int i = 0; i < copies.length; i++) {
            copies[i] = kernel.pack(arena, weights, outputs, inputs);
        }
        x = floats(rows() * inputs);
        y = new float[rows() * outputs];
    }

    @Override
    double bytesPerOperation() {
        return (double) layer().outputs * layer().inputs * Bf16.BYTES;
    }

    @Override
    double flopsPerOperation() {
        return 2.0 * rows() * layer().outputs * layer().inputs;
    }

    @Override
    Peak peak() {
        return path == Path.DOT ? Peak.BF16 : Peak.F32;
    }

    float[] multiply() {
        kernel.multiply(copies[next], x, rows(), y);
        next = (next + 1) % copies.length;
        return y;
    }
}
