package org.openlora.engine.kv;

import java.util.Arrays;

/// Hands out the key/value cache's blocks and takes them back (PagedAttention, arXiv 2309.06180).
///
/// A block is counted by the tables that hold it, so that tables may share one; it is free again when the last
/// lets go. Owned by the engine thread.
public final class BlockManager {
    private final int blockTokens;
    private final int[] references;
    private final int[] free; // a stack: free[0 .. freeCount)
    private int freeCount;

    /// @throws IllegalArgumentException if there is not one block
    public BlockManager(int blocks, int blockTokens) {
        if (blocks < 1 || blockTokens < 1) {
            throw new IllegalArgumentException(
                    blocks + " blocks of " + blockTokens + " tokens: at least one block of one token is needed");
        }
        this.blockTokens = blockTokens;
        this.references = new int[blocks];
        this.free = new int[blocks];
        this.freeCount = blocks;
        for (int i = 0; i < blocks; i++) {
            free[i] = blocks - 1 - i; // the lowest block is handed out first
        }
    }

    public int blockTokens() {
        return blockTokens;
    }

    public int totalBlocks() {
        return references.length;
    }

    public int freeBlocks() {
        return freeCount;
    }

    /// Blocks that `tokens` tokens fill.
    public int blocksFor(int tokens) {
        return Math.ceilDiv(tokens, blockTokens);
    }

    /// Extends `table` until it holds `tokens` tokens, all or nothing.
    ///
    /// @return false, and nothing is changed, if too few blocks are free
    public boolean reserve(BlockTable table, int tokens) {
        int missing = blocksFor(tokens) - table.size();
        if (missing > freeCount) {
            return false;
        }
        for (int i = 0; i < missing; i++) {
            int block = free[--freeCount];
            references[block] = 1;
            table.append(block);
        }
        return true;
    }

    /// Lets go of all of a table's blocks.
    public void release(BlockTable table) {
        for (int i = table.size() - 1; i >= 0; i--) {
            int block = table.block(i);
            if (references[block] < 1) {
                throw new IllegalStateException("block " + block + " is released but nobody holds it");
            }
            if (--references[block] == 0) {
                free[freeCount++] = block;
            }
        }
        table.clear();
    }

    /// Throws [IllegalStateException] unless every block is either free once or held by exactly the given tables.
    public void checkIntegrity(Iterable<BlockTable> tables) {
        int[] counted = new int[references.length];
        for (BlockTable table : tables) {
            for (int i = 0; i < table.size(); i++) {
                counted[table.block(i)]++;
            }
        }
        if (!Arrays.equals(counted, references)) {
            throw new IllegalStateException(
                    "references " + Arrays.toString(references) + " but tables hold " + Arrays.toString(counted));
        }
        boolean[] seen = new boolean[references.length];
        for (int i = 0; i < freeCount; i++) {
            if (seen[free[i]] || references[free[i]] != 0) {
                throw new IllegalStateException("block " + free[i] + " is on the free list twice or in use");
            }
            seen[free[i]] = true;
        }
        long used = Arrays.stream(references).filter(count -> count > 0).count();
        if (used + freeCount != references.length) {
            throw new IllegalStateException(
                    used + " used + " + freeCount + " free blocks are not all " + references.length);
        }
    }
}
