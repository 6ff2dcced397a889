package org.openlora.benchmarks.fleet;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.openlora.benchmarks.load.Completion;
import org.openlora.benchmarks.load.CompletionRequest;
import org.openlora.benchmarks.load.Prompts;

/// Closed loops that each ask one adapter of their own for answer after answer, until they are told to end.
final class ResidentStreams {
    private final FleetServer server;
    private final Prompts prompts;
    private final int maxTokens;
    private final String salt;
    private final AtomicInteger sent = new AtomicInteger();
    private final ConcurrentLinkedQueue<Completion> completions = new ConcurrentLinkedQueue<>();
    private final List<CompletableFuture<Void>> streams = new ArrayList<>();
    private volatile boolean ending;

    ResidentStreams(FleetServer server, Prompts prompts, int maxTokens, String salt) {
        this.server = server;
        this.prompts = prompts;
        this.maxTokens = maxTokens;
        this.salt = salt;
    }

    /// Starts one stream for each of the adapters below `count`.
    void start(int count) {
        for (int adapter = 0; adapter < count; adapter++) {
            CompletableFuture<Void> ended = new CompletableFuture<>();
            streams.add(ended);
            goOn(adapter, ended);
        }
    }

    /// Lets every stream finish its answer.
    ///
    /// @return all answers since the start
    List<Completion> end() {
        ending = true;
        streams.forEach(CompletableFuture::join);
        return List.copyOf(completions);
    }

    private void goOn(int adapter, CompletableFuture<Void> ended) {
        if (ending) {
            ended.complete(null);
            return;
        }
        CompletionRequest request = server.request(adapter, prompts.at(sent.getAndIncrement()), maxTokens)
                .salted(salt);
        var _ = server.client().complete(request).thenAccept(completion -> {
            completions.add(completion);
            goOn(adapter, ended);
        });
    }
}
