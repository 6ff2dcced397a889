package org.openlora.benchmarks.load;

import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.openlora.benchmarks.roofline.Roofline;

/// Requests of one shape: how many at a time, and which adapter each names.
///
/// The named ones are closed loops of 128 prompt and 128 new tokens unless asked otherwise:
///
/// | name | streams | requests | adapters |
/// |---|---|---|---|
/// | B1 | 1 | 4 | none |
/// | W1 | 1 | 4 | the first |
/// | W2 | 8 | 16 | the first |
/// | W3 | 8 | 16 | eight, in turn |
/// | W4 | 8 | 32 | Zipf(1.0) over 64 |
/// | W5 | 8 | 16 | none |
///
/// @param adapters index of each request's adapter, or [#NO_ADAPTER]
public record Workload(String name, Arrivals arrivals, List<Integer> adapters) {
    /// A request of the bare base model.
    public static final int NO_ADAPTER = Roofline.NO_ADAPTER;

    /// All named workloads, in the order in which they are reported.
    public static final List<String> NAMES = List.of("B1", "W1", "W2", "W3", "W4", "W5");

    /// W4's draws from Zipf(1.0) over 64 adapters: part of its definition, so that every load generator, in
    /// whatever language, sends the same requests.
    private static final List<Integer> W4_ADAPTERS = List.of(
            12, 20, 10, 18, 10, 20, 55, 12, 50, 45, 10, 55, 10, 12, 27, 31, 23, 10, 56, 33, 49, 12, 12, 55, 30, 10, 10,
            20, 8, 10, 54, 20);

    private static final int STREAMS = 8;

    public Workload {
        adapters = List.copyOf(adapters);
        if (adapters.isEmpty()) {
            throw new IllegalArgumentException("workload %s has no request".formatted(name));
        }
        for (int adapter : adapters) {
            if (adapter < NO_ADAPTER) {
                throw new IllegalArgumentException("workload %s names adapter %d".formatted(name, adapter));
            }
        }
    }

    /// The workload of this name with a share of its requests, at least one.
    ///
    /// @param scale 1 for all of them
    /// @throws IllegalArgumentException if there is no such workload, naming those that there are
    public static Workload named(String name, double scale) {
        Workload full =
                switch (name) {
                    case "B1" -> closed(name, 1, Collections.nCopies(4, NO_ADAPTER));
                    case "W1" -> closed(name, 1, Collections.nCopies(4, 0));
                    case "W2" -> closed(name, STREAMS, Collections.nCopies(16, 0));
                    case "W3" ->
                        closed(
                                name,
                                STREAMS,
                                IntStream.range(0, 16)
                                        .mapToObj(i -> i % STREAMS)
                                        .toList());
                    case "W4" -> closed(name, STREAMS, W4_ADAPTERS);
                    case "W5" -> closed(name, STREAMS, Collections.nCopies(16, NO_ADAPTER));
                    default ->
                        throw new IllegalArgumentException(
                                "there is no workload %s; there are %s".formatted(name, NAMES));
                };
        int requests = (int) Math.max(1, Math.rint(full.adapters.size() * scale));
        return new Workload(name, full.arrivals, full.repeated(requests));
    }

    /// How many adapters a server must have for it.
    public int adaptersNeeded() {
        return 1 + Collections.max(adapters);
    }

    /// The adapters of the requests that run together at the beginning; empty where load is an open loop.
    public List<Integer> firstBatch() {
        return switch (arrivals) {
            case Arrivals.ClosedLoop(int streams) ->
                repeated(Math.max(streams, 1)).subList(0, streams);
            case Arrivals.OpenLoop _ -> List.of();
        };
    }

    private List<Integer> repeated(int requests) {
        return IntStream.range(0, requests)
                .mapToObj(i -> adapters.get(i % adapters.size()))
                .toList();
    }

    private static Workload closed(String name, int streams, List<Integer> adapters) {
        return new Workload(name, new Arrivals.ClosedLoop(streams), adapters);
    }
}
