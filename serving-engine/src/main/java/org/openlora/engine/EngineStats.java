package org.openlora.engine;

/// A moment of the engine, for metrics; the counts since start never fall.
///
/// @param waitingRequests answers that wait for their turn
/// @param runningRequests answers that take part in steps
/// @param promptTokens computed, also again after a preemption
/// @param cachedTokens prompt tokens that were found in the prefix cache instead
/// @param wrongSlots answers stopped because a slot held other weights than those leased there
/// @param wrongRows answers stopped because their rows were computed with other adapters than they asked for
/// @param corruptWeights answers stopped because an adapter's weights had changed in memory
/// @param freeBlocks key/value blocks that no answer holds, cached ones among them
/// @param cachedBlocks free blocks whose content can still be found
public record EngineStats(
        int waitingRequests,
        int runningRequests,
        long steps,
        long promptTokens,
        long cachedTokens,
        long generatedTokens,
        long preemptions,
        long wrongSlots,
        long wrongRows,
        long corruptWeights,
        int freeBlocks,
        int cachedBlocks,
        int totalBlocks) {}
