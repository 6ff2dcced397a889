package org.openlora.adapters.host;

/// Where a resident adapter can be used from.
public enum Tier {
    /// In host memory, in the layout that the kernels read.
    HOST,
    /// In a slot, which on the CPU is a place in the slot table and no copy. Whoever has one is in host memory too.
    DEVICE
}
