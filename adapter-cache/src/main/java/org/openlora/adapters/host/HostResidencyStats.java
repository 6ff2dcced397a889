package org.openlora.adapters.host;

/// A look at the residency at one moment; the last four only grow.
///
/// @param reservedBytes of adapters resident and loading
/// @param hits adapters that a granted request found resident or on their way
/// @param loads started
/// @param failures of loads
public record HostResidencyStats(
        long capacityBytes,
        long reservedBytes,
        int resident,
        int leased,
        int loading,
        int waiting,
        long hits,
        long loads,
        long evictions,
        long failures) {}
