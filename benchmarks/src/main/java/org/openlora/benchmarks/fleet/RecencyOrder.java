package org.openlora.benchmarks.fleet;

import java.util.LinkedHashSet;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/// Adapters in the order in which they were asked for last: what a server that keeps the most recently used has
/// certainly put out is at the front.
final class RecencyOrder {
    private final LinkedHashSet<Integer> oldestFirst = new LinkedHashSet<>();

    RecencyOrder(int adapters) {
        IntStream.range(0, adapters).forEach(oldestFirst::add);
    }

    void touch(int adapter) {
        oldestFirst.remove(adapter);
        oldestFirst.add(adapter);
    }

    /// The one that nobody asked for longest, of those that `wanted` allows; asked for from now on.
    int takeOldest(IntPredicate wanted) {
        int oldest = oldestFirst.stream()
                .filter(wanted::test)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("the fleet has no adapter of the kind wanted"));
        touch(oldest);
        return oldest;
    }
}
