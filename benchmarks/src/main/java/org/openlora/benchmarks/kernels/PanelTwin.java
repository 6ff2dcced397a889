package org.openlora.benchmarks.kernels;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;
import org.openlora.benchmarks.machine.NativeCode;
import org.openlora.kernels.Lanes;
import org.openlora.kernels.WorkerPool;

/// The dense layers' inner loops in C (`panel_twin.c`), shared out over the same threads as the Java ones.
final class PanelTwin implements AutoCloseable {
    private static final int TASKS_PER_THREAD = 4;
    private static final FunctionDescriptor GEMV = FunctionDescriptor.ofVoid(
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.ADDRESS,
            ValueLayout.ADDRESS);
    private static final FunctionDescriptor GEMM = FunctionDescriptor.ofVoid(
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG);

    private final NativeCode code;
    private final MethodHandle gemv;
    private final MethodHandle gemm;

    private PanelTwin(NativeCode code) {
        this.code = code;
        gemv = code.function("panel_gemv", GEMV);
        gemm = code.function("panel_gemm", GEMM);
    }

    /// Empty where there is no C compiler.
    static Optional<PanelTwin> compile() {
        return NativeCode.compile("panel_twin.c", List.of("-DLANES=" + lanes())).map(PanelTwin::new);
    }

    /// Outputs of one panel.
    static int panelOutputs() {
        return 2 * lanes();
    }

    /// Multiplies `rows` rows by a matrix of whole panels.
    ///
    /// @param weights `[outputs / panelOutputs][inputs][lanes]` words of two bf16
    /// @param x `[rows, inputs]` floats, in the order that `panel_twin.c` wants
    /// @param y `[rows, outputs]` floats
    void multiply(
            WorkerPool pool, MemorySegment weights, DenseLayer layer, MemorySegment x, int rows, MemorySegment y) {
        int panels = layer.outputs / panelOutputs();
        int tasks = Math.min(panels, TASKS_PER_THREAD * pool.threads());
        long panelBytes = (long) layer.inputs * lanes() * Integer.BYTES;
        pool.run(tasks, task -> {
            int first = (int) ((long) panels * task / tasks);
            int count = (int) ((long) panels * (task + 1) / tasks) - first;
            MemorySegment part = weights.asSlice(first * panelBytes);
            MemorySegment out = y.asSlice((long) first * panelOutputs() * Float.BYTES);
            call(part, count, layer, x, rows, out);
        });
    }

    @Override
    public void close() {
        code.close();
    }

    private void call(
            MemorySegment weights, long panels, DenseLayer layer, MemorySegment x, long rows, MemorySegment y) {
        try {
            if (rows == 1) {
                gemv.invokeExact(weights, panels, (long) layer.inputs, x, y);
            } else {
                gemm.invokeExact(weights, panels, (long) layer.inputs, x, rows, y, (long) layer.outputs);
            }
        } catch (Throwable e) {
            throw new IllegalStateException("panel_twin.c failed", e);
        }
    }

    private static int lanes() {
        return Lanes.bits() / Float.SIZE;
    }
}
