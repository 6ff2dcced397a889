package org.openlora.engine.scheduler;

/// Bounds on what one step may hold.
///
/// @param maxNumSeqs most sequences that run at once
/// @param maxNumBatchedTokens most rows of one step; a longer prompt is computed in chunks of that many
public record SchedulerConfig(int maxNumSeqs, int maxNumBatchedTokens) {
    public SchedulerConfig {
        if (maxNumSeqs < 1 || maxNumBatchedTokens < maxNumSeqs) {
            throw new IllegalArgumentException("max_num_seqs " + maxNumSeqs + ", max_num_batched_tokens "
                    + maxNumBatchedTokens + ": allowed is at least 1, and at least as many tokens as sequences");
        }
    }
}
