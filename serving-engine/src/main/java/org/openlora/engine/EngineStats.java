package org.openlora.engine;

/// A moment of the engine, for metrics; the counts since start never fall.
public record EngineStats(
        int waitingRequests,
        int runningRequests,
        long steps,
        long promptTokens,
        long generatedTokens,
        long preemptions,
        int freeBlocks,
        int totalBlocks) {}
