package org.openlora.server.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.engine.EngineException;
import org.openlora.engine.FinishReason;
import org.openlora.engine.model.CausalLm;
import org.openlora.engine.model.ForwardBatch;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;

/// What is billed where an answer does not simply run to its end, as the page on formats says under "How tokens are
/// counted": through the real engine, meter and ledger, down to the receipt's price.
class BilledTokensTest {
    private static final Path ROOT = Path.of(System.getProperty("openlora.root"));
    private static final int MAX_TOKENS = 96;
    private static final int SEEN = 5;

    @TempDir
    Path home;

    private final PlantedParts gated = new PlantedParts();

    @Test
    void cancelled_afterItsFirstToken_isBilledForThePromptAndWhatWasSampled() throws Exception {
        try (ServingStack stack = open("", gated)) {
            gated.shut();
            AtomicReference<Admission> admission = new AtomicReference<>();
            Generating answer = start(stack, 1, count -> {
                if (count == SEEN) {
                    stack.abort(admission.get());
                }
            });
            admission.set(answer.admission());
            gated.open();

            Generating.Whole whole = answer.whole();
            assertThat(whole.finished().reason()).isEqualTo(FinishReason.ABORT);
            assertThat(whole.tokens()).hasSizeBetween(SEEN, MAX_TOKENS - 1);
            assertBilled(stack, answer, 0);
        }
    }

    @Test
    void cancelled_beforeItsFirstToken_isBilledNothing() throws Exception {
        try (ServingStack stack = open("", gated)) {
            gated.shut();
            Generating first = start(stack, 1, _ -> {});
            Generating cancelled = start(stack, 2, _ -> {});
            stack.abort(cancelled.admission());
            gated.open();

            assertThat(cancelled.failure()).hasMessageContaining("before its first token");
            assertThat(cancelled.tokens()).isEmpty();
            first.whole();
            assertBilled(stack, first, 0);
            assertUnbilled(stack, cancelled, 1);
        }
    }

    @Test
    void deadline_passedInTheMiddle_isBilledForWhatWasSampled() throws Exception {
        try (ServingStack stack = open("", EngineParts.AS_THEY_ARE)) {
            Instant deadline = Instant.now().plusSeconds(2);
            Generating answer = Generating.start(stack, call(stack, 1, deadline), count -> {
                while (count == SEEN && Instant.now().isBefore(deadline)) {
                    LockSupport.parkNanos(1_000_000);
                }
            });

            assertThat(answer.whole().finished().reason()).isEqualTo(FinishReason.DEADLINE);
            assertThat(answer.tokens()).hasSize(SEEN);
            assertBilled(stack, answer, 0);
        }
    }

    @Test
    void promptFoundInTheCache_isBilledAtTheCachedRate() throws Exception {
        try (ServingStack stack = open("", EngineParts.AS_THEY_ARE)) {
            Generating computed = start(stack, 1, _ -> {});
            computed.whole();
            Generating found = start(stack, 1, _ -> {});

            int cached = found.whole().finished().usage().cachedTokens();
            assertThat(cached).isPositive();
            assertThat(found.tokens()).isEqualTo(computed.tokens());
            Receipt dear = assertBilled(stack, computed, 0);
            Receipt cheap = assertBilled(stack, found, cached);
            assertThat(cheap.price()).isLessThan(dear.price());
            assertThat(cheap.promptTokens()).isEqualTo(dear.promptTokens());
        }
    }

    @Test
    void preempted_computesAgainAtTheOperatorsCost() throws Exception {
        List<List<Integer>> alone;
        try (ServingStack stack = open("", EngineParts.AS_THEY_ARE)) {
            alone = IntStream.range(0, 8)
                    .mapToObj(i -> start(stack, i, _ -> {}).whole().tokens())
                    .toList();
        }
        // Blocks for about half of what the eight answers hold at their ends.
        try (ServingStack stack = open("  kvCacheMebibytes: 1\n  prefixCache: false\n", gated)) {
            gated.shut();
            List<Generating> answers = IntStream.range(0, 8)
                    .mapToObj(i -> start(stack, i, _ -> {}))
                    .toList();
            gated.open();
            List<Generating.Whole> together =
                    answers.stream().map(Generating::whole).toList();

            assertThat(stack.engineStats().preemptions()).isPositive();
            assertThat(together).extracting(Generating.Whole::tokens).isEqualTo(alone);
            int discarded = 0;
            for (Generating answer : answers) {
                discarded += assertBilled(stack, answer, 0).discardedTokens();
            }
            assertThat(discarded).as("reported").isPositive();
        }
    }

    @Test
    void failed_afterTokensWereStreamed_isBilledNothing() throws Exception {
        AtomicBoolean broken = new AtomicBoolean();
        EngineParts parts = new EngineParts() {
            @Override
            public CausalLm model(CausalLm model) {
                return new BreakingModel(model, broken);
            }
        };
        try (ServingStack stack = open("", parts)) {
            Generating failing = start(stack, 1, count -> broken.set(count == SEEN));

            EngineException failure = failing.failure();
            assertThat(failure.code()).isEqualTo(EngineException.Code.INTERNAL);
            assertThat(failing.tokens()).hasSize(SEEN);
            broken.set(false);
            Generating next = start(stack, 2, _ -> {});
            next.whole();
            assertBilled(stack, next, 0);
            assertUnbilled(stack, failing, 1);
        }
    }

    /// Its steps fail while `broken` says so.
    private record BreakingModel(CausalLm model, AtomicBoolean broken) implements CausalLm {
        @Override
        public float[] forward(ForwardBatch batch) {
            if (broken.get()) {
                throw new IllegalStateException("the arithmetic unit is on fire");
            }
            return model.forward(batch);
        }

        @Override
        public int vocabularySize() {
            return model.vocabularySize();
        }

        @Override
        public int contextLength() {
            return model.contextLength();
        }

        @Override
        public int slidingWindow() {
            return model.slidingWindow();
        }

        @Override
        public int kvBlocks() {
            return model.kvBlocks();
        }

        @Override
        public int blockTokens() {
            return model.blockTokens();
        }

        @Override
        public void copyBlock(int from, int to) {
            model.copyBlock(from, to);
        }
    }

    /// One receipt, for what was streamed and no more, at the shipped book's rates.
    private static Receipt assertBilled(ServingStack stack, Generating answer, int cached) throws IOException {
        stack.meter().drain(Duration.ofMinutes(2));
        List<SignedReceipt> receipts = stack.meter().queries().receiptsOf(answer.requestId());
        assertThat(receipts).hasSize(1);
        Receipt receipt = receipts.getFirst().receipt();
        assertThat(receipt.promptTokens()).isEqualTo(answer.admission().promptTokens());
        assertThat(receipt.cachedTokens()).isEqualTo(cached);
        assertThat(receipt.generatedTokens()).isEqualTo(answer.tokens().size());
        PriceBook book = PriceBook.read(ROOT.resolve("config/pricebook.yaml"));
        long milliTokens =
                (receipt.promptTokens() - cached) * book.defaultRates().promptPico()
                        + cached * book.defaultRates().cachedPico()
                        + answer.tokens().size() * book.defaultRates().generatedPico();
        assertThat(receipt.price()).isEqualTo(milliTokens / 1000 + book.fixedFeePico());
        assertThat(receipt.payments().stream().mapToLong(Payment::amount).sum()).isEqualTo(receipt.price());
        return receipt;
    }

    private static void assertUnbilled(ServingStack stack, Generating answer, int billedBeside) {
        stack.meter().drain(Duration.ofMinutes(2));
        assertThat(stack.meter().queries().receiptsOf(answer.requestId())).isEmpty();
        assertThat(stack.meter().queries().quarantined()).isEmpty();
        assertThat(stack.meter().queries().lastSeq()).isEqualTo(billedBeside);
    }

    private static Generating start(ServingStack stack, int number, IntConsumer atToken) {
        return Generating.start(stack, call(stack, number, Instant.now().plusSeconds(600)), atToken);
    }

    /// A call with a prompt of its own, a few blocks long.
    private static GenerationCall call(ServingStack stack, int number, Instant deadline) {
        List<Integer> prompt = Stream.concat(
                        Stream.of(100 + number),
                        IntStream.of(stack.tokenize(
                                        new PromptInput.Text("Tell me about the sea and the harbour. ".repeat(4))))
                                .boxed())
                .toList();
        return new GenerationCall(
                null,
                Generating.TENANT,
                new PromptInput.Tokens(prompt),
                List.of(),
                SamplingParams.builder(MAX_TOKENS).ignoreEos(true).build(),
                deadline);
    }

    private ServingStack open(String engineSettings, EngineParts parts) throws IOException {
        ResolvedModel model = new ResolvedModel(
                "openlora-tiny",
                ROOT.resolve("models/openlora-tiny"),
                ROOT.resolve("examples/adapters"),
                ROOT.resolve("examples/datanets"),
                "");
        Installation installation = new Installation(ROOT, Files.createTempDirectory(home, "home"));
        Path settings =
                Files.writeString(home.resolve("settings.yaml"), "engine:\n  warmUpSeconds: 0\n" + engineSettings);
        return ServingStack.open(ConfigLoader.load(installation, settings), installation, model, Map.of(), parts);
    }
}
