package org.openlora.server.adapters;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.Digest;
import org.openlora.server.adapters.AdapterChange.Kind;
import org.openlora.server.adapters.AdapterStatus.State;
import org.openlora.server.adapters.AdapterStatus.Tier;
import org.openlora.server.config.ServerConfig.Tenant;

/// A desk of one tenant's names, all in memory; its contents are digests of what they came from.
public final class FakeDesk implements AdapterDesk {
    private final NavigableMap<String, AdapterStatus> adapters = new TreeMap<>();
    private final List<Consumer<AdapterChange>> watches = new CopyOnWriteArrayList<>();

    /// A name of everybody's that can be served.
    public FakeDesk with(String name, Digest digest) {
        adapters.put(name, status(name, true, digest, 1, "folder:" + name, Tier.DISK, false));
        return this;
    }

    /// A name of everybody's that cannot.
    public FakeDesk withBroken(String name, String problem) {
        adapters.put(
                name,
                new AdapterStatus(
                        name, true, null, problem, "folder:" + name, Tier.DISK, State.FAILED, 0, 0, false, null));
        return this;
    }

    private static AdapterStatus status(
            String name, boolean shared, Digest digest, int version, String origin, Tier tier, boolean pinned) {
        return new AdapterStatus(
                name,
                shared,
                new AdapterStatus.Content(digest, version, Digest.ZERO, "", 8, 4096),
                null,
                origin,
                tier,
                State.READY,
                0,
                0,
                pinned,
                null);
    }

    private AdapterStatus put(AdapterStatus status, Kind kind) {
        adapters.put(status.name(), status);
        tell(kind, status.name());
        return status;
    }

    /// Tells all who watch.
    public void tell(Kind kind, String name) {
        watches.forEach(watch -> watch.accept(new AdapterChange(Instant.EPOCH, kind, name, null, null)));
    }

    @Override
    public synchronized AdapterStatus register(
            Tenant tenant,
            String name,
            String origin,
            @Nullable Digest expected,
            Instant deadline,
            LongConsumer fetchedBytes) {
        fetchedBytes.accept(2048);
        fetchedBytes.accept(4096);
        Digest digest = Digest.sha256(origin.getBytes(StandardCharsets.UTF_8));
        if (expected != null && !expected.equals(digest)) {
            throw new AdapterException(AdapterException.Code.CHANGED, "it is " + digest + ", not " + expected);
        }
        AdapterStatus before = adapters.get(name);
        int version = before == null || before.content() == null ? 1 : before.content().version() + 1;
        return put(
                status(name, false, digest, version, origin, Tier.DISK, false),
                version == 1 ? Kind.REGISTERED : Kind.UPDATED);
    }

    @Override
    public synchronized AdapterPage list(Tenant tenant, PageRequest page) {
        List<AdapterStatus> rest = adapters.tailMap(page.after(), false).values().stream()
                .filter(status -> status.name().startsWith(page.prefix()))
                .filter(status -> status.tier().compareTo(page.nearestFrom()) >= 0)
                .toList();
        List<AdapterStatus> found = rest.stream().limit(page.size()).toList();
        return new AdapterPage(found, found.size() < rest.size() ? found.getLast().name() : "");
    }

    @Override
    public synchronized AdapterStatus get(Tenant tenant, String name) {
        AdapterStatus status = adapters.get(name);
        if (status == null) {
            throw new AdapterException(AdapterException.Code.NOT_FOUND, "no adapter '" + name + "'");
        }
        return status;
    }

    @Override
    public AdapterStatus load(Tenant tenant, String name, Instant deadline) {
        return move(tenant, name, Tier.DEVICE, get(tenant, name).pinned(), Kind.LOADED);
    }

    @Override
    public AdapterStatus pin(Tenant tenant, String name, Tier tier, Instant deadline) {
        return move(tenant, name, tier, true, Kind.PINNED);
    }

    @Override
    public AdapterStatus unpin(Tenant tenant, String name) {
        return move(tenant, name, get(tenant, name).tier(), false, Kind.UNPINNED);
    }

    @Override
    public AdapterStatus unload(Tenant tenant, String name, boolean wait, Instant deadline) {
        if (get(tenant, name).pinned()) {
            throw new DeskException(DeskException.Reason.CONFLICT, "adapter '" + name + "' is pinned; unpin it first");
        }
        return move(tenant, name, Tier.DISK, false, Kind.EVICTED);
    }

    private synchronized AdapterStatus move(Tenant tenant, String name, Tier tier, boolean pinned, Kind kind) {
        AdapterStatus status = get(tenant, name);
        AdapterStatus.Content content = status.content();
        if (status.shared() && !tenant.admin()) {
            throw new DeskException(DeskException.Reason.NOT_ALLOWED, "adapter '" + name + "' is everybody's");
        }
        if (content == null) {
            throw new AdapterException(AdapterException.Code.INVALID, String.valueOf(status.problem()));
        }
        return put(
                status(name, status.shared(), content.digest(), content.version(), status.origin(), tier, pinned), kind);
    }

    @Override
    public synchronized void delete(Tenant tenant, String name) {
        if (get(tenant, name).shared()) {
            throw new DeskException(DeskException.Reason.CONFLICT, "adapter '" + name + "' is a folder");
        }
        adapters.remove(name);
        tell(Kind.DELETED, name);
    }

    @Override
    public Watch watch(Tenant tenant, Consumer<AdapterChange> listener) {
        watches.add(listener);
        return () -> watches.remove(listener);
    }
}
