package org.openlora.engine;

import org.openlora.adapters.SlotTable;
import org.openlora.engine.kv.BlockTable;
import org.openlora.engine.model.ForwardBatch;
import org.openlora.engine.scheduler.ScheduledStep;
import org.openlora.engine.scheduler.Sequence;
import org.openlora.kernels.AttentionBatch;

/// Lays out a scheduled step as rows for the forward pass. What it makes holds for that step.
final class BatchBuilder {
    private final int blockTokens;
    private final int slidingWindow;
    private final LoraEntries loraEntries;

    BatchBuilder(int blockTokens, int slidingWindow, SlotTable slots) {
        this.blockTokens = blockTokens;
        this.slidingWindow = slidingWindow;
        this.loraEntries = new LoraEntries(slots);
    }

    /// Epoch of the slot table that the last batch was made from.
    long slotEpoch() {
        return loraEntries.epoch();
    }

    /// Takes nothing of the last batch into the next.
    void forget() {
        loraEntries.forget();
    }

    /// @throws IllegalArgumentException if the step is empty
    ForwardBatch build(ScheduledStep step) {
        int rows = step.tokens();
        int[] tokens = new int[rows];
        int[] positions = new int[rows];
        int[] sequences = new int[rows];
        int[] slotMapping = new int[rows];
        int[][] blockTables = new int[step.chunks().size()][];
        int[] logitRows = new int[samples(step)];
        int row = 0;
        int logits = 0;
        for (int index = 0; index < step.chunks().size(); index++) {
            ScheduledStep.Chunk chunk = step.chunks().get(index);
            Sequence sequence = chunk.sequence();
            BlockTable table = sequence.blockTable();
            blockTables[index] = table.blocks();
            for (int position = chunk.start(); position < chunk.start() + chunk.count(); position++, row++) {
                tokens[row] = sequence.token(position);
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
                loraEntries.of(step),
                logitRows);
    }

    private static int samples(ScheduledStep step) {
        int samples = 0;
        for (ScheduledStep.Chunk chunk : step.chunks()) {
            samples += chunk.samples() ? 1 : 0;
        }
        return samples;
    }
}
