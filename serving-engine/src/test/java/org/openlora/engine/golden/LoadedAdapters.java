package org.openlora.engine.golden;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.AdapterResidency;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.Digest;
import org.openlora.adapters.host.HostAdapterResidency;
import org.openlora.adapters.host.HostLimits;

/// The PEFT folders of a directory, leased as the engine leases them.
final class LoadedAdapters implements AutoCloseable {
    private final FolderAdapters folders;
    private final HostAdapterResidency residency;

    LoadedAdapters(Path folder, BaseWeights base) {
        folders = new FolderAdapters(folder, base);
        HostLimits limits = new HostLimits(512L << 20, 64, 2, Duration.ofSeconds(1));
        residency = new HostAdapterResidency(folders, limits, InstantSource.system());
    }

    Digest digest(String name) {
        return folders.digest(name);
    }

    AdapterResidency residency() {
        return residency;
    }

    /// @param name null for the bare base
    AdapterLease lease(@Nullable String name) throws InterruptedException, ExecutionException {
        return lease(name == null ? Set.of() : Set.of(name));
    }

    /// All of them on one lease.
    AdapterLease lease(Set<String> names) throws InterruptedException, ExecutionException {
        Set<Digest> digests = names.stream().map(this::digest).collect(Collectors.toSet());
        return residency.acquire(digests, Instant.now().plusSeconds(60)).get();
    }

    @Override
    public void close() {
        residency.close();
    }
}
