package org.openlora.kernels;

import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;

import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;

/// Scales the base's own results as weight-decomposed adapters ask for ([DoraScale]), before the low-rank updates
/// are added: `y[row][j] += y[row][j] · Σₑ scales[e] · change[e][j]` over the row's entries `e`.
///
/// **Order.** A row's changes are added up in the order of the segments, which is that of adapter digests, before
/// they touch `y`: each is a change of the base's result, not of what another adapter made of it. Outputs are worked
/// on one by one, so a row's bits depend on its own adapters alone. Rows without such an adapter are not touched.
///
/// Used by one thread at a time; allocates nothing once its scratch memory has grown to the largest batch.
public final class DoraKernel {
    /// Outputs of which a thread adds up the changes at a time.
    private static final int BLOCK = 256;
    /// Least floats of a task: about as long in coming as another thread is in noticing.
    private static final int FLOATS_PER_TASK = 4 * 1024;

    private static final int TASKS_PER_THREAD = 4;

    private final WorkerPool pool;
    private final WorkerPool.Task scaleRows = this::scaleRows;
    private float[] changes = {}; // per task [BLOCK]

    // The entries that scale, those of a row beside each other and in the order of their segments.
    private int[] rowOf = new int[16]; // per distinct row
    private int[] starts = new int[17]; // per distinct row, its first entry; and at the end their number
    private int[] cursors = new int[16]; // per row of the batch
    private LoraSlot[] slots = new LoraSlot[16];
    private float[] factors = new float[16];
    private int rows;

    // Operands of the call in progress.
    private int layer;
    private LoraPoint point = LoraPoint.QKV;
    private float[] y = {};
    private int outputs;
    private int tasks;

    /// A kernel that runs on `pool` where the batch is large enough.
    public DoraKernel(WorkerPool pool) {
        this.pool = pool;
    }

    /// Scales the rows of `y` that entries of `batch` name, where their adapters do so at this point.
    ///
    /// @param y `[·, outputs]`, the base's results without bias
    /// @param outputs width of the point's stacked outputs
    /// @throws IllegalArgumentException if a row is missing from `y`, or a scale does not fit the point
    public void apply(LoraBatch batch, int layer, LoraPoint point, float[] y, int outputs) {
        Shapes.positive("outputs", outputs);
        if (!collect(batch, layer, point, outputs)) {
            return;
        }
        if (batch.lastRow() >= y.length / outputs) {
            throw new IllegalArgumentException("entry names row " + batch.lastRow() + " of y [" + y.length / outputs
                    + ", " + outputs + "]");
        }
        this.layer = layer;
        this.point = point;
        this.y = y;
        this.outputs = outputs;
        long floats = (long) rows * outputs;
        tasks = Math.clamp(floats / FLOATS_PER_TASK, 1, Math.min(rows, pool.threads() * TASKS_PER_THREAD));
        if (changes.length < tasks * BLOCK) {
            changes = new float[tasks * BLOCK];
        }
        if (tasks == 1) {
            scaleRows(0);
        } else {
            pool.run(tasks, scaleRows);
        }
    }

    /// Sorts the entries that scale by row, keeping the order of their segments; false where there is none.
    private boolean collect(LoraBatch batch, int layer, LoraPoint point, int outputs) {
        int span = batch.lastRow() + 1;
        if (cursors.length < span) {
            cursors = new int[Math.max(span, 2 * cursors.length)];
        }
        Arrays.fill(cursors, 0, span, 0);
        int count = 0;
        for (int s = 0; s < batch.segments(); s++) {
            int first = batch.segmentStarts()[s];
            int end = batch.segmentStarts()[s + 1];
            List<DoraScale> ofSlot = first == end ? List.of() : batch.slots()[s].scales(layer, point);
            if (ofSlot.isEmpty()) {
                continue;
            }
            for (int i = 0; i < ofSlot.size(); i++) {
                check(ofSlot.get(i), layer, point, outputs);
            }
            for (int e = first; e < end; e++) {
                cursors[batch.rows()[e]]++;
            }
            count += end - first;
        }
        if (count == 0) {
            return false;
        }
        grow(count);
        layOutRows(span);
        for (int s = 0; s < batch.segments(); s++) {
            int first = batch.segmentStarts()[s];
            int end = batch.segmentStarts()[s + 1];
            List<DoraScale> ofSlot = first == end ? List.of() : batch.slots()[s].scales(layer, point);
            for (int e = first; e < end && !ofSlot.isEmpty(); e++) {
                int at = cursors[batch.rows()[e]]++;
                slots[at] = batch.slots()[s];
                factors[at] = batch.scales()[e];
            }
        }
        return true;
    }

    /// Turns the counts per row into where each row's entries begin.
    private void layOutRows(int span) {
        rows = 0;
        int at = 0;
        for (int row = 0; row < span; row++) {
            int entries = cursors[row];
            if (entries > 0) {
                rowOf[rows] = row;
                starts[rows++] = at;
                cursors[row] = at;
                at += entries;
            }
        }
        starts[rows] = at;
    }

    private void grow(int count) {
        if (factors.length < count) {
            int size = Math.max(count, 2 * factors.length);
            rowOf = new int[size];
            starts = new int[size + 1];
            slots = new LoraSlot[size];
            factors = new float[size];
        }
    }

    private static void check(DoraScale scale, int layer, LoraPoint point, int outputs) {
        if ((long) scale.outputOffset() + scale.outputs() > outputs) {
            throw new IllegalArgumentException("DoRA scale [" + scale.outputs() + " from " + scale.outputOffset()
                    + "] does not fit layer " + layer + " " + point + " [" + outputs + "]");
        }
    }

    private void scaleRows(int task) {
        int end = (int) ((long) rows * (task + 1) / tasks);
        for (int i = (int) ((long) rows * task / tasks); i < end; i++) {
            for (int from = 0; from < outputs; from += BLOCK) {
                scaleBlock(i, from, Math.min(from + BLOCK, outputs), task * BLOCK);
            }
        }
    }

    /// Outputs `[from, to)` of the `i`-th row; the sum of their changes stands at `at` of the scratch memory.
    private void scaleBlock(int i, int from, int to, int at) {
        boolean changed = false;
        for (int e = starts[i]; e < starts[i + 1]; e++) {
            List<DoraScale> scales = slots[e].scales(layer, point);
            for (int s = 0; s < scales.size(); s++) {
                DoraScale scale = scales.get(s);
                int first = Math.max(from, scale.outputOffset());
                int end = Math.min(to, scale.outputOffset() + scale.outputs());
                if (first < end) {
                    if (!changed) {
                        Arrays.fill(changes, at, at + to - from, 0);
                        changed = true;
                    }
                    addChanges(scale, first - scale.outputOffset(), end - first, factors[e], at + first - from);
                }
            }
        }
        if (changed) {
            scale(rowOf[i] * outputs + from, to - from, at);
        }
    }

    private void addChanges(DoraScale scale, int first, int count, float factor, int at) {
        long offset = scale.offsetBytes() + (long) first * Float.BYTES;
        int j = 0;
        for (; j + COUNT <= count; j += COUNT) {
            FloatVector.fromMemorySegment(
                            FLOATS, scale.weights(), offset + (long) j * Float.BYTES, ByteOrder.LITTLE_ENDIAN)
                    .fma(FloatVector.broadcast(FLOATS, factor), FloatVector.fromArray(FLOATS, changes, at + j))
                    .intoArray(changes, at + j);
        }
        for (; j < count; j++) {
            float change = scale.weights().get(DoraScale.F32, offset + (long) j * Float.BYTES);
            changes[at + j] = Math.fma(change, factor, changes[at + j]);
        }
    }

    private void scale(int yAt, int count, int at) {
        int j = 0;
        for (; j + COUNT <= count; j += COUNT) {
            FloatVector result = FloatVector.fromArray(FLOATS, y, yAt + j);
            result.fma(FloatVector.fromArray(FLOATS, changes, at + j), result).intoArray(y, yAt + j);
        }
        for (; j < count; j++) {
            y[yAt + j] = Math.fma(y[yAt + j], changes[at + j], y[yAt + j]);
        }
    }
}
