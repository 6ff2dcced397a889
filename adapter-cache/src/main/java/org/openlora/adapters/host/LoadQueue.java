package org.openlora.adapters.host;

import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/// Adapters that wait for a loading thread: those that a request waits for first, in order of arrival, then those that
/// are only expected to be wanted. Guarded by the residency's lock.
final class LoadQueue {
    private final int maxRunning;
    private final Set<Resident> waiting = new LinkedHashSet<>();
    private int running;

    LoadQueue(int maxRunning) {
        this.maxRunning = maxRunning;
    }

    void add(Resident resident) {
        waiting.add(resident);
    }

    void remove(Resident resident) {
        waiting.remove(resident);
    }

    int waiting() {
        return waiting.size();
    }

    int running() {
        return running;
    }

    boolean isSaturated() {
        return waiting.size() + running >= maxRunning;
    }

    /// The next to be worked on, as far as there may be one more; [#ended] must follow.
    Optional<Resident> start() {
        if (running == maxRunning || waiting.isEmpty()) {
            return Optional.empty();
        }
        Resident next = waiting.stream()
                .filter(resident -> resident.holds() > 0)
                .findFirst()
                .orElseGet(() -> waiting.iterator().next());
        waiting.remove(next);
        running++;
        return Optional.of(next);
    }

    void ended() {
        running--;
    }

    void checkIntegrity() {
        boolean sound = waiting.stream()
                .allMatch(resident -> resident.phase() == Resident.Phase.TO_LOAD
                        || resident.phase() == Resident.Phase.TO_CHECK);
        if (!sound || running < 0 || running > maxRunning || (running < maxRunning && !waiting.isEmpty())) {
            throw new IllegalStateException("load queue: " + running + " of " + maxRunning + " loads run, "
                    + waiting.size() + " wait, all in the right phase: " + sound);
        }
    }
}
