package org.openlora.server.adapters;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.Utf8;
import org.openlora.adapters.host.HostAdapterResidency;
import org.openlora.adapters.host.ResidencyEvent;
import org.openlora.adapters.origin.AdapterOrigin;
import org.openlora.adapters.registry.AdapterEntry;
import org.openlora.adapters.registry.AdapterRegistry;
import org.openlora.adapters.registry.AdapterVersion;
import org.openlora.adapters.store.AdapterStore;
import org.openlora.server.adapters.AdapterChange.Kind;
import org.openlora.server.adapters.AdapterStatus.Tier;
import org.openlora.server.config.ServerConfig.Tenant;
import org.openlora.server.problem.Problem;

/// The desk over the registry, which knows names, and the residency, which knows what is in memory.
///
/// A pin is a tenant's and holds a content: an adapter stays while one tenant pins it, and a new version of a name is
/// pinned anew. What no name stands for any more is neither pinned nor kept.
public final class CacheDesk implements AdapterDesk {
    private final AdapterRegistry registry;
    private final HostAdapterResidency residency;
    private final AdapterStore store;
    private final Origins origins;
    private final InstantSource clock;
    private final Pins pins = new Pins();
    private final Set<Digest> draining = ConcurrentHashMap.newKeySet();
    private final List<NameWatch> watches = new CopyOnWriteArrayList<>();

    /// @param store of what was fetched
    /// @param root the adapter root
    public CacheDesk(
            AdapterRegistry registry,
            HostAdapterResidency residency,
            AdapterStore store,
            Path root,
            InstantSource clock) {
        this.registry = registry;
        this.residency = residency;
        this.store = store;
        this.origins = new Origins(root);
        this.clock = clock;
        residency.listen(this::happened);
        registry.onRetired(this::retired);
    }

    @Override
    public AdapterStatus register(
            Tenant tenant,
            String name,
            String origin,
            @Nullable Digest expected,
            Instant deadline,
            LongConsumer fetchedBytes) {
        AdapterOrigin parsed = origins.parse(origin);
        var _ = FetchedBytes.telling(
                fetchedBytes, () -> registry.register(tenant.name(), name, parsed, expected, deadline));
        return get(tenant, name);
    }

    @Override
    public AdapterPage list(Tenant tenant, PageRequest page) {
        CacheMoment now = now();
        var found = new ArrayList<AdapterStatus>();
        for (AdapterEntry entry : registry.entries(tenant.name())) {
            if (!entry.name().startsWith(page.prefix())
                    || (!page.after().isEmpty() && Utf8.BYTE_ORDER.compare(entry.name(), page.after()) <= 0)) {
                continue;
            }
            AdapterStatus status = status(now, tenant, entry);
            if (status.tier().compareTo(page.nearestFrom()) < 0) {
                continue;
            }
            if (found.size() == page.size()) {
                return new AdapterPage(found, found.getLast().name());
            }
            found.add(status);
        }
        return new AdapterPage(found, "");
    }

    @Override
    public AdapterStatus get(Tenant tenant, String name) {
        return status(now(), tenant, entry(tenant, name));
    }

    /// What the name stands for, one that cannot be served as well.
    private AdapterEntry entry(Tenant tenant, String name) {
        try {
            return new AdapterEntry.Ready(registry.find(tenant.name(), name));
        } catch (AdapterException e) {
            // A name that is there and cannot be served fails with its reason, the same as the one in the list.
            return registry.entries(tenant.name()).stream()
                    .filter(entry -> entry.name().equals(name))
                    .findFirst()
                    .orElseThrow(() -> e);
        }
    }

    @Override
    public AdapterStatus load(Tenant tenant, String name, Instant deadline) {
        Digest content = changeable(tenant, name).digest();
        await(residency.acquire(Set.of(content), deadline), deadline).close();
        return get(tenant, name);
    }

    @Override
    public AdapterStatus pin(Tenant tenant, String name, Tier tier, Instant deadline) {
        Digest content = changeable(tenant, name).digest();
        boolean added = pins.add(content, tenant.name());
        try {
            var _ = await(residency.pin(content, memory(tier), deadline), deadline);
        } catch (RuntimeException e) {
            if (added) {
                var _ = pins.remove(content, tenant.name());
            }
            throw e;
        }
        return get(tenant, name);
    }

    private static org.openlora.adapters.host.Tier memory(Tier tier) {
        return switch (tier) {
            case HOST -> org.openlora.adapters.host.Tier.HOST;
            case DEVICE -> org.openlora.adapters.host.Tier.DEVICE;
            case REGISTERED, DISK ->
                throw new IllegalArgumentException(
                        "an adapter cannot be pinned at tier %s: allowed are host and device".formatted(tier));
        };
    }

    @Override
    public AdapterStatus unpin(Tenant tenant, String name) {
        Digest content = changeable(tenant, name).digest();
        boolean free = tenant.admin() ? pins.removeAll(content) : pins.remove(content, tenant.name());
        if (free) {
            var _ = residency.unpin(content);
        }
        return get(tenant, name);
    }

    @Override
    public AdapterStatus unload(Tenant tenant, String name, boolean wait, Instant deadline) {
        Digest content = changeable(tenant, name).digest();
        if (pins.contains(content)) {
            throw new DeskException(
                    DeskException.Reason.CONFLICT, "adapter %s is pinned; unpin it first".formatted(OneLine.quote(name)));
        }
        Future<Void> gone = drain(content);
        if (wait) {
            var _ = await(gone, deadline);
        }
        return get(tenant, name);
    }

    private Future<Void> drain(Digest content) {
        CompletableFuture<Void> gone = residency.evict(content);
        if (!gone.isDone()) {
            draining.add(content);
            tell(Kind.DRAINING, content, null);
            var _ = gone.whenComplete((_, _) -> draining.remove(content));
        }
        return gone;
    }

    @Override
    public void delete(Tenant tenant, String name) {
        if (registry.unregister(tenant.name(), name)) {
            return;
        }
        entry(tenant, name);
        throw new DeskException(
                DeskException.Reason.CONFLICT,
                "adapter %s is a folder under the adapter root; take the folder away".formatted(OneLine.quote(name)));
    }

    @Override
    public Watch watch(Tenant tenant, Consumer<AdapterChange> listener) {
        NameWatch watch = new NameWatch(listener, clock);
        Runnable end = watch.begin(named -> registry.watch(tenant.name(), named));
        // Not before: it would wait for the registry while holding what the registry's thread waits for.
        watches.add(watch);
        return () -> {
            watches.remove(watch);
            end.run();
        };
    }

    private void happened(ResidencyEvent event) {
        switch (event) {
            case ResidencyEvent.Loaded loaded -> tell(Kind.LOADED, loaded.adapter(), null);
            case ResidencyEvent.Failed failed ->
                tell(Kind.FAILED, failed.adapter(), Problem.describe(failed.reason()));
            case ResidencyEvent.Evicted evicted -> {
                // Who loses a slot stays in memory.
                if (evicted.from() == org.openlora.adapters.host.Tier.HOST) {
                    tell(Kind.EVICTED, evicted.adapter(), null);
                }
            }
            case ResidencyEvent.Corrupt corrupt ->
                tell(Kind.CORRUPT, corrupt.adapter(), "its weights in memory are not those that were loaded");
            case ResidencyEvent.Pinned pinned -> tell(Kind.PINNED, pinned.adapter(), null);
            case ResidencyEvent.Unpinned unpinned -> tell(Kind.UNPINNED, unpinned.adapter(), null);
        }
    }

    private void tell(Kind kind, Digest content, @Nullable String problem) {
        watches.forEach(watch -> watch.happened(kind, content, problem));
    }

    /// No name stands for it any more: those who lease it finish, and nobody else will come.
    private void retired(Digest content) {
        var _ = pins.removeAll(content);
        var _ = drain(content);
    }

    /// The version that a name stands for, where the tenant may move it between the tiers.
    private AdapterVersion changeable(Tenant tenant, String name) {
        AdapterVersion version = registry.find(tenant.name(), name);
        if (!tenant.admin() && registry.origin(tenant.name(), name).isEmpty()) {
            throw new DeskException(
                    DeskException.Reason.NOT_ALLOWED,
                    "adapter %s is everybody's; only an administrator loads, pins and unloads it"
                            .formatted(OneLine.quote(name)));
        }
        return version;
    }

    private CacheMoment now() {
        return CacheMoment.of(residency, store, draining::contains, pins::contains);
    }

    private AdapterStatus status(CacheMoment now, Tenant tenant, AdapterEntry entry) {
        return now.status(entry, registry.origin(tenant.name(), entry.name()).orElse(null));
    }

    private <T> T await(Future<T> future, Instant deadline) {
        try {
            return future.get(Duration.between(clock.instant(), deadline).toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof AdapterException cause
                    ? cause
                    : new IllegalStateException("an adapter could not be moved", e.getCause());
        } catch (TimeoutException e) {
            throw new AdapterException(
                    Code.NO_ROOM, "the adapter is still in use, or on its way, at the call's deadline", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AdapterException(Code.CLOSED, "the server is shutting down", e);
        }
    }
}
