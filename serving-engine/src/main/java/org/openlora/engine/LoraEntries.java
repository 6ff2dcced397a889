package org.openlora.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.kernels.LoraBatch;
import org.openlora.kernels.LoraSlot;

/// Collects which rows of a step use which adapters, one segment for each adapter in digest order: a row's adapters
/// then add up in the same order in whatever company it runs. Reused from step to step.
final class LoraEntries {
    private final List<Segment> segments = new ArrayList<>(); // [0, used) of this step, sorted by digest
    private int used;
    private int entries;

    void clear() {
        used = 0;
        entries = 0;
    }

    /// Rows `firstRow` to `firstRow + count` use `adapter`; rows come in ascending order.
    void add(ResidentAdapter adapter, int firstRow, int count, float scale) {
        segmentOf(adapter).add(firstRow, count, scale);
        entries += count;
    }

    LoraBatch toBatch() {
        if (entries == 0) {
            return LoraBatch.none();
        }
        int[] rows = new int[entries];
        float[] scales = new float[entries];
        int[] starts = new int[used + 1];
        LoraSlot[] slots = new LoraSlot[used];
        for (int i = 0; i < used; i++) {
            Segment segment = segments.get(i);
            System.arraycopy(segment.rows, 0, rows, starts[i], segment.size);
            System.arraycopy(segment.scales, 0, scales, starts[i], segment.size);
            slots[i] = segment.adapter.weights();
            starts[i + 1] = starts[i] + segment.size;
        }
        return new LoraBatch(rows, starts, slots, scales);
    }

    private Segment segmentOf(ResidentAdapter adapter) {
        int low = 0;
        int high = used;
        while (low < high) {
            int middle = (low + high) >>> 1;
            int order = segments.get(middle).adapter.digest().compareTo(adapter.digest());
            if (order == 0) {
                return segments.get(middle);
            }
            if (order < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Segment segment = spare(adapter);
        segments.add(low, segment);
        used++;
        return segment;
    }

    private Segment spare(ResidentAdapter adapter) {
        if (used == segments.size()) {
            return new Segment(adapter);
        }
        Segment segment = segments.remove(used);
        segment.reuse(adapter);
        return segment;
    }

    /// One adapter's rows.
    private static final class Segment {
        private ResidentAdapter adapter;
        private int[] rows = new int[16];
        private float[] scales = new float[16];
        private int size;

        Segment(ResidentAdapter adapter) {
            this.adapter = adapter;
        }

        void reuse(ResidentAdapter other) {
            adapter = other;
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
