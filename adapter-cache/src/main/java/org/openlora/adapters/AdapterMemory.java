package org.openlora.adapters;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Memory for the weights of one adapter, handed out in blocks. Ahead of each block stands a header that holds the
/// adapter's [tag][Digest#tag], so that whoever reads weights can prove whose they are.
public interface AdapterMemory {
    /// Blocks begin at a multiple of this: a cache line, and the widest vector.
    int ALIGNMENT_BYTES = 64;

    /// Bytes ahead of a block.
    int HEADER_BYTES = ALIGNMENT_BYTES;

    /// A block of exactly `bytes`, at a multiple of [#ALIGNMENT_BYTES]. What it holds is left from others: the caller
    /// writes all of it.
    ///
    /// Called once for each pair of matrices while they are written, as this is where a load may be made to pause.
    /// Throws [IllegalStateException] where more is asked for than [AdapterSource#size] announced.
    MemorySegment allocate(long bytes);

    /// The tag, read from the header ahead of the first block.
    long tag();

    /// Memory that lives as long as `arena`, of any size.
    static AdapterMemory in(Arena arena, Digest adapter) {
        return new ArenaMemory(arena, adapter);
    }
}
