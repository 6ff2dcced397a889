package org.openlora.adapters.host;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.Digest;

/// Which adapters have a place in the arena, and which of them may be put out: strict least-recently-used over
/// those that nobody holds and nobody pinned.
///
/// Not thread-safe: guarded by the residency's lock.
final class HostTier {
    private final MemorySegment arena;
    private final int unitBytes;
    private final UnitSpace space;

    /// Those that requests can find; one for a digest.
    private final Map<Digest, Resident> current = new HashMap<>();

    /// Those that no request can find any more and somebody still holds.
    private final Set<Resident> detached = new LinkedHashSet<>();

    /// Idle ones by time of use, oldest first.
    private final SortedMap<Long, Resident> idle = new TreeMap<>();

    private int idleUnits;

    HostTier(MemorySegment arena, int units, int unitBytes) {
        this.arena = arena;
        this.unitBytes = unitBytes;
        this.space = new UnitSpace(units, unitBytes);
    }

    @Nullable
    Resident find(Digest digest) {
        return current.get(digest);
    }

    boolean hasAll(Set<Digest> wanted) {
        return current.keySet().containsAll(wanted);
    }

    int unitsOf(AdapterSize size) {
        return space.unitsOf(size);
    }

    int units() {
        return space.units();
    }

    long usedBytes() {
        return (long) (space.units() - space.freeUnits()) * unitBytes;
    }

    /// All that have a place, in no order.
    List<Resident> all() {
        var all = new ArrayList<>(current.values());
        all.addAll(detached);
        return all;
    }

    List<Resident> idleOldestFirst() {
        return List.copyOf(idle.values());
    }

    /// Whether all of `wanted` could have a place if idle ones were put out, be it some of `wanted` that come back to
    /// another place.
    boolean canHold(Map<Digest, AdapterSize> wanted) {
        var movable = new TreeMap<>(wanted);
        movable.keySet().removeIf(digest -> {
            Resident resident = current.get(digest);
            return resident != null && !resident.isIdle();
        });
        return canHoldInPlace(wanted) || canPlace(movable.values().stream().toList(), any -> true);
    }

    /// Whether those of `wanted` that have no place could get one if idle others were put out.
    boolean canHoldInPlace(Map<Digest, AdapterSize> wanted) {
        List<AdapterSize> missing = missing(wanted).values().stream().toList();
        return missing.isEmpty() || canPlace(missing, resident -> !wanted.containsKey(resident.digest()));
    }

    /// Those of `wanted` that have a place and could be put out.
    List<Resident> idleOf(Set<Digest> wanted) {
        return idle.values().stream()
                .filter(resident -> wanted.contains(resident.digest()))
                .toList();
    }

    /// Whether adapters of these sizes could get a place if all idle ones that may go were put out.
    boolean canPlace(List<AdapterSize> sizes, Predicate<Resident> mayGo) {
        if (units(sizes) > space.freeUnits() + idleUnits) {
            return false;
        }
        UnitSpace emptied = space.copy();
        idle.values().stream()
                .filter(mayGo)
                .forEach(resident -> emptied.give(resident.placement().runs()));
        return plan(emptied, sizes).isPresent();
    }

    /// Those of `wanted` that have no place.
    SortedMap<Digest, AdapterSize> missing(Map<Digest, AdapterSize> wanted) {
        var missing = new TreeMap<>(wanted);
        missing.keySet().removeAll(current.keySet());
        return missing;
    }

    /// The idle adapters to put out, the least recently used first, so that adapters of these sizes get a place;
    /// [#canPlace] must have said that there are such.
    List<Resident> toEvict(List<AdapterSize> sizes, Predicate<Resident> mayGo) {
        int needed = units(sizes);
        UnitSpace emptied = space.copy();
        var victims = new ArrayList<Resident>();
        for (Resident oldest : idle.values()) {
            if (emptied.freeUnits() >= needed && plan(emptied, sizes).isPresent()) {
                return victims;
            }
            if (mayGo.test(oldest)) {
                victims.add(oldest);
                emptied.give(oldest.placement().runs());
            }
        }
        return victims;
    }

    /// Gives adapters a place, for which there must be room.
    List<Resident> reserve(Map<Digest, AdapterSize> adapters) {
        var sizes = new LinkedHashMap<>(adapters);
        List<List<Run>> plans = plan(space, List.copyOf(sizes.values()))
                .orElseThrow(() -> new IllegalStateException("there is no room for " + sizes));
        var reserved = new ArrayList<Resident>();
        sizes.forEach((digest, size) -> {
            List<Run> runs = plans.get(reserved.size());
            space.take(runs);
            var resident = new Resident(digest, size, new Placement(arena, unitBytes, digest, runs));
            current.put(digest, resident);
            reserved.add(resident);
        });
        return reserved;
    }

    /// Gives back what a loaded adapter did not need.
    void trim(Resident resident) {
        space.give(resident.placement().trim());
    }

    /// To be called before anything that may change whether it is idle, followed by [#changed].
    void changing(Resident resident) {
        if (idle.remove(resident.lastUse(), resident)) {
            idleUnits -= resident.placement().units();
        }
    }

    void changed(Resident resident) {
        if (resident.isIdle()) {
            idle.put(resident.lastUse(), resident);
            idleUnits += resident.placement().units();
        }
    }

    /// Hides an adapter from requests to come.
    void detach(Resident resident) {
        changing(resident);
        if (current.remove(resident.digest(), resident)) {
            detached.add(resident);
        }
        resident.detach();
    }

    /// Takes an adapter's place away, which nobody may use any more.
    void free(Resident resident) {
        changing(resident);
        current.remove(resident.digest(), resident);
        detached.remove(resident);
        resident.placement().erase();
        space.give(resident.placement().runs());
        resident.forget();
    }

    boolean isEmpty() {
        return current.isEmpty() && detached.isEmpty();
    }

    /// Checks the accounts against what is there, given how often each adapter is held; throws
    /// [IllegalStateException].
    void checkIntegrity(Map<Resident, Integer> holds) {
        var runs = new ArrayList<Run>();
        int expectedIdle = 0;
        for (Resident resident : all()) {
            runs.addAll(resident.placement().runs());
            require(resident.phase() != Resident.Phase.GONE, resident.digest() + " is gone and has a place");
            require(
                    resident.holds() == holds.getOrDefault(resident, 0),
                    resident.digest() + " counts " + resident.holds() + " holds, has " + holds.get(resident));
            require(
                    resident.isIdle() == (idle.get(resident.lastUse()) == resident),
                    resident.digest() + " is idle or not, the list says otherwise");
            expectedIdle += resident.isIdle() ? resident.placement().units() : 0;
        }
        for (Resident resident : detached) {
            require(resident.isDetached(), resident.digest() + " is findable and among the detached");
            require(
                    resident.holds() > 0
                            || resident.phase() == Resident.Phase.LOADING
                            || resident.phase() == Resident.Phase.CHECKING,
                    resident.digest() + " is detached, held by nobody, and still there");
        }
        require(all().containsAll(holds.keySet()), "an adapter is held that has no place");
        require(expectedIdle == idleUnits, expectedIdle + " units are idle, " + idleUnits + " were counted");
        space.checkIntegrity(runs);
    }

    private int units(List<AdapterSize> sizes) {
        return sizes.stream().mapToInt(space::unitsOf).reduce(0, Math::addExact);
    }

    private static Optional<List<List<Run>>> plan(UnitSpace space, List<AdapterSize> sizes) {
        UnitSpace scratch = sizes.size() == 1 ? space : space.copy();
        var plans = new ArrayList<List<Run>>();
        for (AdapterSize size : sizes) {
            Optional<List<Run>> runs = scratch.plan(size);
            if (runs.isEmpty()) {
                return Optional.empty();
            }
            if (scratch != space) {
                scratch.take(runs.get());
            }
            plans.add(runs.get());
        }
        return Optional.of(plans);
    }

    private static void require(boolean held, String problem) {
        if (!held) {
            throw new IllegalStateException("host tier: " + problem);
        }
    }
}
