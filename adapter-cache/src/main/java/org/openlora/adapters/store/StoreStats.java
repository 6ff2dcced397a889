package org.openlora.adapters.store;

/// A look at the disk tier at one moment; the last three only grow.
///
/// @param usedBytes of adapters stored and of those on their way
/// @param fetching digests whose files are on their way
/// @param rejected found damaged when they were read
public record StoreStats(
        long capacityBytes,
        long usedBytes,
        int stored,
        int held,
        int fetching,
        long fetched,
        long evictions,
        long rejected) {}
