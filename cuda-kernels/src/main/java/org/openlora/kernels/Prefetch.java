package org.openlora.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Brings memory into the cache ahead of a kernel that is slow to ask for it.
///
/// A kernel that computes between its loads fills the processor's window with arithmetic, so only few cache lines
/// are under way at once and memory's latency shows. Java has no prefetch instruction; reading one number of each
/// line, with nothing in between, has as many lines under way as the processor allows. One thread's.
final class Prefetch {
    private static final int LINE_BYTES = 64;

    private int sum;

    /// Reads one number of each cache line of `[at, at + bytes)`.
    void read(MemorySegment memory, long at, long bytes) {
        int lines = 0;
        for (long line = 0; line < bytes; line += LINE_BYTES) {
            lines += memory.get(ValueLayout.JAVA_BYTE, at + line);
        }
        sum += lines;
    }

    /// Sum of the numbers read: a result, lest the reads be optimised away.
    int sum() {
        return sum;
    }
}
