package org.openlora.server.grpc;

import com.google.protobuf.util.Timestamps;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.Digest;
import org.openlora.api.v1.Adapter;
import org.openlora.api.v1.AdapterEvent;
import org.openlora.api.v1.ListAdaptersRequest;
import org.openlora.api.v1.ListAdaptersResponse;
import org.openlora.api.v1.PinAdapterRequest;
import org.openlora.api.v1.RegisterAdapterRequest;
import org.openlora.server.adapters.AdapterChange;
import org.openlora.server.adapters.AdapterPage;
import org.openlora.server.adapters.AdapterStatus;
import org.openlora.server.adapters.PageRequest;

/// Between the wire's messages about adapters and ours. Reading throws [IllegalArgumentException] naming the field.
final class AdapterMessages {
    private AdapterMessages() {}

    static Adapter adapter(AdapterStatus status) {
        Adapter.Builder adapter = Adapter.newBuilder()
                .setName(status.name())
                .setShared(status.shared())
                .setOrigin(status.origin())
                .setTier(tier(status.tier()))
                .setState(state(status.state()))
                .setLeases(status.leases())
                .setHits(status.hits())
                .setPinned(status.pinned());
        AdapterStatus.Content content = status.content();
        if (content != null) {
            adapter.setDigest(content.digest().toString())
                    .setVersion(content.version())
                    .setRank(content.largestRank())
                    .setResidentBytes(content.residentBytes());
            if (!content.manifestDigest().isZero()) {
                adapter.setManifestDigest(content.manifestDigest().toString()).setDescription(content.description());
            }
        }
        String problem = status.problem();
        if (problem != null) {
            adapter.setProblem(problem);
        }
        Instant lastUse = status.lastUse();
        if (lastUse != null) {
            adapter.setLastUse(Timestamps.fromMillis(lastUse.toEpochMilli()));
        }
        return adapter.build();
    }

    private static Adapter.Tier tier(AdapterStatus.Tier tier) {
        return switch (tier) {
            case REGISTERED -> Adapter.Tier.TIER_REGISTERED;
            case DISK -> Adapter.Tier.TIER_DISK;
            case HOST -> Adapter.Tier.TIER_HOST;
            case DEVICE -> Adapter.Tier.TIER_DEVICE;
        };
    }

    private static Adapter.State state(AdapterStatus.State state) {
        return switch (state) {
            case READY -> Adapter.State.STATE_READY;
            case LOADING -> Adapter.State.STATE_LOADING;
            case DRAINING -> Adapter.State.STATE_DRAINING;
            case FAILED -> Adapter.State.STATE_FAILED;
        };
    }

    static PageRequest page(ListAdaptersRequest request) {
        return new PageRequest(
                request.getPageSize() == 0 ? PageRequest.USUAL : request.getPageSize(),
                request.getPageToken(),
                request.getNamePrefix(),
                request.hasNearestFrom()
                        ? tier("nearest_from", request.getNearestFrom())
                        : AdapterStatus.Tier.REGISTERED);
    }

    static AdapterStatus.Tier tier(PinAdapterRequest request) {
        return request.hasTier() ? tier("tier", request.getTier()) : AdapterStatus.Tier.HOST;
    }

    private static AdapterStatus.Tier tier(String field, Adapter.Tier tier) {
        return switch (tier) {
            case TIER_REGISTERED -> AdapterStatus.Tier.REGISTERED;
            case TIER_DISK -> AdapterStatus.Tier.DISK;
            case TIER_HOST -> AdapterStatus.Tier.HOST;
            case TIER_DEVICE -> AdapterStatus.Tier.DEVICE;
            case TIER_UNSPECIFIED, UNRECOGNIZED ->
                throw new IllegalArgumentException(
                        "%s is %s: allowed are TIER_REGISTERED, TIER_DISK, TIER_HOST, TIER_DEVICE"
                                .formatted(field, tier));
        };
    }

    static ListAdaptersResponse list(AdapterPage page) {
        ListAdaptersResponse.Builder response = ListAdaptersResponse.newBuilder().setNextPageToken(page.next());
        page.adapters().forEach(status -> response.addAdapters(adapter(status)));
        return response.build();
    }

    static @Nullable Digest expectedDigest(RegisterAdapterRequest request) {
        if (!request.hasExpectedDigest()) {
            return null;
        }
        try {
            return Digest.parse(request.getExpectedDigest());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("expected_digest: " + e.getMessage(), e);
        }
    }

    /// The first event of a watch.
    static AdapterEvent begun(long sequence, Instant now) {
        return AdapterEvent.newBuilder()
                .setSequence(sequence)
                .setTime(Timestamps.fromMillis(now.toEpochMilli()))
                .setKind(AdapterEvent.Kind.KIND_BEGUN)
                .build();
    }

    /// @param sequence of the event in its stream
    static AdapterEvent event(long sequence, AdapterChange change) {
        AdapterEvent.Builder event = AdapterEvent.newBuilder()
                .setSequence(sequence)
                .setTime(Timestamps.fromMillis(change.time().toEpochMilli()))
                .setKind(kind(change.kind()))
                .setName(change.name());
        Digest digest = change.digest();
        if (digest != null) {
            event.setDigest(digest.toString());
        }
        String problem = change.problem();
        if (problem != null) {
            event.setProblem(problem);
        }
        return event.build();
    }

    private static AdapterEvent.Kind kind(AdapterChange.Kind kind) {
        return switch (kind) {
            case REGISTERED -> AdapterEvent.Kind.KIND_REGISTERED;
            case UPDATED -> AdapterEvent.Kind.KIND_UPDATED;
            case DELETED -> AdapterEvent.Kind.KIND_DELETED;
            case LOADED -> AdapterEvent.Kind.KIND_LOADED;
            case EVICTED -> AdapterEvent.Kind.KIND_EVICTED;
            case FAILED -> AdapterEvent.Kind.KIND_FAILED;
            case CORRUPT -> AdapterEvent.Kind.KIND_CORRUPT;
            case PINNED -> AdapterEvent.Kind.KIND_PINNED;
            case UNPINNED -> AdapterEvent.Kind.KIND_UNPINNED;
            case DRAINING -> AdapterEvent.Kind.KIND_DRAINING;
        };
    }
}
