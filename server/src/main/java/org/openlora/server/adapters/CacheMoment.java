package org.openlora.server.adapters;

import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.Digest;
import org.openlora.adapters.host.HostAdapterResidency;
import org.openlora.adapters.host.ResidentStats;
import org.openlora.adapters.origin.AdapterOrigin;
import org.openlora.adapters.registry.AdapterEntry;
import org.openlora.adapters.registry.AdapterVersion;
import org.openlora.adapters.store.AdapterStore;
import org.openlora.server.adapters.AdapterStatus.State;
import org.openlora.server.adapters.AdapterStatus.Tier;
import org.openlora.server.problem.Problem;

/// What lies in which tier at one moment.
///
/// @param residents in memory, or on their way there
/// @param stored on the disk, of what was fetched
/// @param draining whether a content leaves memory when its last request has finished
/// @param pinned whether somebody pins a content
record CacheMoment(
        Map<Digest, ResidentStats> residents,
        Set<Digest> stored,
        Predicate<Digest> draining,
        Predicate<Digest> pinned) {
    private static final String FOLDER = "folder:";

    static CacheMoment of(
            HostAdapterResidency residency, AdapterStore store, Predicate<Digest> draining, Predicate<Digest> pinned) {
        return new CacheMoment(
                residency.residents().stream()
                        .collect(Collectors.toMap(
                                ResidentStats::digest, resident -> resident, CacheMoment::together)),
                Set.copyOf(store.digests()),
                draining,
                pinned);
    }

    /// A content that leaves memory and is there again already is shown as one.
    private static ResidentStats together(ResidentStats one, ResidentStats other) {
        ResidentStats newer = one.lastUse().isBefore(other.lastUse()) ? other : one;
        return new ResidentStats(
                newer.digest(),
                newer.tier(),
                one.hostBytes() + other.hostBytes(),
                one.leases() + other.leases(),
                newer.pinned(),
                newer.idle(),
                newer.hits(),
                newer.lastUse());
    }

    /// @param origin of what a tenant registered; null for a name of everybody's
    AdapterStatus status(AdapterEntry entry, @Nullable AdapterOrigin origin) {
        return switch (entry) {
            case AdapterEntry.Ready(AdapterVersion version) -> ready(version, origin);
            case AdapterEntry.Failed failed ->
                new AdapterStatus(
                        failed.name(),
                        true,
                        null,
                        Problem.describe(failed.reason()),
                        FOLDER + failed.name(),
                        Tier.DISK,
                        State.FAILED,
                        0,
                        0,
                        false,
                        null);
        };
    }

    private AdapterStatus ready(AdapterVersion version, @Nullable AdapterOrigin origin) {
        ResidentStats resident = residents.get(version.digest());
        return new AdapterStatus(
                version.name(),
                origin == null,
                new AdapterStatus.Content(
                        version.digest(),
                        version.number(),
                        version.manifestDigest(),
                        version.manifest() == null ? "" : version.manifest().description(),
                        version.largestRank(),
                        version.size().bytes()),
                null,
                origin == null ? FOLDER + version.name() : origin.toString(),
                tier(version.digest(), origin == null, resident),
                state(version.digest(), resident),
                resident == null ? 0 : resident.leases(),
                resident == null ? 0 : resident.hits(),
                pinned.test(version.digest()),
                // The epoch is the residency's word for never.
                resident == null || resident.lastUse().equals(Instant.EPOCH) ? null : resident.lastUse());
    }

    private Tier tier(Digest content, boolean folder, @Nullable ResidentStats resident) {
        org.openlora.adapters.host.Tier memory = resident == null ? null : resident.tier();
        return switch (memory) {
            case DEVICE -> Tier.DEVICE;
            case HOST -> Tier.HOST;
            case null -> folder || stored.contains(content) ? Tier.DISK : Tier.REGISTERED;
        };
    }

    private State state(Digest content, @Nullable ResidentStats resident) {
        if (draining.test(content)) {
            return State.DRAINING;
        }
        return resident != null && resident.tier() == null ? State.LOADING : State.READY;
    }
}
