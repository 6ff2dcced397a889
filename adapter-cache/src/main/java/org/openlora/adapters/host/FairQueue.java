package org.openlora.adapters.host;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;

/// Requests that wait for room in a tier, served in the order in which they came. One that needs none may go before,
/// but only [#MAX_OVERTAKES] times the same one: a cold adapter cannot be starved by hot ones.
final class FairQueue {
    /// How many later requests may go before the same waiting one.
    static final int MAX_OVERTAKES = 64;

    private final Deque<LeaseRequest> waiting = new ArrayDeque<>();

    void add(LeaseRequest request) {
        request.overtaken(0);
        waiting.add(request);
    }

    void remove(LeaseRequest request) {
        waiting.remove(request);
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    int size() {
        return waiting.size();
    }

    List<LeaseRequest> all() {
        return List.copyOf(waiting);
    }

    /// Takes out and grants what can be granted now.
    ///
    /// @param fits whether a request could get its room
    /// @param needsNone whether it has its room already
    void serve(Predicate<LeaseRequest> fits, Predicate<LeaseRequest> needsNone, Consumer<LeaseRequest> grant) {
        while (!waiting.isEmpty() && fits.test(waiting.getFirst())) {
            grant.accept(waiting.removeFirst());
        }
        if (waiting.isEmpty()) {
            return;
        }
        LeaseRequest first = waiting.getFirst();
        var overtaking = new ArrayList<LeaseRequest>();
        Iterator<LeaseRequest> later = waiting.iterator();
        while (later.hasNext() && first.overtaken() < MAX_OVERTAKES) {
            LeaseRequest request = later.next();
            if (request != first && needsNone.test(request)) {
                later.remove();
                first.overtaken(first.overtaken() + 1);
                overtaking.add(request);
            }
        }
        overtaking.forEach(grant);
    }
}
