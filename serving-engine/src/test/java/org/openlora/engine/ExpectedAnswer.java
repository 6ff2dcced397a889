package org.openlora.engine;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.scheduler.AdapterSelection;

/// A request of the simulation: what it must be answered, and what it was answered so far. Each token is compared as
/// it comes.
final class ExpectedAnswer implements GenerationSink {
    private final GenerationRequest request;
    private final long residentBytes;
    private final Instant submitted;
    private final int[] expected;
    private final int[] streamed;
    private final List<Usage> finished = new ArrayList<>();
    private boolean aborted;
    private boolean ended;
    private @Nullable EngineException failure;

    /// @param adaptersKey of the weights it names, as [FakeModel#adapterKey] puts them together
    /// @param residentBytes of all its adapters
    ExpectedAnswer(GenerationRequest request, long adaptersKey, long residentBytes, Instant submitted) {
        this.request = request;
        this.residentBytes = residentBytes;
        this.submitted = submitted;
        this.expected = FakeModel.expected(
                request.prompt(), adaptersKey, request.params().maxTokens());
        this.streamed = new int[request.choices()];
    }

    @Override
    public void accept(GenerationEvent event) {
        require(!ended, "an event after the end: " + event);
        switch (event) {
            case GenerationEvent.Started(List<AdapterSelection> adapters) ->
                require(List.copyOf(adapters).equals(sorted(request.adapters())), "it started with " + adapters);
            case GenerationEvent.Delta delta -> {
                int at = streamed[delta.choice()]++;
                require(
                        at < expected.length && delta.tokenId() == expected[at],
                        "choice " + delta.choice() + " got token " + delta.tokenId() + " at " + at
                                + ", its adapters' own is " + (at < expected.length ? expected[at] : "none"));
            }
            case GenerationEvent.Attributed guess -> require(false, "the engine guesses at nobody: " + guess);
            case GenerationEvent.Finished end -> finish(end);
            case GenerationEvent.Failed(EngineException cause) -> {
                failure = cause;
                ended = true;
            }
        }
    }

    private void finish(GenerationEvent.Finished end) {
        int count = streamed[end.choice()];
        Usage usage = end.usage();
        require(usage.generatedTokens() == count, usage.generatedTokens() + " tokens metered, " + count + " streamed");
        require(
                usage.adapters().stream()
                        .map(Usage.AdapterTokens::adapter)
                        .toList()
                        .equals(sorted(request.adapters())),
                "metered for " + usage.adapters());
        switch (end.reason()) {
            case LENGTH -> require(count == expected.length, "it ended after " + count + " tokens");
            case ABORT -> require(aborted, "it was aborted by nobody");
            case DEADLINE, STOP -> {}
        }
        finished.add(usage);
        ended = finished.size() == request.choices();
    }

    private static List<AdapterSelection> sorted(List<AdapterSelection> adapters) {
        return adapters.stream()
                .sorted(Comparator.comparing(AdapterSelection::digest))
                .toList();
    }

    void abort() {
        aborted = true;
    }

    GenerationRequest request() {
        return request;
    }

    long residentBytes() {
        return residentBytes;
    }

    Instant submitted() {
        return submitted;
    }

    boolean aborted() {
        return aborted;
    }

    boolean ended() {
        return ended;
    }

    @Nullable
    EngineException failure() {
        return failure;
    }

    long streamedTokens() {
        return Arrays.stream(streamed).sum();
    }

    long meteredTokens() {
        return finished.stream().mapToLong(Usage::generatedTokens).sum();
    }

    private void require(boolean held, String problem) {
        if (!held) {
            throw new AssertionError("request " + request.requestId() + ": " + problem);
        }
    }
}
