package org.openlora.server.adapters;

import java.time.Instant;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.Digest;
import org.openlora.server.config.ServerConfig.Tenant;

/// Registers adapters and moves them between the tiers, on behalf of a tenant.
///
/// A tenant sees its own names and everybody's: the folders under the adapter root. It changes its own; everybody's are
/// loaded, pinned and unloaded by administrators and deleted by nobody. Every method may be called from any thread, and
/// those with a deadline block.
///
/// Every method that takes a name throws [org.openlora.adapters.AdapterException] with code `NOT_FOUND` for one that the
/// tenant does not see, and [DeskException] for what it may not or cannot do.
public interface AdapterDesk {
    /// Gives a name to the adapter at an origin, fetching it; a name that exists gets a new version.
    ///
    /// @param origin as [org.openlora.adapters.origin.AdapterOrigin] writes it, or the name of a folder under the adapter
    ///     root
    /// @param expected the digest that it must have; null takes what comes
    /// @param fetchedBytes told now and then how many bytes of its files are here, on any thread
    /// @throws org.openlora.adapters.AdapterException for an adapter that cannot be had or served
    AdapterStatus register(
            Tenant tenant,
            String name,
            String origin,
            @Nullable Digest expected,
            Instant deadline,
            LongConsumer fetchedBytes);

    /// The adapters that the tenant sees, in the byte order of their names.
    AdapterPage list(Tenant tenant, PageRequest page);

    AdapterStatus get(Tenant tenant, String name);

    /// Makes an adapter resident, and returns when it is.
    AdapterStatus load(Tenant tenant, String name, Instant deadline);

    /// Makes an adapter resident, and keeps it so until it is unpinned.
    ///
    /// @param tier that it is kept in: [AdapterStatus.Tier#HOST] or [AdapterStatus.Tier#DEVICE]
    AdapterStatus pin(Tenant tenant, String name, AdapterStatus.Tier tier, Instant deadline);

    /// Takes the tenant's pin away; an administrator takes everybody's. Without a pin nothing happens.
    AdapterStatus unpin(Tenant tenant, String name);

    /// Takes an adapter out of memory as soon as nobody leases it.
    ///
    /// @param wait whether to return only when its memory is free, or at the deadline
    AdapterStatus unload(Tenant tenant, String name, boolean wait, Instant deadline);

    /// Takes a name away; what is leased under it goes on.
    void delete(Tenant tenant, String name);

    /// Tells of all changes that the tenant sees, from now on and in their order, until the watch is closed.
    ///
    /// @param listener must neither block nor throw; it is called by one thread at a time
    Watch watch(Tenant tenant, Consumer<AdapterChange> listener);

    /// A running watch.
    interface Watch extends AutoCloseable {
        @Override
        void close();
    }
}
