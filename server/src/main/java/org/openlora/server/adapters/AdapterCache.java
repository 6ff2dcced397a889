package org.openlora.server.adapters;

import org.openlora.adapters.host.HostAdapterResidency;
import org.openlora.adapters.registry.AdapterRegistry;
import org.openlora.adapters.store.AdapterStore;

/// The parts of an adapter cache: what the names stand for, what is in memory, and what was fetched to the disk.
public record AdapterCache(AdapterRegistry registry, HostAdapterResidency residency, AdapterStore store) {}
