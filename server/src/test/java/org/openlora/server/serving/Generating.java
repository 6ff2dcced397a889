package org.openlora.server.serving;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.EngineException;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.GenerationSink;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.sampling.TokenLogprobs;
import org.openlora.meter.evm.Bytes32;
import org.openlora.server.config.ServerConfig.Tenant;

/// One answer of a serving stack, as it comes in.
final class Generating implements GenerationSink {
    static final Tenant TENANT = new Tenant("development", "", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    private static final AtomicLong EVENTS = new AtomicLong();

    private final StringBuilder text = new StringBuilder();
    private final List<Integer> tokens = new ArrayList<>();
    private final List<TokenLogprobs> logprobs = new ArrayList<>();
    private final IntConsumer atToken; // how many there are
    private final CompletableFuture<GenerationEvent.Finished> finished = new CompletableFuture<>();
    private volatile long firstTokenAt;
    private volatile long finishedAt;
    private String engineId = "";

    /// An answer when it is whole.
    ///
    /// @param tokens as they were streamed
    /// @param firstTokenAt place of the first token among the events of all answers
    /// @param finishedAt place of the end
    record Whole(
            Bytes32 requestId,
            String text,
            List<Integer> tokens,
            GenerationEvent.Finished finished,
            long firstTokenAt,
            long finishedAt) {}

    private Generating(IntConsumer atToken) {
        this.atToken = atToken;
    }

    static GenerationCall call(
            @Nullable String requestId, PromptInput prompt, int maxTokens, AdapterChoice... adapters) {
        return new GenerationCall(
                requestId,
                TENANT,
                prompt,
                List.of(adapters),
                SamplingParams.greedy(maxTokens),
                Instant.now().plusSeconds(600));
    }

    static Generating start(Serving serving, GenerationCall call) {
        return start(serving, call, _ -> {});
    }

    /// @param atToken called on the engine's thread with each token, as the how manieth it is
    static Generating start(Serving serving, GenerationCall call, IntConsumer atToken) {
        Generating generating = new Generating(atToken);
        generating.engineId = serving.submit(call, generating).engineId();
        return generating;
    }

    @Override
    public void accept(GenerationEvent event) {
        long place = EVENTS.incrementAndGet();
        switch (event) {
            case GenerationEvent.Started _, GenerationEvent.Attributed _ -> {}
            case GenerationEvent.Delta(int _, int token, String more, var probabilities) -> {
                if (tokens.isEmpty()) {
                    firstTokenAt = place;
                }
                tokens.add(token);
                text.append(more);
                if (probabilities != null) {
                    logprobs.add(probabilities);
                }
                atToken.accept(tokens.size());
            }
            case GenerationEvent.Finished end -> {
                text.append(end.text());
                finishedAt = place;
                finished.complete(end);
            }
            case GenerationEvent.Failed(var cause) -> finished.completeExceptionally(cause);
        }
    }

    /// Waits for an end without a result.
    EngineException failure() {
        try {
            throw new AssertionError("did not fail: " + finished.join());
        } catch (CompletionException e) {
            if (e.getCause() instanceof EngineException failure) {
                return failure;
            }
            throw e;
        }
    }

    /// As they came, where they were asked for.
    List<TokenLogprobs> logprobs() {
        return List.copyOf(logprobs);
    }

    List<Integer> tokens() {
        return List.copyOf(tokens);
    }

    Bytes32 requestId() {
        return Bytes32.parse(engineId);
    }

    /// Waits for the end.
    Whole whole() {
        GenerationEvent.Finished end = finished.join();
        return new Whole(Bytes32.parse(engineId), text.toString(), List.copyOf(tokens), end, firstTokenAt, finishedAt);
    }
}
