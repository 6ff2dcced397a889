package org.openlora.adapters.store;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.Digest;

/// Which stored adapters there are, and which makes room next: strictly the least recently used that nobody holds.
///
/// Not thread-safe: guarded by the store's lock.
final class DiskBudget {
    private final long capacityBytes;
    private final Consumer<Digest> deleter;
    private final Map<Digest, Entry> entries = new HashMap<>();

    /// Idle entries by time of use, oldest first.
    private final SortedMap<Long, Entry> idle = new TreeMap<>();

    /// Of entries and of what is set aside for those on their way.
    private long usedBytes;

    private long idleBytes;
    private long clock;
    private long evictions;

    /// A stored adapter.
    static final class Entry {
        private final Digest digest;
        private final long sizeBytes;
        private int holds;
        private long lastUse;

        private Entry(Digest digest, long sizeBytes) {
            this.digest = digest;
            this.sizeBytes = sizeBytes;
        }

        Digest digest() {
            return digest;
        }

        long sizeBytes() {
            return sizeBytes;
        }

        boolean isIdle() {
            return holds == 0;
        }
    }

    /// @param deleter deletes an adapter's folder before its bytes count as free
    DiskBudget(long capacityBytes, Consumer<Digest> deleter) {
        this.capacityBytes = capacityBytes;
        this.deleter = deleter;
    }

    /// Takes up an adapter that an earlier process stored, as the most recently used one.
    void adopt(Digest digest, long sizeBytes) {
        var entry = new Entry(digest, sizeBytes);
        entries.put(digest, entry);
        usedBytes += sizeBytes;
        addIdle(entry);
        while (usedBytes > capacityBytes) {
            evictOldest();
        }
    }

    /// Sets bytes aside, putting out idle entries.
    ///
    /// @param heldBytes what the same adapter has set aside already
    void reserve(long bytes, long heldBytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException(bytes + " bytes");
        }
        long wanted = saturatedSum(bytes, heldBytes);
        if (wanted > capacityBytes) {
            throw new AdapterException(
                    Code.TOO_LARGE,
                    "an adapter of at least " + wanted + " bytes does not fit into the store's " + capacityBytes);
        }
        long busyBytes = usedBytes - idleBytes;
        if (saturatedSum(bytes, busyBytes) > capacityBytes) {
            throw new AdapterException(
                    Code.NO_ROOM,
                    "no room for " + bytes + " bytes: " + busyBytes + " of the store's " + capacityBytes
                            + " are in use or on their way");
        }
        while (usedBytes + bytes > capacityBytes) {
            evictOldest();
        }
        usedBytes += bytes;
    }

    void release(long bytes) {
        usedBytes -= bytes;
    }

    /// Makes an entry of bytes that have been set aside, and holds it.
    Entry enter(Digest digest, long sizeBytes) {
        var entry = new Entry(digest, sizeBytes);
        entry.holds = 1;
        entries.put(digest, entry);
        return entry;
    }

    @Nullable
    Entry find(Digest digest) {
        return entries.get(digest);
    }

    boolean isCurrent(Entry entry) {
        return entries.get(entry.digest) == entry;
    }

    void hold(Entry entry) {
        if (entry.isIdle()) {
            removeIdle(entry);
        }
        entry.holds++;
    }

    void release(Entry entry) {
        entry.holds--;
        if (entry.isIdle() && isCurrent(entry)) {
            addIdle(entry);
        }
    }

    /// Deletes an entry, held or not.
    void remove(Entry entry) {
        if (entry.isIdle()) {
            removeIdle(entry);
        }
        entries.remove(entry.digest);
        deleter.accept(entry.digest);
        usedBytes -= entry.sizeBytes;
    }

    List<Digest> digestsOldestFirst() {
        return entries.values().stream()
                .sorted((left, right) -> Long.compare(left.lastUse, right.lastUse))
                .map(Entry::digest)
                .toList();
    }

    long capacityBytes() {
        return capacityBytes;
    }

    long usedBytes() {
        return usedBytes;
    }

    int size() {
        return entries.size();
    }

    int held() {
        return entries.size() - idle.size();
    }

    long evictions() {
        return evictions;
    }

    private void evictOldest() {
        Entry oldest = idle.firstEntry().getValue();
        remove(oldest);
        evictions++;
    }

    private void addIdle(Entry entry) {
        entry.lastUse = ++clock;
        idle.put(entry.lastUse, entry);
        idleBytes += entry.sizeBytes;
    }

    private void removeIdle(Entry entry) {
        idle.remove(entry.lastUse);
        idleBytes -= entry.sizeBytes;
        entry.lastUse = ++clock;
    }

    private static long saturatedSum(long left, long right) {
        return left > Long.MAX_VALUE - right ? Long.MAX_VALUE : left + right;
    }
}
