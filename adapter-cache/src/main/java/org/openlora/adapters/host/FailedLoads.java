package org.openlora.adapters.host;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.Digest;

/// Loads that failed a short while ago, so that a broken adapter under load is not read for every request.
/// Guarded by the residency's lock.
final class FailedLoads {
    private record Failure(AdapterException cause, Instant until) {}

    private final Map<Digest, Failure> failures = new HashMap<>();
    private final Duration memory;
    private final InstantSource clock;

    FailedLoads(Duration memory, InstantSource clock) {
        this.memory = memory;
        this.clock = clock;
    }

    void remember(Digest digest, AdapterException cause) {
        Instant now = clock.instant();
        failures.values().removeIf(failure -> !failure.until().isAfter(now));
        failures.put(digest, new Failure(cause, now.plus(memory)));
    }

    /// The failure of one of the digests that is still remembered.
    Optional<AdapterException> find(Iterable<Digest> digests) {
        for (Digest digest : digests) {
            Failure failure = failures.get(digest);
            if (failure != null && failure.until().isAfter(clock.instant())) {
                AdapterException cause = failure.cause();
                return Optional.of(new AdapterException(cause.code(), String.valueOf(cause.getMessage()), cause));
            }
        }
        return Optional.empty();
    }
}
