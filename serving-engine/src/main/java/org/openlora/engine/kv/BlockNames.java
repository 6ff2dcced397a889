package org.openlora.engine.kv;

import java.util.Arrays;
import org.openlora.meter.evm.Bytes32;

/// The names of one sequence's full blocks, computed once each as the sequence grows: a hash chain from a seed that
/// stands for the base, the adapters and the cache salt. Sequences share blocks of equal names, hence none where
/// their seeds differ. Owned by the engine thread.
public final class BlockNames {
    private final Bytes32 seed;
    private Bytes32[] names;
    private int size;

    public BlockNames(Bytes32 seed) {
        this(seed, new Bytes32[8], 0);
    }

    private BlockNames(Bytes32 seed, Bytes32[] names, int size) {
        this.seed = seed;
        this.names = names;
        this.size = size;
    }

    /// The same chain so far, to grow differently from here on.
    public BlockNames fork() {
        return new BlockNames(seed, names.clone(), size);
    }

    /// Name of block `index`.
    ///
    /// @param tokens the sequence's, up to the block's last at least
    public Bytes32 name(int index, int[] tokens, BlockHasher hasher) {
        while (size <= index) {
            if (size == names.length) {
                names = Arrays.copyOf(names, size * 2);
            }
            Bytes32 before = size == 0 ? seed : names[size - 1];
            names[size] = hasher.name(before, tokens, size * hasher.blockTokens());
            size++;
        }
        return names[index];
    }
}
