package org.openlora.server.metrics;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.stream.Collectors;

/// Which adapters requests wait for and which they run with, by the names they asked with.
///
/// A name is counted while a request holds it and gone with its last: thousands of registered adapters cost nothing.
final class ActiveAdapters {
    private final ConcurrentMap<String, Integer> waiting = new ConcurrentHashMap<>();
    private final ConcurrentMap<String, Integer> running = new ConcurrentHashMap<>();

    /// One request's use of one adapter. Not thread-safe.
    final class Use {
        private final String name;
        private State state = State.WAITING;

        private Use(String name) {
            this.name = name;
            add(waiting, name);
        }

        /// The adapter is resident and leased.
        void run() {
            if (state == State.WAITING) {
                state = State.RUNNING;
                add(running, name);
                remove(waiting, name);
            }
        }

        /// The request is over; again does nothing.
        void end() {
            switch (state) {
                case WAITING -> remove(waiting, name);
                case RUNNING -> remove(running, name);
                case ENDED -> {}
            }
            state = State.ENDED;
        }
    }

    private enum State {
        WAITING,
        RUNNING,
        ENDED
    }

    /// A request waits for an adapter.
    Use waiting(String name) {
        return new Use(name);
    }

    /// Names with commas between them, in order.
    String waitingNames() {
        return names(waiting);
    }

    /// Names with commas between them, in order.
    String runningNames() {
        return names(running);
    }

    private static String names(ConcurrentMap<String, Integer> counts) {
        return counts.keySet().stream().sorted().collect(Collectors.joining(","));
    }

    private static void add(ConcurrentMap<String, Integer> counts, String name) {
        counts.merge(name, 1, Integer::sum);
    }

    private static void remove(ConcurrentMap<String, Integer> counts, String name) {
        counts.computeIfPresent(name, (_, count) -> count == 1 ? null : count - 1);
    }
}
