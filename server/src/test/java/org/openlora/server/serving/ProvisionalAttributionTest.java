package org.openlora.server.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.ProvisionalSpan;
import org.openlora.meter.evm.Bytes32;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;

/// First guesses at whose text a growing answer is.
class ProvisionalAttributionTest {
    private static final Path ROOT = Path.of(System.getProperty("openlora.root"));
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final PromptInput PROMPT =
            new PromptInput.Chat(List.of(new PromptInput.Turn("user", "Give me one piece of advice.")));
    private static final int MOST_WAITING = 4;
    private static final int TOKENS = 20;

    @TempDir
    private Path home;

    @Test
    void submit_asked_everySpanOfTheReceiptWasGuessedAtItsLastToken() {
        try (ServingStack stack = open()) {
            List<ProvisionalSpan> guesses = new CopyOnWriteArrayList<>();
            GenerationEvent.Finished finished = generate(stack, true, guesses);
            stack.meter().drain(PATIENCE);

            AttributionRecord record = record(stack, finished);
            assertThat(record.spans()).isNotEmpty();
            assertThat(guesses)
                    .allSatisfy(guess -> assertThat(guess.origins()).isNotEmpty())
                    .isNotEmpty();
            assertThat(stack.provisionalCounts().looked()).isPositive();
            assertThat(stack.provisionalCounts().dropped()).isZero();
            // The answer's end may come before the guess for its last tokens: those are not waited for.
            int last = guesses.getLast().start() + guesses.getLast().length();
            assertThat(record.spans())
                    .filteredOn(span -> span.start() + span.length() <= last)
                    .isNotEmpty()
                    .allSatisfy(span -> assertThat(guesses).anySatisfy(guess -> {
                        assertThat(guess.start() + guess.length()).isEqualTo(span.start() + span.length());
                        assertThat(guess.length()).isGreaterThanOrEqualTo(span.length());
                    }));
        }
    }

    @Test
    void submit_askedOrNot_receiptsAreTheSame() {
        try (ServingStack stack = open()) {
            GenerationEvent.Finished asked = generate(stack, true, new CopyOnWriteArrayList<>());
            List<ProvisionalSpan> none = new CopyOnWriteArrayList<>();
            GenerationEvent.Finished notAsked = generate(stack, false, none);
            stack.meter().drain(PATIENCE);

            assertThat(none).isEmpty();
            assertThat(record(stack, asked).hash()).isEqualTo(record(stack, notAsked).hash());
        }
    }

    @Test
    void watch_slowerThanTheEngine_dropsAndCountsAndNeverHoldsTheAnswerUp() throws InterruptedException {
        CountDownLatch open = new CountDownLatch(1);
        CountDownLatch asked = new CountDownLatch(1);
        BlockingQueue<GenerationEvent> events = new LinkedBlockingQueue<>();
        try (ProvisionalAttribution provisional = new ProvisionalAttribution(MOST_WAITING)) {
            var sink = provisional.watch(
                    1,
                    () -> {
                        asked.countDown();
                        try {
                            open.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                        throw new IllegalArgumentException("a datanet is not at hand");
                    },
                    events::add);
            sink.accept(delta(0));
            assertThat(asked.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
            IntStream.range(1, TOKENS).forEach(token -> sink.accept(delta(token)));

            // Nothing has been looked at yet, and every token has gone on.
            assertThat(events).hasSize(TOKENS);
            assertThat(provisional.counts())
                    .isEqualTo(new ProvisionalCounts(0, TOKENS - 1 - MOST_WAITING));
            open.countDown();
        }
        assertThat(events).hasSize(TOKENS);
    }

    private static GenerationEvent.Delta delta(int token) {
        return new GenerationEvent.Delta(0, token, "x", null);
    }

    private static GenerationEvent.Finished generate(
            ServingStack stack, boolean provisional, List<ProvisionalSpan> guesses) {
        CompletableFuture<GenerationEvent.Finished> end = new CompletableFuture<>();
        stack.submit(
                new GenerationCall(
                        null,
                        Generating.TENANT,
                        PROMPT,
                        List.of(new AdapterChoice.ByName("harbour-keeper", 1_000_000)),
                        SamplingParams.greedy(48),
                        Instant.now().plus(PATIENCE),
                        1,
                        0,
                        null,
                        provisional),
                event -> {
                    switch (event) {
                        case GenerationEvent.Started _, GenerationEvent.Delta _ -> {}
                        case GenerationEvent.Attributed(int _, ProvisionalSpan span) -> guesses.add(span);
                        case GenerationEvent.Finished finished -> end.complete(finished);
                        case GenerationEvent.Failed(var cause) -> end.completeExceptionally(cause);
                    }
                });
        return end.join();
    }

    private static AttributionRecord record(ServingStack stack, GenerationEvent.Finished finished) {
        Bytes32 id = finished.acknowledgement().acknowledgement().requestId();
        long seq = stack.meter().queries().receiptsOf(id).getFirst().receipt().seq();
        return stack.meter().queries().attribution(seq).orElseThrow();
    }

    private ServingStack open() {
        ResolvedModel model = new ResolvedModel(
                "openlora-tiny",
                ROOT.resolve("models/openlora-tiny"),
                ROOT.resolve("examples/adapters"),
                ROOT.resolve("examples/datanets"),
                "");
        Installation installation = new Installation(ROOT, home);
        return ServingStack.open(ConfigLoader.load(installation, null), installation, model, Map.of());
    }
}
