package org.openlora.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.openlora.adapters.Digest;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.engine.kv.BlockTable;
import org.openlora.engine.model.ForwardBatch;
import org.openlora.engine.scheduler.ScheduledStep;
import org.openlora.engine.scheduler.Sequence;
import org.openlora.kernels.AttentionBatch;
import org.openlora.kernels.LoraBatch;
import org.openlora.kernels.LoraSlot;

/// Lays out a scheduled step as rows for the forward pass.
///
/// LoRA entries are sorted by adapter digest, so a row's adapters add up in the same order in whatever company it
/// runs.
final class BatchBuilder {
    private final int blockTokens;
    private final int slidingWindow;

    BatchBuilder(int blockTokens, int slidingWindow) {
        this.blockTokens = blockTokens;
        this.slidingWindow = slidingWindow;
    }

    /// @throws IllegalArgumentException if the step is empty
    ForwardBatch build(ScheduledStep step) {
        int rows = step.tokens();
        int[] tokens = new int[rows];
        int[] positions = new int[rows];
        int[] sequences = new int[rows];
        int[] slotMapping = new int[rows];
        int[][] blockTables = new int[step.chunks().size()][];
        int[] logitRows = new int[step.chunks().size()];
        int row = 0;
        int logits = 0;
        for (int index = 0; index < step.chunks().size(); index++) {
            ScheduledStep.Chunk chunk = step.chunks().get(index);
            BlockTable table = chunk.sequence().blockTable();
            blockTables[index] = table.toArray();
            for (int position = chunk.start(); position < chunk.start() + chunk.count(); position++, row++) {
                tokens[row] = chunk.sequence().token(position);
                positions[row] = position;
                sequences[row] = index;
                slotMapping[row] = table.slot(position, blockTokens);
            }
            if (chunk.samples()) {
                logitRows[logits++] = row - 1;
            }
        }
        return new ForwardBatch(
                tokens,
                slotMapping,
                new AttentionBatch(positions, sequences, blockTables, slidingWindow),
                loraBatch(step),
                Arrays.copyOf(logitRows, logits));
    }

    private static LoraBatch loraBatch(ScheduledStep step) {
        Map<Digest, Segment> segments = new TreeMap<>();
        int row = 0;
        for (ScheduledStep.Chunk chunk : step.chunks()) {
            Sequence sequence = chunk.sequence();
            for (int i = 0; i < sequence.adapters().size(); i++) {
                ResidentAdapter adapter = sequence.lease().adapters().get(i);
                segments.computeIfAbsent(adapter.digest(), digest -> new Segment(adapter.weights()))
                        .add(row, chunk.count(), sequence.adapters().get(i).scale());
            }
            row += chunk.count();
        }
        return flatten(List.copyOf(segments.values()));
    }

    private static LoraBatch flatten(List<Segment> segments) {
        int entries = segments.stream().mapToInt(segment -> segment.rows.size()).sum();
        int[] rows = new int[entries];
        float[] scales = new float[entries];
        int[] starts = new int[segments.size() + 1];
        LoraSlot[] slots = new LoraSlot[segments.size()];
        int at = 0;
        for (int i = 0; i < slots.length; i++) {
            Segment segment = segments.get(i);
            slots[i] = segment.slot;
            for (int entry = 0; entry < segment.rows.size(); entry++, at++) {
                rows[at] = segment.rows.get(entry);
                scales[at] = segment.scales.get(entry);
            }
            starts[i + 1] = at;
        }
        return new LoraBatch(rows, starts, slots, scales);
    }

    /// One adapter's rows.
    private static final class Segment {
        private final LoraSlot slot;
        private final List<Integer> rows = new ArrayList<>();
        private final List<Float> scales = new ArrayList<>();

        Segment(LoraSlot slot) {
            this.slot = slot;
        }

        void add(int firstRow, int count, float scale) {
            for (int i = 0; i < count; i++) {
                rows.add(firstRow + i);
                scales.add(scale);
            }
        }
    }
}
