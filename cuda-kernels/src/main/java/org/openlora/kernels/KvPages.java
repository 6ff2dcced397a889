package org.openlora.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/// The memory of a paged KV cache: `blocks` blocks as [KvLayout] describes them, zero at first. Which block
/// belongs to which sequence is the caller's business.
public final class KvPages {
    private static final int ALIGNMENT_BYTES = 64;

    private final KvLayout layout;
    private final int blocks;
    private final MemorySegment memory;

    /// Allocates the pages in `arena`.
    public KvPages(Arena arena, KvLayout layout, int blocks) {
        this.layout = layout;
        this.blocks = Shapes.positive("blocks", blocks);
        this.memory = arena.allocate(Math.multiplyExact(layout.blockBytes(), (long) blocks), ALIGNMENT_BYTES);
    }

    /// Layout of each block.
    public KvLayout layout() {
        return layout;
    }

    /// Number of blocks.
    public int blocks() {
        return blocks;
    }

    /// Bytes held.
    public long sizeBytes() {
        return memory.byteSize();
    }

    /// Copies all keys and values of a block over those of another.
    public void copyBlock(int from, int to) {
        Objects.checkIndex(from, blocks);
        Objects.checkIndex(to, blocks);
        long bytes = layout.blockBytes();
        MemorySegment.copy(memory, from * bytes, memory, to * bytes, bytes);
    }

    MemorySegment memory() {
        return memory;
    }
}
