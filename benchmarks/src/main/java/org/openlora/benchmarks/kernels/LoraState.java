package org.openlora.benchmarks.kernels;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openlora.kernels.Bf16;
import org.openlora.kernels.LoraBatch;
import org.openlora.kernels.LoraKernel;
import org.openlora.kernels.LoraLayout;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.LoraSlot;

/// Adapters on all seven projections of SmolLM2-135M's layers, as many layers as memory must hold. One operation
/// is one layer: its four LoRA points.
@State(Scope.Benchmark)
public abstract class LoraState extends KernelState {
    private static final int HIDDEN = 576;
    private static final int KEY_VALUE = 192;
    private static final int INTERMEDIATE = 1536;
    private static final List<LoraPoint> POINTS =
            List.of(LoraPoint.QKV, LoraPoint.O, LoraPoint.GATE_UP, LoraPoint.DOWN);

    /// How the adapters lie in memory.
    @Param("RANK_ROWS")
    LoraLayout layout = LoraLayout.RANK_ROWS;

    private LoraKernel kernel = new LoraKernel(pool, LoraLayout.RANK_ROWS);
    private LoraBatch batch = LoraBatch.none();
    private float[] x = {};
    private float[] y = {};
    private int layers;
    private int next;

    /// Rank of each adapter.
    abstract int[] ranks();

    /// Rows of the batch, shared evenly by the adapters.
    abstract int rows();

    @Override
    void prepare() {
        kernel = new LoraKernel(pool, layout);
        int adapters = ranks().length;
        layers = (int) Math.ceilDiv(STREAMED_BYTES, (long) weightsPerLayer() * Bf16.BYTES);
        LoraSlot[] slots = new LoraSlot[adapters];
        int[] starts = new int[adapters + 1];
        for (int s = 0; s < adapters; s++) {
            slots[s] = slot(ranks()[s]);
            starts[s + 1] = rows() * (s + 1) / adapters;
        }
        int[] entries = new int[rows()];
        Arrays.setAll(entries, row -> row);
        float[] scales = new float[rows()];
        Arrays.fill(scales, 1);
        batch = new LoraBatch(entries, starts, slots, scales);
        x = floats(rows() * INTERMEDIATE);
        y = new float[rows() * 2 * INTERMEDIATE];
    }

    @Override
    double bytesPerOperation() {
        return (double) weightsPerLayer() * Bf16.BYTES;
    }

    @Override
    double flopsPerOperation() {
        return 2.0 * weightsPerLayer() * rows() / ranks().length;
    }

    /// Adds the updates of one layer and goes on to the next.
    float[] addLayer() {
        for (LoraPoint point : POINTS) {
            kernel.apply(batch, next, point, x, inputs(point), y, outputs(point));
        }
        next = (next + 1) % layers;
        return y;
    }

    private int weightsPerLayer() {
        int perRank = POINTS.stream()
                .flatMap(point -> shapes(point).stream())
                .mapToInt(shape -> shape.inputs + shape.outputs)
                .sum();
        return Arrays.stream(ranks()).sum() * perRank;
    }

    private LoraSlot slot(int rank) {
        List<Map<LoraPoint, List<LoraModule>>> made = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            Map<LoraPoint, List<LoraModule>> modules = new EnumMap<>(LoraPoint.class);
            for (LoraPoint point : POINTS) {
                modules.put(
                        point,
                        shapes(point).stream().map(shape -> module(shape, rank)).toList());
            }
            made.add(modules);
        }
        return (layer, point) -> made.get(layer).getOrDefault(point, List.of());
    }

    private LoraModule module(Shape shape, int rank) {
        return LoraModule.write(
                layout,
                arena.allocate(LoraModule.bytesFor(rank, shape.inputs, shape.outputs), 64),
                0,
                floats(rank * shape.inputs),
                floats(shape.outputs * rank),
                rank,
                shape.inputs,
                shape.outputs,
                shape.outputOffset,
                1);
    }

    private static List<Shape> shapes(LoraPoint point) {
        return switch (point) {
            case QKV ->
                List.of(
                        new Shape(HIDDEN, HIDDEN, 0),
                        new Shape(HIDDEN, KEY_VALUE, HIDDEN),
                        new Shape(HIDDEN, KEY_VALUE, HIDDEN + KEY_VALUE));
            case O -> List.of(new Shape(HIDDEN, HIDDEN, 0));
            case GATE_UP -> List.of(new Shape(HIDDEN, INTERMEDIATE, 0), new Shape(HIDDEN, INTERMEDIATE, INTERMEDIATE));
            case DOWN -> List.of(new Shape(INTERMEDIATE, HIDDEN, 0));
            case EMBEDDING, LM_HEAD -> List.of();
        };
    }

    private static int inputs(LoraPoint point) {
        return shapes(point).getFirst().inputs;
    }

    private static int outputs(LoraPoint point) {
        Shape last = shapes(point).getLast();
        return last.outputOffset + last.outputs;
    }

    private record Shape(int inputs, int outputs, int outputOffset) {}
}
