package org.openlora.engine.kv;

import java.util.Arrays;

/// The blocks that hold one sequence's keys and values, in the order of its tokens. Owned by the engine thread.
public final class BlockTable {
    private int[] blocks = new int[8];
    private int size;

    /// Number of blocks.
    public int size() {
        return size;
    }

    public int block(int index) {
        if (index >= size) {
            throw new IndexOutOfBoundsException("block " + index + " of " + size);
        }
        return blocks[index];
    }

    /// The blocks for the kernels of one step: not a copy, may be longer than [#size], and holds until the table
    /// changes.
    public int[] blocks() {
        return blocks;
    }

    /// Where token `position` is kept: block id times the block's tokens, plus its place within.
    public int slot(int position, int blockTokens) {
        return block(position / blockTokens) * blockTokens + position % blockTokens;
    }

    void append(int block) {
        if (size == blocks.length) {
            blocks = Arrays.copyOf(blocks, size * 2);
        }
        blocks[size++] = block;
    }

    void replace(int index, int block) {
        blocks[index] = block;
    }

    void clear() {
        size = 0;
    }
}
