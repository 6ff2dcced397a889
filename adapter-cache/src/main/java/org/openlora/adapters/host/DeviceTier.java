package org.openlora.adapters.host;

import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.openlora.adapters.SlotTable;

/// Which host-resident adapters have a slot, and which of them may lose it: strict least-recently-used over those
/// that are neither leased nor pinned here. Not thread-safe: guarded by the residency's lock.
final class DeviceTier {
    private final SlotArray table;
    private final long capacityBytes;
    private final BitSet used = new BitSet();

    /// Those that may lose their slot, by time of use, oldest first.
    private final SortedMap<Long, Resident> idle = new TreeMap<>();

    private long usedBytes;
    private long idleBytes;

    DeviceTier(int slots, long capacityBytes) {
        this.table = new SlotArray(slots);
        this.capacityBytes = capacityBytes;
    }

    SlotTable table() {
        return table;
    }

    int slots() {
        return table.slots();
    }

    long usedBytes() {
        return usedBytes;
    }

    int usedSlots() {
        return used.cardinality();
    }

    /// Whether all could stand in slots at once if idle others lost theirs.
    boolean canSeat(Collection<Resident> residents) {
        int slots = used.cardinality() - idle.size();
        long bytes = usedBytes - idleBytes;
        for (Resident resident : residents) {
            if (!resident.hasSlot() || resident.isIdleInSlot()) {
                slots++;
                bytes += resident.size().bytes();
            }
        }
        return slots <= table.slots() && bytes <= capacityBytes;
    }

    /// Gives each a slot, for which [#canSeat] must have said that there is room.
    ///
    /// @param evicted is told who lost its slot
    void seat(List<Resident> residents, Consumer<Resident> evicted) {
        // What stands in a slot first, lest it lose it to make room for what does not.
        residents.stream().filter(Resident::hasSlot).forEach(this::lease);
        for (Resident resident : residents) {
            if (resident.hasSlot()) {
                continue;
            }
            while (used.cardinality() == table.slots()
                    || usedBytes + resident.size().bytes() > capacityBytes) {
                Resident oldest = idle.get(idle.firstKey());
                if (oldest == null) {
                    throw new IllegalStateException("the idle list has a hole");
                }
                clear(oldest);
                evicted.accept(oldest);
            }
            int slot = used.nextClearBit(0);
            used.set(slot);
            usedBytes += resident.size().bytes();
            resident.slot(slot);
            lease(resident);
            table.set(slot, resident);
        }
    }

    /// To be called before anything that may change whether it is idle, followed by [#changed].
    void changing(Resident resident) {
        if (idle.remove(resident.lastUse(), resident)) {
            idleBytes -= resident.size().bytes();
        }
    }

    void changed(Resident resident) {
        if (resident.isIdleInSlot()) {
            idle.put(resident.lastUse(), resident);
            idleBytes += resident.size().bytes();
        }
    }

    /// Takes the slot away from an adapter that has one.
    void clear(Resident resident) {
        changing(resident);
        used.clear(resident.slot());
        usedBytes -= resident.size().bytes();
        int slot = resident.slot();
        resident.slot(Resident.NO_SLOT);
        table.set(slot, null);
    }

    /// Checks the accounts against what is there, given how often each adapter is leased; throws
    /// [IllegalStateException].
    void checkIntegrity(List<Resident> residents, Map<Resident, Integer> leases) {
        long bytes = 0;
        long bytesIdle = 0;
        var slots = new BitSet();
        for (Resident resident : residents) {
            int expected = leases.getOrDefault(resident, 0);
            require(
                    resident.leases() == expected,
                    resident.digest() + " counts " + resident.leases() + " leases, has " + expected);
            require(resident.hasSlot() || expected == 0, resident.digest() + " is leased without a slot");
            require(
                    resident.isIdleInSlot() == (idle.get(resident.lastUse()) == resident),
                    resident.digest() + " may lose its slot or not, the list says otherwise");
            if (resident.hasSlot()) {
                require(table.at(resident.slot()) == resident, "slot " + resident.slot() + " holds another");
                slots.set(resident.slot());
                bytes += resident.size().bytes();
                bytesIdle += resident.isIdleInSlot() ? resident.size().bytes() : 0;
            }
        }
        for (int slot = 0; slot < table.slots(); slot++) {
            require(slots.get(slot) == (table.at(slot) != null), "slot " + slot + " is empty or not");
        }
        require(slots.equals(used), "used slots do not add up");
        require(bytes == usedBytes && bytesIdle == idleBytes, "bytes do not add up");
        require(usedBytes <= capacityBytes, usedBytes + " bytes exceed " + capacityBytes);
    }

    private void lease(Resident resident) {
        changing(resident);
        resident.leases(resident.leases() + 1);
    }

    private static void require(boolean held, String problem) {
        if (!held) {
            throw new IllegalStateException("device tier: " + problem);
        }
    }
}
