package org.openlora.server.metrics;

import java.util.List;
import java.util.Map;

/// What is counted of an adapter cache. Counts only grow.
public interface CacheVitals {
    /// A tier of bounded bytes.
    ///
    /// @param evictions since start
    record Tier(long capacityBytes, long usedBytes, long adapters, long evictions) {}

    /// An adapter in memory under one of its names.
    ///
    /// @param device whether it has a slot that the next step can use
    record Loaded(String name, String digest, boolean device, boolean pinned, int rank) {}

    /// The tiers by name: `disk`, `host`, `device`.
    Map<String, Tier> tiers();

    /// Adapters that may be leased at once.
    int deviceSlots();

    /// Adapters that are leased now.
    int leased();

    /// Requests that wait for room or a load.
    int waiting();

    /// Leases that found the adapter in memory or on its way there.
    long hits();

    /// Leases that did not.
    long misses();

    /// Names that can be served, of all tenants.
    int registered();

    /// Times that weights were found changed in memory.
    long corrupt();

    /// What is in memory now.
    List<Loaded> loaded();
}
