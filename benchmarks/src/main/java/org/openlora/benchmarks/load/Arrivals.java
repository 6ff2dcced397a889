package org.openlora.benchmarks.load;

/// When requests are sent.
public sealed interface Arrivals {
    /// Streams that each send their next request when the last one ended: load adapts to the server.
    record ClosedLoop(int streams) implements Arrivals {
        public ClosedLoop {
            if (streams < 1) {
                throw new IllegalArgumentException("streams is %d; it must be at least 1".formatted(streams));
            }
        }
    }

    /// A Poisson process: users who do not know of each other and do not wait for the server.
    record OpenLoop(double requestsPerSecond, long seed) implements Arrivals {
        public OpenLoop {
            if (!(requestsPerSecond > 0 && requestsPerSecond < 1e6)) {
                throw new IllegalArgumentException(
                        "the rate is %s requests/s; allowed are 0 < rate < 1e6".formatted(requestsPerSecond));
            }
        }
    }
}
