package org.openlora.server.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.Digest;
import org.openlora.engine.EngineException;
import org.openlora.engine.EngineStats;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.sampling.TokenLogprobs;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;

/// Faults planted between the parts of a whole stack, while an answer is being generated beside two others: the answer
/// ends with an error, is counted and makes no receipt; the others are bit for bit what they are alone.
class PlantedFaultsTest {
    private static final Path ROOT = Path.of(System.getProperty("openlora.root"));
    private static final PromptInput PROMPT =
            new PromptInput.Chat(List.of(new PromptInput.Turn("user", "Give me one piece of advice.")));
    private static final String VICTIM = "harbour-keeper";
    private static final String OTHER = "stargazer";
    private static final String NEIGHBOUR = "village-baker";
    private static final int MAX_TOKENS = 64;
    private static final int PROVEN = 5;
    private static final int UNNOTICED = 6;

    @TempDir
    Path home;

    private final PlantedParts parts = new PlantedParts();

    /// What one answer looked like.
    private record Answer(List<Integer> tokens, List<TokenLogprobs> logprobs) {
        static Answer of(Generating generating) {
            generating.whole();
            return new Answer(generating.tokens(), generating.logprobs());
        }
    }

    private interface Fault {
        void plant(Digest victim, Digest other);

        /// Corruptions after which it cannot go unnoticed any longer.
        default long corruptions() {
            return 0;
        }
    }

    @Test
    void wrongSlotTableEntry_isFoundAndMakesNoReceipt() {
        EngineStats stats = check(parts::exchangeSlots, false, PROVEN, "place in memory held other weights");
        assertThat(stats.wrongSlots()).isEqualTo(1);
        assertThat(stats.wrongRows() + stats.corruptWeights()).isZero();
    }

    @Test
    void wrongRowToSlotMap_isFoundAndMakesNoReceipt() {
        EngineStats stats = check((_, _) -> parts.exchangeRows(), true, PROVEN, "other adapters than it asked for");
        assertThat(stats.wrongRows()).isEqualTo(2);
        assertThat(stats.wrongSlots() + stats.corruptWeights()).isZero();
    }

    /// Tokens may be wrong before the scrubber comes by; none of them is billed.
    @Test
    void changedWeightBytes_areFoundAndMakeNoReceipt() {
        EngineStats stats = check(
                new Fault() {
                    @Override
                    public void plant(Digest victim, Digest other) {
                        parts.flipBit(victim);
                    }

                    @Override
                    public long corruptions() {
                        return 1;
                    }
                },
                false,
                PROVEN + UNNOTICED,
                "changed in memory");
        assertThat(stats.corruptWeights()).isEqualTo(1);
        assertThat(stats.wrongSlots() + stats.wrongRows()).isZero();
    }

    /// @param hitsBoth whether the adapter beside the victim's is hit as well
    /// @param mostSent tokens that are sent before it is found at the latest
    private EngineStats check(Fault fault, boolean hitsBoth, int mostSent, String reason) {
        try (ServingStack stack = open()) {
            Digest victim = digest(stack, VICTIM);
            Digest other = digest(stack, OTHER);
            Answer base = Answer.of(start(stack, null, _ -> {}));
            Answer bakerAlone = Answer.of(start(stack, NEIGHBOUR, _ -> {}));
            Answer victimAlone = Answer.of(start(stack, VICTIM, _ -> {}));
            Answer otherAlone = Answer.of(start(stack, OTHER, _ -> {}));

            parts.shut();
            Generating baseBeside = start(stack, null, _ -> {});
            Generating otherBeside = start(stack, OTHER, _ -> {});
            Generating wrong = start(stack, VICTIM, count -> {
                if (count == PROVEN) {
                    fault.plant(victim, other);
                } else if (count == PROVEN + UNNOTICED) {
                    while (stack.adapterStats().corruptions() < fault.corruptions()) {
                        LockSupport.parkNanos(1_000_000);
                    }
                }
            });
            Generating bakerBeside = hitsBoth ? baseBeside : start(stack, NEIGHBOUR, _ -> {});
            parts.open();

            assertStopped(wrong, reason);
            assertThat(wrong.tokens().subList(0, PROVEN))
                    .as("as it is alone until the fault")
                    .isEqualTo(victimAlone.tokens().subList(0, PROVEN));
            assertThat(wrong.tokens()).hasSizeBetween(PROVEN, mostSent);
            assertThat(Answer.of(baseBeside)).isEqualTo(base);
            if (hitsBoth) {
                assertStopped(otherBeside, reason);
            } else {
                assertThat(Answer.of(otherBeside)).isEqualTo(otherAlone);
                assertThat(Answer.of(bakerBeside)).isEqualTo(bakerAlone);
            }

            parts.heal();
            assertThat(Answer.of(start(stack, VICTIM, _ -> {})))
                    .as("nothing of the fault is left")
                    .isEqualTo(victimAlone);
            stack.meter().drain(Duration.ofMinutes(2));
            assertThat(stack.meter().queries().receiptsOf(wrong.requestId())).isEmpty();
            assertThat(stack.meter().queries().receiptsOf(otherBeside.requestId()))
                    .hasSize(hitsBoth ? 0 : 1);
            assertThat(receipt(stack, baseBeside).generatedTokens())
                    .isEqualTo(base.tokens().size());
            assertThat(stack.meter().queries().lastSeq()).isEqualTo(hitsBoth ? 6 : 8);
            return stack.engineStats();
        }
    }

    private static void assertStopped(Generating generating, String reason) {
        EngineException failure = generating.failure();
        assertThat(failure.code()).isEqualTo(EngineException.Code.WRONG_WEIGHTS);
        assertThat(failure).hasMessageContaining(reason).hasMessageContaining("nothing is billed");
    }

    private static Receipt receipt(ServingStack stack, Generating generating) {
        List<SignedReceipt> receipts = stack.meter().queries().receiptsOf(generating.requestId());
        assertThat(receipts).hasSize(1);
        return receipts.getFirst().receipt();
    }

    private static Digest digest(ServingStack stack, String name) {
        return stack.adapters(Generating.TENANT).stream()
                .filter(adapter -> adapter.name().equals(name))
                .map(adapter -> ((ServedAdapter.Ready) adapter).digest())
                .findFirst()
                .orElseThrow();
    }

    private static Generating start(ServingStack stack, @Nullable String adapter, IntConsumer atToken) {
        SamplingParams params =
                SamplingParams.builder(MAX_TOKENS).ignoreEos(true).logprobs(5).build();
        List<AdapterChoice> adapters =
                adapter == null ? List.of() : List.of(new AdapterChoice.ByName(adapter, 1_000_000));
        return Generating.start(
                stack,
                new GenerationCall(
                        null,
                        Generating.TENANT,
                        PROMPT,
                        adapters,
                        params,
                        Instant.now().plusSeconds(600)),
                atToken);
    }

    private ServingStack open() {
        ResolvedModel model = new ResolvedModel(
                "openlora-tiny",
                ROOT.resolve("models/openlora-tiny"),
                ROOT.resolve("examples/adapters"),
                ROOT.resolve("examples/datanets"),
                "");
        Installation installation = new Installation(ROOT, home);
        return ServingStack.open(ConfigLoader.load(installation, null), installation, model, Map.of(), parts);
    }
}
