package org.openlora.server.metrics;

import java.util.List;
import org.openlora.adapters.host.ResidentStats;
import org.openlora.adapters.host.Tier;
import org.openlora.server.adapters.AdapterCache;

/// An adapter in memory under one of its names.
///
/// @param rank the largest of its modules
record LoadedAdapter(String name, ResidentStats resident, int rank) {
    /// What is in memory now, under each of its names; what has no name any more is left out.
    static List<LoadedAdapter> all(AdapterCache cache) {
        return cache.residency().residents().stream()
                .filter(resident -> resident.tier() != null)
                .flatMap(resident -> cache.registry().versions(resident.digest()).stream()
                        .map(version -> new LoadedAdapter(version.name(), resident, version.largestRank())))
                .toList();
    }

    /// Whether it has a slot that the next step can use.
    boolean device() {
        return resident.tier() == Tier.DEVICE;
    }
}
