package org.openlora.adapters.registry;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterManifest;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.origin.AdapterFetcher;
import org.openlora.adapters.origin.AdapterOrigin;
import org.openlora.adapters.store.AdapterStore;
import org.openlora.adapters.store.DiskRoom;
import org.openlora.adapters.store.StoredAdapter;

/// Brings the files of registered adapters here, and reads them from the store; those that the store had to put
/// out are fetched again.
final class FetchedAdapters {
    private final AdapterStore store;
    private final AdapterFetcher fetcher;
    private final BaseWeights base;
    private final InstantSource clock;
    private final Duration limit;

    /// @param limit that fetching an adapter again may take
    FetchedAdapters(AdapterStore store, AdapterFetcher fetcher, BaseWeights base, InstantSource clock, Duration limit) {
        this.store = store;
        this.fetcher = fetcher;
        this.base = base;
        this.clock = clock;
        this.limit = limit;
    }

    /// What an origin had.
    ///
    /// @param origin that names exactly this
    record Fetched(FoundAdapter found, AdapterOrigin origin) {}

    /// Fetches an adapter, checks it and stores it.
    ///
    /// @throws AdapterException why it cannot be had or served; `CHANGED` where it is not the one expected
    Fetched fetch(AdapterOrigin origin, @Nullable Digest expected, Instant deadline) {
        Optional<Fetched> fetched = fetchOnce(origin, expected, deadline);
        // Where the store had the content already, its files may have been damaged since: they are out of the way now.
        return fetched.or(() -> fetchOnce(origin, expected, deadline))
                .orElseThrow(() -> new AdapterException(
                        Code.UNAVAILABLE,
                        "the adapter at " + origin + " does not stay on the store's disk as written"));
    }

    /// Empty where what the store holds of that content is damaged; then it is put out.
    private Optional<Fetched> fetchOnce(AdapterOrigin origin, @Nullable Digest expected, Instant deadline) {
        var arrival = new Arrival(origin, deadline);
        try (StoredAdapter stored = store.add(arrival)) {
            if (expected != null && !stored.digest().equals(expected)) {
                throw new AdapterException(
                        Code.CHANGED, "the adapter at " + origin + " is " + stored.digest() + ", not " + expected);
            }
            try {
                FoundAdapter found = AdapterFolder.read(stored.folder(), arrival.manifest, base);
                if (found.digest().equals(stored.digest())) {
                    return Optional.of(new Fetched(found, arrival.exact));
                }
                store.reject(stored, "its content is " + found.digest());
            } catch (AdapterException e) {
                store.reject(stored, OneLine.reason(e));
            }
            return Optional.empty();
        }
    }

    /// Reads a stored adapter, fetched again where it is not there or damaged.
    ///
    /// @throws AdapterException why it cannot be had
    <T> T use(Digest digest, AdapterOrigin origin, AdapterStore.FolderUse<T> use) {
        return store.use(digest, new Arrival(origin, clock.instant().plus(limit)), use);
    }

    /// One fetch. The manifest is read as it arrives: where the store has the content already it keeps the
    /// files that it has, which may have come with another manifest.
    private final class Arrival implements AdapterStore.Fetch {
        private final Instant deadline;
        private AdapterOrigin exact;
        private @Nullable AdapterManifest manifest;

        Arrival(AdapterOrigin origin, Instant deadline) {
            this.exact = origin;
            this.deadline = deadline;
        }

        @Override
        public void into(Path folder, DiskRoom room) throws IOException {
            exact = fetcher.fetch(exact, folder, room, deadline);
            manifest = AdapterFolder.manifest(folder, base);
        }
    }
}
