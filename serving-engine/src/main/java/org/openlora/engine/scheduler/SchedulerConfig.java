package org.openlora.engine.scheduler;

/// Bounds on what one step may hold and on how it is shared.
///
/// @param maxNumSeqs most sequences that run at once
/// @param maxNumBatchedTokens most rows of one step; a longer prompt is computed in chunks of that many
/// @param maxPrefillTokensBesideDecode most prompt rows of a step in which responses grow, too: bounds the time
///     between two tokens of a running response
/// @param maxOvertakes most later sequences of the same tenant that are admitted before a waiting one
/// @param prefixCaching whether computed blocks are kept and found again
public record SchedulerConfig(
        int maxNumSeqs,
        int maxNumBatchedTokens,
        int maxPrefillTokensBesideDecode,
        int maxOvertakes,
        boolean prefixCaching) {
    private static final int DEFAULT_OVERTAKES = 64;

    public SchedulerConfig {
        if (maxNumSeqs < 1 || maxNumBatchedTokens < maxNumSeqs) {
            throw new IllegalArgumentException("max_num_seqs " + maxNumSeqs + ", max_num_batched_tokens "
                    + maxNumBatchedTokens + ": allowed is at least 1, and at least as many tokens as sequences");
        }
        if (maxPrefillTokensBesideDecode < 1 || maxPrefillTokensBesideDecode > maxNumBatchedTokens) {
            throw new IllegalArgumentException("max_prefill_tokens_beside_decode is " + maxPrefillTokensBesideDecode
                    + ": allowed is 1 to max_num_batched_tokens, " + maxNumBatchedTokens);
        }
        if (maxOvertakes < 0) {
            throw new IllegalArgumentException("max_overtakes is " + maxOvertakes + ": allowed is 0 and more");
        }
    }

    /// With prefix caching, and prompts that may fill a whole step.
    public SchedulerConfig(int maxNumSeqs, int maxNumBatchedTokens) {
        this(maxNumSeqs, maxNumBatchedTokens, maxNumBatchedTokens, DEFAULT_OVERTAKES, true);
    }

    /// The same bounds, with that many prompt rows beside growing responses.
    public SchedulerConfig withPrefillTokensBesideDecode(int tokens) {
        return new SchedulerConfig(maxNumSeqs, maxNumBatchedTokens, tokens, maxOvertakes, prefixCaching);
    }

    /// The same bounds with another one on overtaking.
    public SchedulerConfig withMaxOvertakes(int overtakes) {
        return new SchedulerConfig(
                maxNumSeqs, maxNumBatchedTokens, maxPrefillTokensBesideDecode, overtakes, prefixCaching);
    }

    /// The same bounds, with or without prefix caching.
    public SchedulerConfig withPrefixCaching(boolean caching) {
        return new SchedulerConfig(
                maxNumSeqs, maxNumBatchedTokens, maxPrefillTokensBesideDecode, maxOvertakes, caching);
    }
}
