package org.openlora.adapters.host;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.Digest;

/// Loads that failed a short while ago, so that a broken adapter under load is not read for every request.
/// Guarded by the residency's lock.
final class FailedLoads {
    /// Beyond as many, failures are forgotten early: it costs a load that fails again.
    private static final int MOST = 10_000;

    private final Cache<Digest, AdapterException> failures;

    FailedLoads(Duration memory, InstantSource clock) {
        this.failures = Caffeine.newBuilder()
                .maximumSize(MOST)
                .expireAfterWrite(memory)
                .ticker(() -> Duration.between(Instant.EPOCH, clock.instant()).toNanos())
                .executor(Runnable::run)
                .build();
    }

    void remember(Digest digest, AdapterException cause) {
        failures.put(digest, cause);
    }

    boolean contains(Digest digest) {
        return failures.getIfPresent(digest) != null;
    }

    /// The failure of one of the digests that is still remembered.
    Optional<AdapterException> find(Iterable<Digest> digests) {
        for (Digest digest : digests) {
            AdapterException cause = failures.getIfPresent(digest);
            if (cause != null) {
                return Optional.of(new AdapterException(cause.code(), String.valueOf(cause.getMessage()), cause));
            }
        }
        return Optional.empty();
    }
}
