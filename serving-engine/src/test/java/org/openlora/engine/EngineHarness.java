package org.openlora.engine;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.openlora.adapters.Digest;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.SignedAcknowledgement;

/// An engine on fakes that a test drives step by step on its own thread.
final class EngineHarness {
    static final Digest SEA = new Digest("11".repeat(32));
    static final Digest SKY = new Digest("22".repeat(32));
    static final Digest BREAD = new Digest("33".repeat(32));
    static final int MOST_ADAPTERS = 3;
    static final int[] PROMPT = {11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21};

    final FakeResidency residency = new FakeResidency();
    final FakeModel model;
    final LoraEngine engine;
    final List<Usage> committed = new ArrayList<>();
    Instant now = Instant.parse("2026-01-01T00:00:00Z");
    boolean ledgerThrows;
    private final int blocks;

    EngineHarness() {
        this(100, new SchedulerConfig(8, 64));
    }

    EngineHarness(int blocks, SchedulerConfig scheduler) {
        this.blocks = blocks;
        model = new FakeModel(blocks, 500);
        engine = new LoraEngine(
                new EngineConfig(scheduler, 1000, MOST_ADAPTERS, Set.of(), Digest.ZERO),
                model,
                Letters::new,
                residency,
                this::commit,
                () -> now);
    }

    private CompletableFuture<SignedAcknowledgement> commit(Usage usage) {
        if (ledgerThrows) {
            throw new IllegalStateException("planted fault of the ledger");
        }
        committed.add(usage);
        return CompletableFuture.completedFuture(Acknowledgements.of(usage.requestId()));
    }

    GenerationRequest request(String id, int maxTokens, Digest... adapters) {
        return request(
                id, maxTokens, Arrays.stream(adapters).map(AdapterSelection::of).toList());
    }

    GenerationRequest request(String id, int maxTokens, List<AdapterSelection> adapters) {
        return new GenerationRequest(
                id,
                PROMPT,
                adapters,
                SamplingParams.greedy(maxTokens),
                now.plus(Duration.ofHours(1)),
                new BillTo(Bytes32.ZERO, Address.ZERO),
                Bytes32.ZERO);
    }

    RecordingSink submit(GenerationRequest request) {
        RecordingSink sink = new RecordingSink(request.choices());
        engine.submit(request, sink);
        return sink;
    }

    void steps(int count) {
        for (int i = 0; i < count; i++) {
            engine.step();
            engine.checkIntegrity();
        }
    }

    void untilIdle() {
        for (int step = 0; step < 10_000 && engine.step(); step++) {
            engine.checkIntegrity();
        }
    }

    /// What greedy decoding of the common prompt gives with one adapter as trained.
    static int[] expected(Digest adapter, int count) {
        return FakeModel.expected(PROMPT, FakeModel.adapterKey(adapter, 1), count);
    }

    static int[] expectedOfBase(int count) {
        return FakeModel.expected(PROMPT, 0, count);
    }

    /// Leases that are open and blocks that are held: both are to be 0 in the end.
    String held() {
        return residency.openLeases() + " leases, " + (blocks - engine.stats().freeBlocks()) + " blocks";
    }

    static final String NOTHING = "0 leases, 0 blocks";
}
