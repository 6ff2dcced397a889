package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.openlora.adapters.Digest;
import org.openlora.engine.BillTo;
import org.openlora.engine.EngineConfig;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.GenerationRequest;
import org.openlora.engine.LoraEngine;
import org.openlora.engine.RecordedAnswer;
import org.openlora.engine.Replay;
import org.openlora.engine.Replayer;
import org.openlora.engine.Usage;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.engine.tensor.GemmSettings;
import org.openlora.engine.tokenizer.Tokenizer;
import org.openlora.engine.tokenizer.Tokenizers;
import org.openlora.kernels.CpuFeatures;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.receipt.UsageAcknowledgement;

/// A real model's answers, given in a mixed batch, drawn again token by token on the same path and on another.
class ReplayTest {
    private static final int MAX_ROWS = 64;
    private static final String PROMPT = """
            <|im_start|>user
            What do you do all day?<|im_end|>
            <|im_start|>assistant
            """;
    private static final double LOGIT_TIE = 0.5;
    private static final double PROBABILITY_TIE = 0.05;

    private static List<Usage> serve(GoldenBase base, Tokenizer tokenizer, LoadedAdapters adapters)
            throws InterruptedException {
        List<Usage> served = Collections.synchronizedList(new ArrayList<>());
        List<List<String>> blends = List.of(
                List.of(), List.of("harbour-keeper"), List.of("stargazer"), List.of("village-baker", "moon-gardener"));
        CountDownLatch ended = new CountDownLatch(2 * blends.size());
        EngineConfig config = new EngineConfig(
                new SchedulerConfig(8, MAX_ROWS),
                100,
                3,
                Set.copyOf(base.checkpoint().config().eosTokenIds()),
                Digest.ZERO);
        try (LoraEngine engine = LoraEngine.start(
                config,
                base.model(),
                tokenizer::newDetokenizer,
                adapters.residency(),
                usage -> {
                    served.add(usage);
                    return CompletableFuture.completedFuture(acknowledgement());
                },
                InstantSource.system())) {
            for (int i = 0; i < 2 * blends.size(); i++) {
                List<AdapterSelection> chosen = blends.get(i / 2).stream()
                        .map(name -> new AdapterSelection(adapters.digest(name), 700_000, null))
                        .toList();
                SamplingParams.Builder params = SamplingParams.builder(24);
                if (i % 2 == 1) {
                    params.temperature(0.9).topP(0.95).repetitionPenalty(1.1).seed(i);
                }
                engine.submit(
                        new GenerationRequest(
                                "r" + i,
                                tokenizer.encode(PROMPT),
                                chosen,
                                params.build(),
                                Instant.now().plusSeconds(60),
                                new BillTo(Bytes32.ZERO, Address.ZERO),
                                Bytes32.ZERO),
                        event -> {
                            if (event instanceof GenerationEvent.Finished || event instanceof GenerationEvent.Failed) {
                                ended.countDown();
                            }
                        });
            }
            assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(served).hasSize(2 * blends.size());
        return List.copyOf(served);
    }

    private static SignedAcknowledgement acknowledgement() {
        Bytes32 word = Bytes32.parse("0x" + "11".repeat(32));
        return SignedAcknowledgement.sign(
                new UsageAcknowledgement(word, word, word, word, 3, 2, word, word, 1000),
                Eip712Domain.ledger(31337, Address.ZERO),
                OperatorKey.ofHex("01".repeat(32)));
    }

    private static List<Replay> replay(
            List<Usage> served, GoldenBase base, Tokenizer tokenizer, LoadedAdapters adapters)
            throws InterruptedException {
        Replayer replayer = new Replayer(
                base.model(),
                adapters.residency(),
                Set.copyOf(base.checkpoint().config().eosTokenIds()),
                tokenizer::newDetokenizer,
                17);
        List<Replay> replays = new ArrayList<>();
        for (Usage usage : served) {
            replays.add(replayer.replay(RecordedAnswer.of(usage), Instant.now().plusSeconds(60)));
        }
        return replays;
    }

    @Test
    void replay_onTheSamePath_isExactAtEveryPosition() throws InterruptedException {
        try (GoldenBase base = GoldenBase.open(Examples.model(), MAX_ROWS, GemmSettings.Mode.PANEL);
                Tokenizer tokenizer = Tokenizers.open(Examples.model());
                LoadedAdapters adapters = new LoadedAdapters(Examples.adapters(), base.adaptableModules())) {
            List<Usage> served = serve(base, tokenizer, adapters);
            assertThat(replay(served, base, tokenizer, adapters)).allMatch(Replay::isExact);
        }
    }

    @Test
    void replay_onAnotherPath_disagreesAtNearTiesAtMost() throws InterruptedException {
        assumeTrue(CpuFeatures.detect().avx512Bf16(), "the processor does not multiply bf16 in vectors");
        try (Tokenizer tokenizer = Tokenizers.open(Examples.model());
                GoldenBase panel = GoldenBase.open(Examples.model(), MAX_ROWS, GemmSettings.Mode.PANEL);
                GoldenBase dot = GoldenBase.open(Examples.model(), MAX_ROWS, GemmSettings.Mode.DOT);
                LoadedAdapters forPanel = new LoadedAdapters(Examples.adapters(), panel.adaptableModules());
                LoadedAdapters forDot = new LoadedAdapters(Examples.adapters(), dot.adaptableModules())) {
            List<Replay> replays = replay(serve(panel, tokenizer, forPanel), dot, tokenizer, forDot);
            assertThat(replays).allSatisfy(replay -> assertThat(replay.disagreements())
                    .allMatch(found -> found.gap().isNearTie(LOGIT_TIE, PROBABILITY_TIE)));
        }
    }
}
