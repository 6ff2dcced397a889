package org.openlora.engine.scheduler;

import java.util.HashMap;
import java.util.Map;

/// Counts the service that each of several parties got, so that whoever got least is served next: the virtual
/// token counter of "Fairness in Serving Large Language Models" (arXiv 2401.00588).
///
/// While two parties both have work waiting, what they got differs by a bounded amount, however much either asks
/// for. A party that comes (back) is lifted to the least served of the others, so nobody saves up service by being
/// away; and when all are gone, all is forgotten. Owned by the engine thread.
///
/// @param <K> what names a party
final class VirtualTokenCounters<K> {
    private final Map<K, Counter> counters = new HashMap<>();
    private long arrivals;

    /// One party's counter.
    static final class Counter {
        private final long number; // breaks ties between counters of equal service
        private long tokens;
        private int open;

        private Counter(long number) {
            this.number = number;
        }

        /// Weighted tokens of service.
        long tokens() {
            return tokens;
        }

        void charge(long weightedTokens) {
            tokens += weightedTokens;
        }

        /// Negative where this one is to be served before `other`; 0 only for itself.
        int order(Counter other) {
            int served = Long.compare(tokens, other.tokens);
            return served != 0 ? served : Long.compare(number, other.number);
        }
    }

    /// A piece of work of a party comes in.
    Counter enter(K party) {
        Counter counter = counters.get(party);
        if (counter == null) {
            counter = new Counter(arrivals++);
            counters.put(party, counter);
        }
        if (counter.open == 0) {
            counter.tokens = Math.max(counter.tokens, leastOfActive());
        }
        counter.open++;
        return counter;
    }

    /// A piece of work that came in is over.
    void leave(Counter counter) {
        if (--counter.open == 0) {
            // Who is idle at or below the least active one would be lifted anyway: no need to remember.
            long least = leastOfActive();
            boolean anyActive = counters.values().stream().anyMatch(other -> other.open > 0);
            counters.values().removeIf(other -> other.open == 0 && (!anyActive || other.tokens <= least));
        }
    }

    /// Pieces of work that came in and are not over.
    int open() {
        return counters.values().stream().mapToInt(counter -> counter.open).sum();
    }

    private long leastOfActive() {
        long least = Long.MAX_VALUE;
        for (Counter counter : counters.values()) {
            if (counter.open > 0) {
                least = Math.min(least, counter.tokens);
            }
        }
        return least == Long.MAX_VALUE ? 0 : least;
    }
}
