package org.openlora.adapters.host;

/// A look at the residency at one moment. The counters, from `hits` on, only grow.
///
/// @param hostBytes of the arena
/// @param hostUsedBytes of units that adapters have, loading ones among them
/// @param deviceUsedBytes of adapters that stand in a slot
/// @param resident adapters in host memory
/// @param slotted of these, in a slot
/// @param leased of these, leased
/// @param loading adapters being read, or waiting for it
/// @param waiting requests for leases that have none yet
/// @param hits adapters that a request found resident or on their way
/// @param misses adapters that had to be loaded for a request
/// @param loads that ended well
/// @param loadNanos that they took together
/// @param hostEvictions adapters put out of host memory to make room
/// @param deviceEvictions adapters put out of a slot to make room; they stayed in host memory
/// @param failures of loads
/// @param corruptions adapters whose weights in memory were found changed
/// @param scrubbedBytes compared with their checksums in the background
public record ResidencyStats(
        long hostBytes,
        long hostUsedBytes,
        long deviceBytes,
        long deviceUsedBytes,
        int resident,
        int slotted,
        int leased,
        int loading,
        int waiting,
        long hits,
        long misses,
        long loads,
        long loadNanos,
        long hostEvictions,
        long deviceEvictions,
        long failures,
        long corruptions,
        long scrubbedBytes) {}
