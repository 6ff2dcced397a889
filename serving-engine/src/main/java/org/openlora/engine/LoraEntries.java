package org.openlora.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.adapters.SlotTable;
import org.openlora.engine.scheduler.ScheduledStep;
import org.openlora.engine.scheduler.Sequence;
import org.openlora.kernels.LoraBatch;
import org.openlora.kernels.LoraSlot;

/// Which rows of a step use which adapters, one segment for each slot in digest order: a row's adapters then add up in
/// the same order in whatever company it runs.
///
/// A lease says in which slot an adapter stands, the slot table what stands there. The result is kept and given
/// again as long as the rows belong to the same sequences and the table is of the same epoch.
final class LoraEntries {
    /// An adapter that was loaded again stands in a slot of its own as long as the old one is leased.
    private static final Comparator<ResidentAdapter> ORDER =
            Comparator.comparing(ResidentAdapter::digest).thenComparingInt(ResidentAdapter::slot);

    private final SlotTable slots;
    private final List<Segment> segments = new ArrayList<>(); // [0, used) of this step, sorted
    private int used;
    private int entries;

    private LoraBatch batch = LoraBatch.none();
    private long epoch = -1; // that `batch` was made for; none at first
    private @Nullable Sequence[] sequences = {}; // [0, chunks) that `batch` was made for
    private int[] counts = {};
    private int chunks;

    LoraEntries(SlotTable slots) {
        this.slots = slots;
    }

    LoraBatch of(ScheduledStep step) {
        long now = slots.epoch(); // before the table is read
        if (now != epoch || !isMadeFor(step)) {
            make(step);
            epoch = now;
        }
        return batch;
    }

    /// Epoch of the slot table that the last batch was made from.
    long epoch() {
        return epoch;
    }

    /// Makes the next batch anew.
    void forget() {
        epoch = -1;
        Arrays.fill(sequences, null);
        chunks = 0;
        batch = LoraBatch.none();
    }

    private boolean isMadeFor(ScheduledStep step) {
        if (step.chunks().size() != chunks) {
            return false;
        }
        for (int i = 0; i < chunks; i++) {
            ScheduledStep.Chunk chunk = step.chunks().get(i);
            if (chunk.sequence() != sequences[i] || chunk.count() != counts[i]) {
                return false;
            }
        }
        return true;
    }

    private void make(ScheduledStep step) {
        used = 0;
        entries = 0;
        keep(step);
        int row = 0;
        for (int i = 0; i < chunks; i++) {
            ScheduledStep.Chunk chunk = step.chunks().get(i);
            add(chunk.sequence(), row, chunk.count());
            row += chunk.count();
        }
        batch = toBatch();
    }

    private void keep(ScheduledStep step) {
        Arrays.fill(sequences, null); // what has ended is not held on to
        chunks = step.chunks().size();
        if (sequences.length < chunks) {
            sequences = new Sequence[Math.max(chunks, 2 * sequences.length)];
            counts = new int[sequences.length];
        }
        for (int i = 0; i < chunks; i++) {
            sequences[i] = step.chunks().get(i).sequence();
            counts[i] = step.chunks().get(i).count();
        }
    }

    /// Rows come in ascending order. An empty slot adds nothing: the step's proof will find that it is missing.
    private void add(Sequence sequence, int firstRow, int count) {
        for (int place = 0; place < sequence.adapters().size(); place++) {
            ResidentAdapter leased = sequence.lease().adapters().get(place);
            ResidentAdapter there = slots.at(leased.slot());
            if (there != null) {
                segmentOf(leased, there.weights()).add(firstRow, count, sequence.scale(place));
                entries += count;
            }
        }
    }

    private LoraBatch toBatch() {
        if (entries == 0) {
            return LoraBatch.none();
        }
        int[] rows = new int[entries];
        float[] scales = new float[entries];
        int[] starts = new int[used + 1];
        LoraSlot[] weights = new LoraSlot[used];
        for (int i = 0; i < used; i++) {
            Segment segment = segments.get(i);
            System.arraycopy(segment.rows, 0, rows, starts[i], segment.size);
            System.arraycopy(segment.scales, 0, scales, starts[i], segment.size);
            weights[i] = segment.weights;
            starts[i + 1] = starts[i] + segment.size;
        }
        return new LoraBatch(rows, starts, weights, scales);
    }

    private Segment segmentOf(ResidentAdapter leased, LoraSlot weights) {
        int low = 0;
        int high = used;
        while (low < high) {
            int middle = (low + high) >>> 1;
            int order = ORDER.compare(segments.get(middle).leased, leased);
            if (order == 0) {
                return segments.get(middle);
            }
            if (order < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Segment segment = spare(leased, weights);
        segments.add(low, segment);
        used++;
        return segment;
    }

    private Segment spare(ResidentAdapter leased, LoraSlot weights) {
        if (used == segments.size()) {
            return new Segment(leased, weights);
        }
        Segment segment = segments.remove(used);
        segment.reuse(leased, weights);
        return segment;
    }

    /// One adapter's rows.
    private static final class Segment {
        private ResidentAdapter leased;
        private LoraSlot weights;
        private int[] rows = new int[16];
        private float[] scales = new float[16];
        private int size;

        Segment(ResidentAdapter leased, LoraSlot weights) {
            this.leased = leased;
            this.weights = weights;
        }

        void reuse(ResidentAdapter other, LoraSlot its) {
            leased = other;
            weights = its;
            size = 0;
        }

        void add(int firstRow, int count, float scale) {
            int end = size + count;
            if (end > rows.length) {
                int capacity = Math.max(end, 2 * rows.length);
                rows = Arrays.copyOf(rows, capacity);
                scales = Arrays.copyOf(scales, capacity);
            }
            for (int i = 0; i < count; i++) {
                rows[size + i] = firstRow + i;
            }
            Arrays.fill(scales, size, end, scale);
            size = end;
        }
    }
}
