package org.openlora.engine.scheduler;

import java.util.List;

/// What one step computes: a run of consecutive tokens of each of some sequences.
///
/// @param chunks in the order of their rows in the batch
public record ScheduledStep(List<Chunk> chunks) {
    public ScheduledStep {
        chunks = List.copyOf(chunks);
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
        return chunks.stream().mapToInt(Chunk::count).sum();
    }
}
