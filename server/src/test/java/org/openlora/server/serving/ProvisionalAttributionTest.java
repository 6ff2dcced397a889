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
import org.openlora.engine.Usage;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.ProvisionalSpan;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.usage.AdapterUsage;
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
    void watch_everySpanOfTheReceipt_isGuessedAtItsLastToken() throws InterruptedException {
        try (ServingStack stack = open();
                ProvisionalAttribution provisional = new ProvisionalAttribution()) {
            Usage usage = generate(stack, false, new CopyOnWriteArrayList<>()).usage();
            stack.meter().drain(PATIENCE);
            List<AdapterUsage> adapters = usage.adapters().stream()
                    .map(use -> UsageRows.adapter(use.adapter(), 0))
                    .toList();
            Bytes32 tokenizer = UsageRows.word(stack.model().tokenizerDigest());
            List<GenerationEvent> events = new CopyOnWriteArrayList<>();

            // The same answer again, each token once the one before has been looked at.
            var sink = provisional.watch(
                    1, () -> stack.meter().provisionalEvidence(adapters, tokenizer, usage.promptTokens()), events::add);
            for (int i = 0; i < usage.outputTokens().length; i++) {
                sink.accept(delta(usage.outputTokens()[i]));
                while (provisional.counts().looked() <= i) {
                    Thread.sleep(1);
                }
            }

            List<ProvisionalSpan> guesses = events.stream()
                    .filter(GenerationEvent.Attributed.class::isInstance)
                    .map(event -> ((GenerationEvent.Attributed) event).span())
                    .toList();
            AttributionRecord record = record(stack, usage.requestId());
            assertThat(record.spans()).isNotEmpty().allSatisfy(span -> assertThat(guesses)
                    .anySatisfy(guess -> {
                        assertThat(guess.start()).isEqualTo(span.start());
                        assertThat(guess.length()).isEqualTo(span.length());
                        assertThat(guess.rarity()).isEqualTo(span.rarity());
                        assertThat(guess.origins()).hasSize(span.sources().size());
                    }));
            assertThat(events)
                    .filteredOn(GenerationEvent.Delta.class::isInstance)
                    .hasSize(usage.outputTokens().length);
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
            assertThat(record(stack, asked.usage().requestId()).hash())
                    .isEqualTo(record(stack, notAsked.usage().requestId()).hash());
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
            assertThat(provisional.counts()).isEqualTo(new ProvisionalCounts(0, TOKENS - 1 - MOST_WAITING));
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

    private static AttributionRecord record(ServingStack stack, String requestId) {
        SignedReceipt receipt =
                stack.meter().queries().receiptsOf(Bytes32.parse(requestId)).getFirst();
        return stack.meter().queries().attribution(receipt.receipt().seq()).orElseThrow();
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
