package org.openlora.engine.kv;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Bytes32;

/// Which full blocks can be found again by name, and in which order the idle ones of them, held by no table, are
/// given up: least recently used first. Owned by the [BlockManager].
final class PrefixCache {
    private static final int NONE = -1;

    private final Map<Bytes32, Integer> byName = new HashMap<>();
    private final @Nullable Bytes32[] names; // by block
    private final int[] before; // idle blocks as a list, oldest first
    private final int[] after;
    private int oldest = NONE;
    private int newest = NONE;
    private int idle;

    PrefixCache(int blocks) {
        names = new Bytes32[blocks];
        before = new int[blocks];
        after = new int[blocks];
        Arrays.fill(before, NONE);
        Arrays.fill(after, NONE);
    }

    /// The block of that name, or -1.
    int find(Bytes32 name) {
        Integer block = byName.get(name);
        return block == null ? NONE : block;
    }

    /// Makes a block known, unless another of the same content is.
    void put(Bytes32 name, int block) {
        if (names[block] == null && byName.putIfAbsent(name, block) == null) {
            names[block] = name;
        }
    }

    boolean knows(int block) {
        return names[block] != null;
    }

    /// Blocks that nobody holds.
    int idle() {
        return idle;
    }

    /// The last table lets go of a block that is known.
    void rest(int block) {
        before[block] = newest;
        after[block] = NONE;
        if (newest == NONE) {
            oldest = block;
        } else {
            after[newest] = block;
        }
        newest = block;
        idle++;
    }

    /// A table takes hold of an idle block.
    void wake(int block) {
        if (before[block] == NONE) {
            oldest = after[block];
        } else {
            after[before[block]] = after[block];
        }
        if (after[block] == NONE) {
            newest = before[block];
        } else {
            before[after[block]] = before[block];
        }
        before[block] = NONE;
        after[block] = NONE;
        idle--;
    }

    /// Forgets the idle block that was used longest ago and returns it.
    int evict() {
        int block = oldest;
        Bytes32 name = block == NONE ? null : names[block];
        if (name == null) {
            throw new IllegalStateException("no idle block to evict");
        }
        wake(block);
        byName.remove(name);
        names[block] = null;
        return block;
    }

    /// Forgets the blocks that tables hold; no block may be idle.
    void forgetHeld() {
        if (idle > 0) {
            throw new IllegalStateException(idle + " blocks are idle: they have to be evicted first");
        }
        byName.clear();
        Arrays.fill(names, null);
    }

    /// Throws [IllegalStateException] unless names and blocks agree and exactly the blocks that `references` does
    /// not count are idle.
    void checkIntegrity(int[] references) {
        int named = 0;
        for (int block = 0; block < names.length; block++) {
            Bytes32 name = names[block];
            if (name != null) {
                named++;
                if (find(name) != block) {
                    throw new IllegalStateException("block " + block + " is known by a name of block " + find(name));
                }
            }
        }
        int listed = 0;
        for (int block = oldest; block != NONE; block = after[block]) {
            listed++;
            if (references[block] != 0 || names[block] == null) {
                throw new IllegalStateException("block " + block + " is idle, but held or without a name");
            }
        }
        if (named != byName.size() || listed != idle) {
            throw new IllegalStateException(named + " blocks have a name, " + byName.size() + " names have a block; "
                    + listed + " blocks are idle, counted " + idle);
        }
    }
}
