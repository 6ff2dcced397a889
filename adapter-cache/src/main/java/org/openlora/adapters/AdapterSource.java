package org.openlora.adapters;

import org.openlora.kernels.LoraSlot;

/// Where a residency gets the weights of adapters from. Called from many threads.
public interface AdapterSource {
    /// The memory that [#load] will ask for, or more; throws [AdapterException] where the adapter is not known.
    /// Returns at once.
    AdapterSize size(Digest adapter);

    /// Reads an adapter into `memory` and checks that its content still has this digest; may take long.
    ///
    /// Throws [AdapterException]; what was allocated by then is taken back by whoever gave the memory.
    LoraSlot load(Digest adapter, AdapterMemory memory);
}
