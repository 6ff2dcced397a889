package org.openlora.engine.kv;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Bytes32;

/// Hands out the key/value cache's blocks and takes them back (PagedAttention, arXiv 2309.06180).
///
/// A block is counted by the tables that hold it, so tables may share one. A full block that was published by name
/// stays findable after the last table has let go of it, until its place is needed: it counts as free.
/// Owned by the engine thread.
public final class BlockManager {
    /// What [#admit] returns where too few blocks are free.
    public static final int NO_ROOM = -1;

    private final int blockTokens;
    private final int[] references;
    private final int[] free; // a stack: free[0 .. freeCount), without the idle blocks of the cache
    private final PrefixCache cache;
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
        this.cache = new PrefixCache(blocks);
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

    /// Blocks that no table holds, cached ones among them.
    public int freeBlocks() {
        return freeCount + cache.idle();
    }

    /// Of the free blocks, those that can be found by name.
    public int cachedBlocks() {
        return cache.idle();
    }

    /// Blocks that `tokens` tokens fill.
    public int blocksFor(int tokens) {
        return Math.ceilDiv(tokens, blockTokens);
    }

    /// Gives an empty table room for `tokens` tokens, all or nothing: first the blocks published under `names`, as
    /// far as they are found, then new ones.
    ///
    /// @return tokens that are found computed, or [#NO_ROOM] and nothing is changed
    public int admit(BlockTable table, List<Bytes32> names, int tokens) {
        int found = 0;
        int wakened = 0;
        while (found < names.size()) {
            int block = cache.find(names.get(found));
            if (block < 0) {
                break;
            }
            wakened += references[block] == 0 ? 1 : 0;
            found++;
        }
        if (blocksFor(tokens) - found > freeBlocks() - wakened) {
            return NO_ROOM;
        }
        for (int i = 0; i < found; i++) {
            int block = cache.find(names.get(i));
            hold(block);
            table.append(block);
        }
        if (!reserve(table, tokens)) {
            throw new IllegalStateException("counted room for " + tokens + " tokens is not there");
        }
        return found * blockTokens;
    }

    /// Extends `table` until it holds `tokens` tokens, all or nothing.
    ///
    /// @return false, and nothing is changed, if too few blocks are free
    public boolean reserve(BlockTable table, int tokens) {
        int missing = blocksFor(tokens) - table.size();
        if (missing > freeBlocks()) {
            return false;
        }
        for (int i = 0; i < missing; i++) {
            table.append(take());
        }
        return true;
    }

    /// Makes the empty table `to` hold all blocks of `from`, too. Whoever writes into the last one, if it is not
    /// full, has to [#detach] it first.
    public void share(BlockTable from, BlockTable to) {
        for (int i = 0; i < from.size(); i++) {
            hold(from.block(i));
            to.append(from.block(i));
        }
    }

    /// Whether another table holds block `index` of `table`, too.
    public boolean isShared(BlockTable table, int index) {
        return references[table.block(index)] > 1;
    }

    /// Gives `table` a block of its own in place of a shared one (copy-on-write).
    ///
    /// @return what is to be copied before anything is written there; null, and nothing is changed, if no block is
    ///     free
    public @Nullable BlockCopy detach(BlockTable table, int index) {
        if (freeBlocks() == 0) {
            return null;
        }
        int shared = table.block(index);
        int own = take();
        references[shared]--;
        table.replace(index, own);
        return new BlockCopy(shared, own);
    }

    /// Makes a full, computed block findable by name.
    public void publish(BlockTable table, int index, Bytes32 name) {
        cache.put(name, table.block(index));
    }

    /// Makes no block findable by name any more; idle ones become plain free blocks.
    public void forgetNames() {
        while (cache.idle() > 0) {
            free[freeCount++] = cache.evict();
        }
        cache.forgetHeld();
    }

    /// Lets go of all of a table's blocks, the last first, so that of a cached prefix the beginning stays longest.
    public void release(BlockTable table) {
        for (int i = table.size() - 1; i >= 0; i--) {
            int block = table.block(i);
            if (references[block] < 1) {
                throw new IllegalStateException("block " + block + " is released but nobody holds it");
            }
            if (--references[block] == 0) {
                if (cache.knows(block)) {
                    cache.rest(block);
                } else {
                    free[freeCount++] = block;
                }
            }
        }
        table.clear();
    }

    private void hold(int block) {
        if (references[block]++ == 0) {
            cache.wake(block);
        }
    }

    private int take() {
        int block = freeCount > 0 ? free[--freeCount] : cache.evict();
        references[block] = 1;
        return block;
    }

    /// Throws [IllegalStateException] unless every block is free once, cached once or held by exactly the given
    /// tables.
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
            if (seen[free[i]] || references[free[i]] != 0 || cache.knows(free[i])) {
                throw new IllegalStateException("block " + free[i] + " is on the free list twice, cached or in use");
            }
            seen[free[i]] = true;
        }
        cache.checkIntegrity(references);
        long used = Arrays.stream(references).filter(count -> count > 0).count();
        if (used + freeBlocks() != references.length) {
            throw new IllegalStateException(
                    used + " used + " + freeBlocks() + " free blocks are not all " + references.length);
        }
    }
}
