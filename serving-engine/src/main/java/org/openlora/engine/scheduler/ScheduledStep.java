package org.openlora.engine.scheduler;

import java.util.List;
import org.openlora.engine.kv.BlockCopy;

/// What one step computes: a run of consecutive tokens of each of some sequences.
///
/// @param chunks in the order of their rows in the batch
/// @param copies to be made, in this order, before the rows are computed
public record ScheduledStep(List<Chunk> chunks, List<BlockCopy> copies) {
    public ScheduledStep {
        chunks = List.copyOf(chunks);
        copies = List.copyOf(copies);
    }

    /// Tokens `start` to `start + count` of a sequence.
    public record Chunk(Sequence sequence, int start, int count) {
        public Chunk {
            if (count < 1 || start < 0 || start + count > sequence.length()) {
                throw new IllegalArgumentException(
                        "tokens " + start + " to " + (start + count) + " of " + sequence.length());
            }
        }

        /// Whether the chunk reaches the end of the sequence, so that its last row's logits give the next token.
        public boolean samples() {
            return start + count == sequence.length();
        }
    }

    public boolean isEmpty() {
        return chunks.isEmpty();
    }

    /// Rows of the batch.
    public int tokens() {
        int tokens = 0;
        for (Chunk chunk : chunks) {
            tokens += chunk.count();
        }
        return tokens;
    }
}
