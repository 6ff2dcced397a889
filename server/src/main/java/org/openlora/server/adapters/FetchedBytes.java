package org.openlora.server.adapters;

import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.openlora.adapters.origin.AdapterFetcher;
import org.openlora.adapters.origin.AdapterOrigin;
import org.openlora.adapters.store.DiskRoom;

/// Tells whoever asked for an adapter how many of its bytes are here, as they are written.
///
/// @param fetcher that brings them
public record FetchedBytes(AdapterFetcher fetcher) implements AdapterFetcher {
    private static final ScopedValue<LongConsumer> LISTENER = ScopedValue.newInstance();

    /// Does `work`; what it fetches on this thread is told to `listener`.
    static <T> T telling(LongConsumer listener, Supplier<T> work) {
        return ScopedValue.where(LISTENER, listener).call(work::get);
    }

    @Override
    public AdapterOrigin fetch(AdapterOrigin origin, Path folder, DiskRoom room, Instant deadline) {
        if (!LISTENER.isBound()) {
            return fetcher.fetch(origin, folder, room, deadline);
        }
        LongConsumer listener = LISTENER.get();
        AtomicLong fetched = new AtomicLong();
        return fetcher.fetch(
                origin,
                folder,
                bytes -> {
                    room.reserve(bytes);
                    listener.accept(fetched.addAndGet(bytes));
                },
                deadline);
    }
}
