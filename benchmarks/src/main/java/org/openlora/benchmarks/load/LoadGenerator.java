package org.openlora.benchmarks.load;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;

/// Sends the requests of a [Workload] at the times that its [Arrivals] say, and waits for all of them.
///
/// @param modelNames the base's name first, then the adapters', in the order of a workload's indices
/// @param shape what becomes of each request before it is sent
public record LoadGenerator(
        CompletionsClient client,
        Prompts prompts,
        List<String> modelNames,
        int maxTokens,
        UnaryOperator<CompletionRequest> shape) {
    public LoadGenerator {
        modelNames = List.copyOf(modelNames);
    }

    /// Requests as they are.
    public LoadGenerator(CompletionsClient client, Prompts prompts, List<String> modelNames, int maxTokens) {
        this(client, prompts, modelNames, maxTokens, UnaryOperator.identity());
    }

    /// All completions, in the order of the requests, and how long it took from the first request to the last end.
    public record Run(List<Completion> completions, double wallSeconds) {}

    /// Runs the workload once.
    ///
    /// @param promptOffset the first request's prompt in the pool
    /// @throws IllegalArgumentException if it needs more adapters than the server has
    public Run run(Workload workload, int promptOffset) {
        if (workload.adaptersNeeded() > modelNames.size() - 1) {
            throw new IllegalArgumentException("workload %s needs %d adapters, the server offers %d"
                    .formatted(workload.name(), workload.adaptersNeeded(), modelNames.size() - 1));
        }
        long start = System.nanoTime();
        List<Completion> completions =
                switch (workload.arrivals()) {
                    case Arrivals.ClosedLoop(int streams) -> closed(workload, streams, promptOffset);
                    case Arrivals.OpenLoop loop -> open(workload, loop, promptOffset);
                };
        return new Run(completions, (System.nanoTime() - start) / 1e9);
    }

    /// Request `index` of a workload.
    public CompletionRequest request(Workload workload, int index, int promptOffset) {
        int adapter = workload.adapters().get(index);
        return shape.apply(new CompletionRequest(
                modelNames.get(adapter + 1), adapter, prompts.at(promptOffset + index), maxTokens));
    }

    private List<Completion> closed(Workload workload, int streams, int promptOffset) {
        AtomicInteger next = new AtomicInteger();
        List<CompletableFuture<Completion>> results = slots(workload);
        for (int stream = 0; stream < streams; stream++) {
            goOn(workload, promptOffset, next, results);
        }
        return collect(results);
    }

    /// One stream: takes the next request that nobody has sent, and comes back when it has ended.
    private void goOn(
            Workload workload, int promptOffset, AtomicInteger next, List<CompletableFuture<Completion>> results) {
        int index = next.getAndIncrement();
        if (index >= results.size()) {
            return;
        }
        var _ = client.complete(request(workload, index, promptOffset)).thenAccept(completion -> {
            goOn(workload, promptOffset, next, results);
            results.get(index).complete(completion);
        });
    }

    private List<Completion> open(Workload workload, Arrivals.OpenLoop loop, int promptOffset) {
        SplittableRandom random = new SplittableRandom(loop.seed());
        List<CompletableFuture<Completion>> results = new ArrayList<>();
        long due = System.nanoTime();
        for (int index = 0; index < workload.adapters().size(); index++) {
            // Gaps of a Poisson process are exponential. Being late does not move the requests behind.
            due += (long) (random.nextExponential() / loop.requestsPerSecond() * TimeUnit.SECONDS.toNanos(1));
            for (long wait = due - System.nanoTime(); wait > 0; wait = due - System.nanoTime()) {
                LockSupport.parkNanos(wait);
            }
            results.add(client.complete(request(workload, index, promptOffset)));
        }
        return collect(results);
    }

    private static List<CompletableFuture<Completion>> slots(Workload workload) {
        return workload.adapters().stream()
                .map(_ -> new CompletableFuture<Completion>())
                .toList();
    }

    private static List<Completion> collect(List<CompletableFuture<Completion>> results) {
        return results.stream().map(CompletableFuture::join).toList();
    }
}
