package org.openlora.engine;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.openlora.adapters.AdapterResidency;
import org.openlora.adapters.Digest;

/// Tells the residency which adapters will be wanted next: those of the requests that wait for theirs, in the order in
/// which these came. Once a step at most, a few of them, and only when these few are others than before.
/// Owned by the engine thread.
final class AdapterHints {
    /// Adapters named at once: a few loads ahead. More would push out what may still be used.
    static final int MOST = 16;

    private final AdapterResidency residency;
    private final Set<Generation> waiting = new LinkedHashSet<>();
    private List<Digest> given = List.of();
    private boolean changed;

    AdapterHints(AdapterResidency residency) {
        this.residency = residency;
    }

    void await(Generation generation) {
        changed |= !generation.request().adapters().isEmpty() && waiting.add(generation);
    }

    /// A request has its adapters, or ended without them.
    void settled(Generation generation) {
        changed |= waiting.remove(generation);
    }

    void give() {
        if (!changed) {
            return;
        }
        changed = false;
        Set<Digest> next = new LinkedHashSet<>();
        for (Generation generation : waiting) {
            generation.request().adapters().forEach(adapter -> next.add(adapter.digest()));
            if (next.size() >= MOST) {
                break;
            }
        }
        List<Digest> hints = new ArrayList<>(next).subList(0, Math.min(MOST, next.size()));
        if (!hints.equals(given)) {
            given = List.copyOf(hints);
            residency.prefetch(given);
        }
    }
}
