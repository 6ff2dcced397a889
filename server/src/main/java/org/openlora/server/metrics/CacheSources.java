package org.openlora.server.metrics;

import java.util.List;
import java.util.stream.Stream;
import org.openlora.adapters.host.HostAdapterResidency;
import org.openlora.adapters.host.ResidentStats;
import org.openlora.adapters.host.Tier;
import org.openlora.adapters.registry.AdapterRegistry;
import org.openlora.adapters.store.AdapterStore;

/// The parts of the adapter cache that are counted.
public record CacheSources(AdapterRegistry registry, HostAdapterResidency residency, AdapterStore store) {
    /// An adapter in memory under one of its names.
    record Loaded(String name, ResidentStats resident, int rank) {
        boolean device() {
            return resident.tier() == Tier.DEVICE;
        }
    }

    /// Adapters that may be leased at once.
    int deviceSlots() {
        return residency.slots().slots();
    }

    /// What is in memory now, under each of its names; what has no name any more is left out.
    List<Loaded> loaded() {
        return residency.residents().stream()
                .filter(resident -> resident.tier() != null)
                .flatMap(this::named)
                .toList();
    }

    private Stream<Loaded> named(ResidentStats resident) {
        return registry.versions(resident.digest()).stream()
                .map(version -> new Loaded(version.name(), resident, version.largestRank()));
    }
}
