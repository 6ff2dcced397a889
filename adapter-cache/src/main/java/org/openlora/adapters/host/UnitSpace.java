package org.openlora.adapters.host;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;

/// Which units of the arena are free.
///
/// An adapter gets the smallest free run that holds it whole, and where there is none, several runs, the longest
/// first. Its blocks are then placed one by one, each in the first run with room for it. What a run may lose at its
/// end is less than the largest block, so a plan takes that much more for each run but one, and no placing of blocks in
/// any order can fail; units that were not needed are given back after the load. So the only free memory that cannot be
/// used is in runs shorter than the largest block, which is why nothing is ever moved. Not thread-safe.
final class UnitSpace {
    private final int units;
    private final int unitBytes;

    /// Lengths of free runs by their first unit; no two of them touch.
    private final TreeMap<Integer, Integer> free = new TreeMap<>();

    private int freeUnits;

    UnitSpace(int units, int unitBytes) {
        this.units = units;
        this.unitBytes = unitBytes;
        free.put(0, units);
        freeUnits = units;
    }

    private UnitSpace(UnitSpace other) {
        this.units = other.units;
        this.unitBytes = other.unitBytes;
        free.putAll(other.free);
        freeUnits = other.freeUnits;
    }

    UnitSpace copy() {
        return new UnitSpace(this);
    }

    int units() {
        return units;
    }

    int freeUnits() {
        return freeUnits;
    }

    /// Units of an adapter that is in one piece.
    int unitsOf(AdapterSize size) {
        return unitsOf(size, unitBytes);
    }

    static int unitsOf(AdapterSize size, int unitBytes) {
        return Math.toIntExact(Math.ceilDiv(size.bytes(), (long) unitBytes));
    }

    /// Runs for an adapter, still to be [taken][#take]; empty where it cannot be placed.
    Optional<List<Run>> plan(AdapterSize size) {
        int needed = unitsOf(size);
        if (needed > freeUnits) {
            return Optional.empty();
        }
        return smallest(needed, List.of())
                .map(run -> List.of(new Run(run.start(), needed)))
                .or(() -> planPieces(size));
    }

    void take(List<Run> runs) {
        for (Run run : runs) {
            Map.Entry<Integer, Integer> around = free.floorEntry(run.start());
            if (around == null || around.getKey() + around.getValue() < run.end()) {
                throw new IllegalStateException(run + " is not free");
            }
            free.remove(around.getKey());
            if (around.getKey() < run.start()) {
                free.put(around.getKey(), run.start() - around.getKey());
            }
            int end = around.getKey() + around.getValue();
            if (run.end() < end) {
                free.put(run.end(), end - run.end());
            }
            freeUnits -= run.length();
        }
    }

    void give(List<Run> runs) {
        for (Run run : runs) {
            int start = run.start();
            int end = run.end();
            Map.Entry<Integer, Integer> before = free.lowerEntry(end);
            if (end > units || (before != null && before.getKey() + before.getValue() > start)) {
                throw new IllegalStateException(run + " is free already, or beyond the arena");
            }
            if (before != null && before.getKey() + before.getValue() == start) {
                start = before.getKey();
            }
            Integer after = free.remove(end);
            if (after != null) {
                end += after;
            }
            free.put(start, end - start);
            freeUnits += run.length();
        }
    }

    /// Checks that free runs and `used` ones fill the arena without gap or overlap; throws [IllegalStateException].
    void checkIntegrity(List<Run> used) {
        var seen = new BitSet(units);
        int total = 0;
        for (Run run : used) {
            total += mark(seen, run);
        }
        int counted = 0;
        int lastEnd = -1;
        for (Map.Entry<Integer, Integer> entry : free.entrySet()) {
            counted += mark(seen, new Run(entry.getKey(), entry.getValue()));
            require(entry.getKey() > lastEnd, "free runs touch at unit " + lastEnd);
            lastEnd = entry.getKey() + entry.getValue();
        }
        require(counted == freeUnits, counted + " units are free, " + freeUnits + " were counted");
        require(total + counted == units, total + " used and " + counted + " free units are not " + units);
    }

    private int mark(BitSet seen, Run run) {
        require(run.end() <= units, run + " is beyond " + units + " units");
        int clash = seen.nextSetBit(run.start());
        require(clash < 0 || clash >= run.end(), "unit " + clash + " is used twice");
        seen.set(run.start(), run.end());
        return run.length();
    }

    private Optional<List<Run>> planPieces(AdapterSize size) {
        long lossBytes = size.largestBlockBytes() - AdapterMemory.ALIGNMENT_BYTES;
        List<Run> longest = free.entrySet().stream()
                .map(entry -> new Run(entry.getKey(), entry.getValue()))
                .filter(run -> (long) run.length() * unitBytes > lossBytes)
                .sorted(Comparator.comparingInt(Run::length).reversed().thenComparingInt(Run::start))
                .toList();
        var planned = new ArrayList<Run>();
        long missingBytes = size.bytes();
        for (Run run : longest) {
            long bytes = (long) run.length() * unitBytes;
            if (bytes < missingBytes) {
                planned.add(run);
                missingBytes -= bytes - lossBytes;
                continue;
            }
            int last = Math.toIntExact(Math.ceilDiv(missingBytes, (long) unitBytes));
            Run from = smallest(last, planned).orElse(run);
            planned.add(new Run(from.start(), last));
            return Optional.of(List.copyOf(planned));
        }
        return Optional.empty();
    }

    /// The shortest free run of at least `length` units that is none of `others`.
    private Optional<Run> smallest(int length, List<Run> others) {
        Run best = null;
        for (Map.Entry<Integer, Integer> entry : free.entrySet()) {
            int found = entry.getValue();
            if (found >= length && (best == null || found < best.length())) {
                var run = new Run(entry.getKey(), found);
                if (!others.contains(run)) {
                    best = run;
                }
            }
        }
        return Optional.ofNullable(best);
    }

    private static void require(boolean held, String problem) {
        if (!held) {
            throw new IllegalStateException("arena: " + problem);
        }
    }
}
