package org.openlora.adapters;

import java.lang.foreign.Arena;
import org.openlora.kernels.LoraSlot;

/// Where a residency gets the weights of adapters from. Called from many threads.
public interface AdapterSource {
    /// Bytes that [#load] will allocate; throws [AdapterException] where the adapter is not known.
    long residentBytes(Digest adapter);

    /// Reads an adapter into `arena` and checks that its content still has this digest; may take long.
    ///
    /// Throws [AdapterException]; what was allocated by then goes with the arena.
    LoraSlot load(Digest adapter, Arena arena);
}
