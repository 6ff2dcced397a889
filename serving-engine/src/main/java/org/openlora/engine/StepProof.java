package org.openlora.engine;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.adapters.SlotTable;
import org.openlora.engine.scheduler.ScheduledStep;
import org.openlora.engine.scheduler.Sequence;
import org.openlora.kernels.LoraBatch;
import org.openlora.kernels.LoraSlot;

/// Proves which weights served each row of a step, after it ran and before anything of it is used.
///
/// First the batch that the kernels were given is read back, segment by segment: the tag that stands in memory beside
/// the weights, and the scale, of each entry of each row. Then every row is compared with what its sequence asked for,
/// in the order in which deltas are added. So the proof shares neither code nor data with [LoraEntries], which made the
/// batch from leases and slot numbers. A slot table that changed meanwhile is asked again for every leased slot, and
/// weights that are known to be corrupt fail the rows that used them.
///
/// Reused from step to step, without garbage once it has grown; owned by the engine thread.
final class StepProof {
    private final SlotTable slots;
    private long[] tags = {}; // [row][place], as read from memory
    private float[] scales = {}; // [row][place]
    private int[] entries = {}; // by row
    private @Nullable WeightFault[] faults = {}; // by chunk
    private int[] lastRows = {}; // by chunk
    private int places; // most adapters of a row of this step

    StepProof(SlotTable slots) {
        this.slots = slots;
    }

    /// @param batch what the kernels were given for the step's rows
    /// @param epoch of the slot table when `batch` was made
    /// @return whether every row was served by what it asked for; otherwise [#fault] says which were not
    boolean check(ScheduledStep step, LoraBatch batch, long epoch) {
        reset(step);
        read(batch, step.tokens());
        boolean changed = slots.epoch() != epoch;
        boolean proven = true;
        int row = 0;
        for (int index = 0; index < step.chunks().size(); index++) {
            ScheduledStep.Chunk chunk = step.chunks().get(index);
            WeightFault fault = fault(chunk.sequence(), row, chunk.count(), changed);
            row += chunk.count();
            faults[index] = fault;
            lastRows[index] = row - 1;
            proven &= fault == null;
        }
        return proven;
    }

    /// What is wrong with the chunk at `index` of the step; null if nothing.
    @Nullable
    WeightFault fault(int index) {
        return faults[index];
    }

    /// The row that the next token of the chunk at `index` is drawn from.
    int lastRow(int index) {
        return lastRows[index];
    }

    /// How many adapters served a row.
    int adapters(int row) {
        return entries[row];
    }

    /// Tag of the adapter that served a row at `place` of its adapters, in the order in which they were added.
    long tag(int row, int place) {
        return tags[row * places + place];
    }

    private void reset(ScheduledStep step) {
        int rows = step.tokens();
        int chunks = step.chunks().size();
        places = 0;
        for (int index = 0; index < chunks; index++) {
            places = Math.max(
                    places, step.chunks().get(index).sequence().adapters().size());
        }
        if (entries.length < rows) {
            entries = new int[Math.max(rows, 2 * entries.length)];
        } else {
            Arrays.fill(entries, 0, rows, 0);
        }
        if (tags.length < rows * places) {
            tags = new long[rows * places];
            scales = new float[rows * places];
        }
        if (faults.length < chunks) {
            faults = new WeightFault[chunks];
            lastRows = new int[chunks];
        }
    }

    private void read(LoraBatch batch, int rows) {
        LoraSlot[] weights = batch.slots();
        for (int segment = 0; segment < weights.length; segment++) {
            int first = batch.segmentStarts()[segment];
            int end = batch.segmentStarts()[segment + 1];
            long tag = first == end ? 0 : weights[segment].tag();
            for (int entry = first; entry < end; entry++) {
                int row = batch.rows()[entry];
                if (row < rows) { // one beyond them serves nobody, and is missing where it belongs
                    int place = entries[row]++;
                    if (place < places) {
                        tags[row * places + place] = tag;
                        scales[row * places + place] = batch.scales()[entry];
                    }
                }
            }
        }
    }

    private @Nullable WeightFault fault(Sequence sequence, int firstRow, int count, boolean changed) {
        if (!sequence.lease().isSound()) {
            return WeightFault.CORRUPT_WEIGHTS;
        }
        boolean served = true;
        for (int row = firstRow; served && row < firstRow + count; row++) {
            served = isServed(sequence, row);
        }
        if (served && !changed) {
            return null;
        }
        if (!stands(sequence)) {
            return WeightFault.WRONG_SLOT;
        }
        return served ? null : WeightFault.WRONG_ROWS;
    }

    private boolean isServed(Sequence sequence, int row) {
        int wanted = sequence.adapters().size();
        if (entries[row] != wanted) {
            return false;
        }
        for (int place = 0; place < wanted; place++) {
            if (tags[row * places + place] != sequence.tag(place)
                    || scales[row * places + place] != sequence.scale(place)) {
                return false;
            }
        }
        return true;
    }

    /// Whether the slots that a sequence has leased hold what it asked for.
    private boolean stands(Sequence sequence) {
        for (int place = 0; place < sequence.adapters().size(); place++) {
            ResidentAdapter there =
                    slots.at(sequence.lease().adapters().get(place).slot());
            if (there == null || there.weights().tag() != sequence.tag(place)) {
                return false;
            }
        }
        return true;
    }
}
