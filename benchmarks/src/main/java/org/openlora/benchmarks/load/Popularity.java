package org.openlora.benchmarks.load;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/// Which adapters the requests of a workload ask for.
public enum Popularity {
    /// No adapter: the bare base model.
    NONE,
    /// The first adapter, always.
    IDENTICAL,
    /// One after the other, so that no two requests near each other share one.
    DISTINCT,
    /// Each adapter as likely as any other.
    UNIFORM,
    /// The k-th most popular adapter with a likelihood of 1/k; which those are depends on the seed.
    ZIPF;

    /// The adapter of each request, as an index below `adapters`, or [Workload#NO_ADAPTER].
    ///
    /// @throws IllegalArgumentException if an adapter is needed and there is none
    public List<Integer> choose(int requests, int adapters, long seed) {
        if (this != NONE && adapters < 1) {
            throw new IllegalArgumentException("popularity %s needs an adapter, and there is none".formatted(this));
        }
        Random random = new Random(seed);
        return switch (this) {
            case NONE -> Collections.nCopies(requests, Workload.NO_ADAPTER);
            case IDENTICAL -> Collections.nCopies(requests, 0);
            case DISTINCT ->
                IntStream.range(0, requests).mapToObj(i -> i % adapters).toList();
            case UNIFORM ->
                IntStream.range(0, requests)
                        .mapToObj(_ -> random.nextInt(adapters))
                        .toList();
            case ZIPF -> zipf(requests, adapters, random);
        };
    }

    private static List<Integer> zipf(int requests, int adapters, Random random) {
        List<Integer> order =
                new ArrayList<>(IntStream.range(0, adapters).boxed().toList());
        Collections.shuffle(order, random);
        double[] cumulative = new double[adapters];
        double total = 0;
        for (int k = 0; k < adapters; k++) {
            total += 1.0 / (k + 1);
            cumulative[k] = total;
        }
        double mass = total;
        return IntStream.range(0, requests)
                .mapToObj(_ -> {
                    int found = Arrays.binarySearch(cumulative, random.nextDouble() * mass);
                    return order.get(found < 0 ? Math.min(-found - 1, adapters - 1) : found);
                })
                .toList();
    }
}
