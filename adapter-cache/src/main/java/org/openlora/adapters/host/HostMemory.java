package org.openlora.adapters.host;

import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.Digest;

/// Which adapters have room, and which of them may be put out: strict least-recently-used over those that nobody
/// holds.
///
/// An adapter's time of use is when it was pinned or unpinned last. Not thread-safe: guarded by the residency's
/// lock.
final class HostMemory {
    private final long capacityBytes;
    private final int maxAdapters;
    private final Map<Digest, Resident> residents = new HashMap<>();

    /// Idle residents by time of use, oldest first.
    private final SortedMap<Long, Resident> idle = new TreeMap<>();

    private final BitSet slots = new BitSet();
    private final SlotArray table;
    private long reservedBytes;
    private long idleBytes;
    private long clock;
    private long evictions;

    HostMemory(long capacityBytes, int maxAdapters) {
        this.capacityBytes = capacityBytes;
        this.maxAdapters = maxAdapters;
        this.table = new SlotArray(maxAdapters);
    }

    SlotArray table() {
        return table;
    }

    @Nullable
    Resident find(Digest digest) {
        return residents.get(digest);
    }

    boolean hasAll(SortedMap<Digest, Long> wanted) {
        return residents.keySet().containsAll(wanted.keySet());
    }

    /// Whether all wanted could have room at once if idle others were put out.
    boolean canHold(SortedMap<Digest, Long> wanted) {
        long bytes = reservedBytes - idleBytes;
        int adapters = residents.size() - idle.size();
        for (Map.Entry<Digest, Long> entry : wanted.entrySet()) {
            Resident resident = residents.get(entry.getKey());
            if (resident == null) {
                bytes = Math.addExact(bytes, entry.getValue());
                adapters++;
            } else if (resident.isIdle()) {
                bytes += resident.sizeBytes();
                adapters++;
            }
        }
        return bytes <= capacityBytes && adapters <= maxAdapters;
    }

    void pin(Resident resident) {
        if (resident.isIdle()) {
            removeIdle(resident);
        }
        resident.pins(resident.pins() + 1);
        resident.lastUse(++clock);
    }

    void unpin(Resident resident) {
        if (resident.pins() == 0) {
            throw new IllegalStateException("adapter " + resident.digest() + " is unpinned more often than pinned");
        }
        resident.pins(resident.pins() - 1);
        resident.lastUse(++clock);
        addIfIdle(resident);
    }

    /// Makes room for an adapter that has none, putting out idle ones, and pins it. [#canHold] must have said so.
    Resident reserve(Digest digest, long sizeBytes, List<Resident> evicted) {
        while (reservedBytes + sizeBytes > capacityBytes || residents.size() == maxAdapters) {
            evicted.add(evictOldest());
        }
        int slot = slots.nextClearBit(0);
        var resident = new Resident(digest, slot, sizeBytes);
        slots.set(slot);
        residents.put(digest, resident);
        reservedBytes += sizeBytes;
        pin(resident);
        return resident;
    }

    /// To be called when a resident has been loaded, as nobody may hold it any more by then.
    void addIfIdle(Resident resident) {
        if (resident.isIdle()) {
            idle.put(resident.lastUse(), resident);
            idleBytes += resident.sizeBytes();
        }
    }

    /// Takes an adapter out that could not be loaded, or that is idle.
    void remove(Resident resident) {
        if (resident.isIdle()) {
            removeIdle(resident);
        }
        residents.remove(resident.digest());
        slots.clear(resident.slot());
        table.set(resident.slot(), null);
        reservedBytes -= resident.sizeBytes();
    }

    List<Resident> idleOldestFirst() {
        return List.copyOf(idle.values());
    }

    long reservedBytes() {
        return reservedBytes;
    }

    long evictions() {
        return evictions;
    }

    int size() {
        return residents.size();
    }

    int loading() {
        return (int) residents.values().stream()
                .filter(resident -> !resident.isLoaded())
                .count();
    }

    int leased() {
        return (int) residents.values().stream()
                .filter(resident -> resident.isLoaded() && resident.pins() > 0)
                .count();
    }

    /// Checks the accounts against what is there, given how often each adapter is held; throws
    /// [IllegalStateException].
    void checkIntegrity(Map<Resident, Integer> holds) {
        long bytes = 0;
        long bytesIdle = 0;
        var usedSlots = new BitSet();
        for (Resident resident : residents.values()) {
            require(!usedSlots.get(resident.slot()), "slot " + resident.slot() + " is used twice");
            usedSlots.set(resident.slot());
            bytes += resident.sizeBytes();
            bytesIdle += resident.isIdle() ? resident.sizeBytes() : 0;
            require(
                    resident.pins() == holds.getOrDefault(resident, 0),
                    resident.digest() + " has " + resident.pins() + " pins, is held " + holds.get(resident) + " times");
            require(
                    resident.isIdle() == (idle.get(resident.lastUse()) == resident),
                    resident.digest() + " idle or not, the list says otherwise");
        }
        require(residents.values().containsAll(holds.keySet()), "an adapter is held that has no room");
        require(bytes == reservedBytes && bytesIdle == idleBytes, "bytes do not add up");
        require(reservedBytes <= capacityBytes, reservedBytes + " bytes exceed " + capacityBytes);
        require(residents.size() <= maxAdapters, residents.size() + " adapters exceed " + maxAdapters);
        require(usedSlots.equals(slots) && slots.length() <= maxAdapters, "slots do not add up");
        require(idle.values().stream().allMatch(Resident::isIdle), "the idle list has one that is not");
    }

    private Resident evictOldest() {
        if (idle.isEmpty()) {
            throw new IllegalStateException("no idle adapter to put out");
        }
        Resident oldest = idle.get(idle.firstKey());
        if (oldest == null) {
            throw new IllegalStateException("the idle list has a hole");
        }
        remove(oldest);
        evictions++;
        return oldest;
    }

    private void removeIdle(Resident resident) {
        idle.remove(resident.lastUse());
        idleBytes -= resident.sizeBytes();
    }

    private static void require(boolean held, String problem) {
        if (!held) {
            throw new IllegalStateException("host memory: " + problem);
        }
    }
}
