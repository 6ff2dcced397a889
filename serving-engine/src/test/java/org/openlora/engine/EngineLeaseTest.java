package org.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.openlora.engine.EngineHarness.BREAD;
import static org.openlora.engine.EngineHarness.NOTHING;
import static org.openlora.engine.EngineHarness.SEA;
import static org.openlora.engine.EngineHarness.SKY;
import static org.openlora.engine.EngineHarness.expected;
import static org.openlora.engine.EngineHarness.expectedOfBase;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openlora.adapters.Digest;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.meter.evm.Bytes32;

/// A request holds one lease from the moment its adapters are there to its end, whatever that end is.
class EngineLeaseTest {
    private final EngineHarness harness = new EngineHarness();

    private void assertHolds(int leases) {
        assertThat(harness.residency.openLeases()).isEqualTo(leases);
    }

    @Test
    void lease_wholeAnswer_isOneFromAdmissionToTheEnd() {
        RecordingSink sink = harness.submit(harness.request("a", 5, SEA, SKY));
        for (int step = 0; step < 4; step++) {
            harness.steps(1);
            assertHolds(1);
        }
        harness.untilIdle();
        assertThat(sink.hasEnded()).isTrue();
        assertThat(harness.residency.granted()).isEqualTo(1);
        assertThat(harness.held()).isEqualTo(NOTHING);
    }

    @Test
    void lease_preemption_isKept() {
        EngineHarness narrow = new EngineHarness(12, new SchedulerConfig(8, 64));
        RecordingSink first = narrow.submit(narrow.request("first", 25, SEA));
        RecordingSink second = narrow.submit(narrow.request("second", 25, SKY));
        while (narrow.engine.stats().preemptions() == 0) {
            narrow.steps(1);
            assertThat(narrow.engine.stats().steps()).isLessThan(100);
        }
        assertThat(narrow.residency.openLeases()).isEqualTo(2);
        narrow.untilIdle();
        assertThat(first.tokens()).containsExactly(expected(SEA, 25));
        assertThat(second.tokens()).containsExactly(expected(SKY, 25));
        assertThat(narrow.residency.granted()).as("never asked for again").isEqualTo(2);
        assertThat(narrow.held()).isEqualTo(NOTHING);
    }

    @Test
    void lease_abortOfAPreemptedAnswer_isClosed() {
        EngineHarness narrow = new EngineHarness(12, new SchedulerConfig(8, 64));
        narrow.submit(narrow.request("first", 25, SEA));
        RecordingSink second = narrow.submit(narrow.request("second", 25, SKY));
        while (narrow.engine.stats().preemptions() == 0) {
            narrow.steps(1);
        }
        narrow.engine.abort("second");
        narrow.steps(1);
        assertThat(second.awaitFinished().reason()).isEqualTo(FinishReason.ABORT);
        assertThat(narrow.residency.openLeases()).isEqualTo(1);
        narrow.untilIdle();
        assertThat(narrow.held()).isEqualTo(NOTHING);
    }

    @Test
    void lease_severalChoices_isHeldToTheLast() {
        RecordingSink sink = harness.submit(harness.request("a", 5, SEA).withChoices(3));
        harness.steps(2);
        assertHolds(1);
        harness.untilIdle();
        assertThat(sink.finished(2).usage().adapters())
                .containsExactly(new Usage.AdapterTokens(AdapterSelection.of(SEA), 5));
        assertThat(harness.residency.granted()).isEqualTo(1);
        assertThat(harness.held()).isEqualTo(NOTHING);
    }

    @Test
    void lease_abortWhileAdaptersLoad_givesTheWaitUp() {
        harness.residency.hold(SEA);
        RecordingSink sink = harness.submit(harness.request("a", 5, SEA));
        harness.steps(1);
        harness.engine.abort("a");
        harness.steps(1);
        assertThat(sink.awaitFailed().code()).isEqualTo(EngineException.Code.UNAVAILABLE);
        harness.residency.releaseHeld();
        assertHolds(0); // without another step: nobody waits for it
        harness.untilIdle();
        assertThat(harness.held()).isEqualTo(NOTHING);
    }

    @Test
    void lease_grantedAndAbortedBeforeTheEngineSawIt_isClosed() {
        harness.residency.hold(SEA);
        harness.submit(harness.request("a", 5, SEA));
        harness.steps(1);
        harness.engine.abort("a");
        harness.residency.releaseHeld();
        assertHolds(1);
        harness.untilIdle();
        assertThat(harness.held()).isEqualTo(NOTHING);
    }

    @Test
    void lease_abortBeforeTheFirstStepAndInTheMiddleOfAPrompt_isClosed() {
        EngineHarness narrow = new EngineHarness(100, new SchedulerConfig(1, 4));
        RecordingSink prompt = narrow.submit(narrow.request("prompt", 5, SEA));
        RecordingSink waiting = narrow.submit(narrow.request("waiting", 5, SKY));
        narrow.steps(1);
        assertThat(narrow.residency.openLeases()).isEqualTo(2);
        narrow.engine.abort("prompt");
        narrow.engine.abort("waiting");
        narrow.untilIdle();
        assertThat(prompt.awaitFailed().code()).isEqualTo(EngineException.Code.UNAVAILABLE);
        assertThat(waiting.awaitFailed().code()).isEqualTo(EngineException.Code.UNAVAILABLE);
        assertThat(narrow.held()).isEqualTo(NOTHING);
    }

    @Test
    void deadline_whileAdaptersLoad_saysWhatWasWaitedFor() {
        harness.residency.hold(SEA);
        RecordingSink loading = harness.submit(harness.request("loading", 5, SEA));
        RecordingSink running = harness.submit(harness.request("running", 100, SKY));
        harness.steps(3);
        harness.now = harness.now.plus(Duration.ofHours(2));
        harness.steps(1);

        assertThat(loading.awaitFailed())
                .hasMessage("the deadline passed while the request waited for its adapters")
                .extracting(EngineException::code)
                .isEqualTo(EngineException.Code.DEADLINE_EXCEEDED);
        assertThat(running.awaitFinished().reason()).isEqualTo(FinishReason.DEADLINE);
        harness.residency.releaseHeld();
        assertThat(harness.held()).isEqualTo(NOTHING);
    }

    @Test
    void lease_modelFaultAndUnusableLogits_isClosed() {
        RecordingSink fault = harness.submit(harness.request("fault", 5, SEA));
        harness.model.failuresLeft = 1;
        harness.untilIdle();
        assertThat(fault.awaitFailed()).hasMessageContaining("planted fault");
        assertThat(harness.held()).isEqualTo(NOTHING);

        harness.model.poisonedToken = EngineHarness.PROMPT[EngineHarness.PROMPT.length - 1];
        RecordingSink poisoned = harness.submit(harness.request("poisoned", 5, SEA));
        harness.untilIdle();
        assertThat(poisoned.awaitFailed()).hasMessageContaining("cannot be drawn");
        assertThat(harness.held()).isEqualTo(NOTHING);
    }

    /// A sink may not throw; one that does ends its own request and no other.
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7})
    void lease_sinkThatThrows_isClosedAndOthersGoOn(int event) {
        List<GenerationEvent> heard = new ArrayList<>();
        harness.engine.submit(harness.request("deaf", 5, SEA), one -> {
            heard.add(one);
            if (heard.size() == event) {
                throw new IllegalStateException("planted fault of the sink");
            }
        });
        RecordingSink base = harness.submit(harness.request("base", 8));
        harness.untilIdle();

        assertThat(heard).as("nothing after it threw").hasSize(event);
        assertThat(base.tokens()).containsExactly(expectedOfBase(8));
        assertThat(harness.held()).isEqualTo(NOTHING);
        // Started comes first, the end last; what was sent is billed.
        int billed = Math.clamp(event - 1, 0, 5);
        assertThat(harness.committed.stream()
                        .filter(usage -> usage.requestId().equals("deaf"))
                        .mapToInt(Usage::generatedTokens)
                        .sum())
                .isEqualTo(billed);
        assertThat(harness.engine.stats().waitingRequests()
                        + harness.engine.stats().runningRequests())
                .isZero();
    }

    @Test
    void lease_sinkThatThrowsWithSeveralChoices_isClosed() {
        List<GenerationEvent> heard = new ArrayList<>();
        harness.engine.submit(harness.request("deaf", 5, SEA).withChoices(3), event -> {
            heard.add(event);
            if (heard.size() == 3) {
                throw new IllegalStateException("planted fault of the sink");
            }
        });
        harness.untilIdle();
        assertThat(heard).hasSize(3);
        assertThat(harness.held()).isEqualTo(NOTHING);
    }

    @Test
    void lease_ledgerThatThrows_isClosedAndTheEngineGoesOn() {
        harness.ledgerThrows = true;
        RecordingSink unbilled = harness.submit(harness.request("unbilled", 3, SEA));
        harness.untilIdle();
        assertThat(unbilled.awaitFailed()).hasMessageContaining("nothing is billed");
        assertThat(harness.held()).isEqualTo(NOTHING);

        harness.ledgerThrows = false;
        RecordingSink billed = harness.submit(harness.request("billed", 3, SEA));
        harness.untilIdle();
        assertThat(billed.tokens()).containsExactly(expected(SEA, 3));
    }

    @Test
    void lease_residencyThatThrows_failsItsRequestAlone() {
        harness.residency.failNext(1);
        RecordingSink first = harness.submit(harness.request("first", 3, SEA));
        RecordingSink second = harness.submit(harness.request("second", 3, SEA));
        harness.untilIdle();
        assertThat(first.awaitFailed().code()).isEqualTo(EngineException.Code.ADAPTER);
        assertThat(first.awaitFailed()).hasMessageContaining("planted fault of the residency");
        assertThat(second.tokens()).containsExactly(expected(SEA, 3));
        assertThat(harness.held()).isEqualTo(NOTHING);
    }

    @Test
    void submit_moreAdaptersThanAllowedOrOneTwice_isRefused() {
        List<Digest> four = List.of(SEA, SKY, BREAD, new Digest("55".repeat(32)));
        GenerationRequest tooMany = harness.request("a", 3, four.toArray(Digest[]::new));
        assertThatThrownBy(() -> harness.submit(tooMany))
                .hasMessage("the request names 4 adapters: this server allows up to 3 at once");
        assertThatThrownBy(() -> harness.request("a", 3, SEA, SKY, SEA))
                .hasMessage("adapter " + SEA + " is named twice");
        assertThat(harness.residency.granted()).isZero();
    }

    @Test
    void prefetch_requestsThatWait_areNamedInTheirOrderOnceAndFewAtATime() {
        List<Digest> many = IntStream.range(0, 40)
                .mapToObj(i -> new Digest("%02x".formatted(200 - i).repeat(32)))
                .toList();
        many.forEach(harness.residency::hold);
        for (Digest digest : many) {
            harness.submit(harness.request(digest.hex(), 5, digest));
            harness.submit(harness.request("again-" + digest.hex(), 5, digest));
        }
        harness.submit(harness.request("resident", 5, SEA));
        harness.steps(3);

        assertThat(harness.residency.hints()).containsExactly(many.subList(0, AdapterHints.MOST));
        harness.engine.abort(many.getFirst().hex());
        harness.steps(1);
        assertThat(harness.residency.hints())
                .as("another request still waits for it")
                .hasSize(1);
        harness.engine.abort("again-" + many.getFirst().hex());
        harness.steps(1);
        assertThat(harness.residency.hints()).hasSize(2).last().isEqualTo(many.subList(1, 1 + AdapterHints.MOST));
        harness.residency.releaseHeld();
        harness.untilIdle();
        assertThat(harness.residency.hints().getLast()).isEmpty();
        assertThat(harness.held()).isEqualTo(NOTHING);
    }

    /// All the ways to end, at random: in the end nothing is held, and what was proven is right.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void step_randomTrafficAndFaults_leavesNothingBehind(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        EngineHarness narrow = new EngineHarness(30, new SchedulerConfig(5, 14));
        Digest[] digests = {SEA, SKY, BREAD};
        List<RecordingSink> sinks = new ArrayList<>();
        List<GenerationRequest> requests = new ArrayList<>();
        for (int turn = 0; turn < 1200; turn++) {
            if (random.nextInt(4) == 0) {
                String id = "r" + requests.size();
                List<AdapterSelection> adapters = IntStream.range(0, 3)
                        .filter(_ -> random.nextInt(3) == 0)
                        .mapToObj(i -> new AdapterSelection(digests[i], 1000 * random.nextInt(-2000, 2000), null))
                        .toList();
                GenerationRequest request = narrow.request(id, 1 + random.nextInt(20), adapters)
                        .withChoices(random.nextInt(5) == 0 ? 3 : 1)
                        .withPriority(random.nextInt(2))
                        .withCacheSalt(new Bytes32(random.nextInt(2), 0, 0, 0));
                requests.add(request);
                boolean throwing = random.nextInt(10) == 0;
                RecordingSink sink = new RecordingSink(request.choices());
                if (!throwing) {
                    sinks.add(sink);
                }
                int fatal = 1 + random.nextInt(5);
                narrow.engine.submit(request, event -> {
                    sink.accept(event);
                    if (throwing && sink.events().size() == fatal) {
                        throw new IllegalStateException("planted fault of the sink");
                    }
                });
            }
            Digest digest = digests[random.nextInt(3)];
            switch (random.nextInt(60)) {
                case 0 -> narrow.residency.hold(digest);
                case 1, 2 -> narrow.residency.releaseHeld();
                case 3 -> narrow.residency.failNext(1);
                case 4 -> narrow.model.failuresLeft = 1;
                case 5 -> narrow.residency.corrupt(digest);
                case 6 -> narrow.residency.plant(digest, digests[random.nextInt(3)]);
                case 7 -> narrow.residency.plant(digest, null);
                case 8, 9, 10, 11 -> List.of(digests).forEach(narrow.residency::repair);
                case 12 -> narrow.engine.distrust(digest);
                case 13 -> narrow.now = narrow.now.plus(Duration.ofMinutes(25));
                case 14 -> narrow.ledgerThrows = !narrow.ledgerThrows;
                case 15 ->
                    narrow.model.watcher = batch -> {
                        if (batch.lora().scales().length > 0) {
                            batch.lora().scales()[0] += 1;
                            narrow.model.watcher = _ -> {};
                        }
                    };
                case 16, 17, 18 -> {
                    if (!requests.isEmpty()) {
                        narrow.engine.abort("r" + random.nextInt(requests.size()));
                    }
                }
                default -> {}
            }
            narrow.engine.step();
            narrow.engine.checkIntegrity();
        }
        narrow.ledgerThrows = false;
        narrow.model.watcher = _ -> {};
        List.of(digests).forEach(narrow.residency::repair);
        narrow.residency.releaseHeld();
        narrow.untilIdle();

        assertThat(sinks).as("seed %d", seed).allMatch(RecordingSink::hasEnded);
        assertThat(narrow.held()).as("seed %d", seed).isEqualTo(NOTHING);
        EngineStats stats = narrow.engine.stats();
        assertThat(stats.wrongSlots()).as("seed %d", seed).isPositive();
        assertThat(stats.wrongRows()).as("seed %d", seed).isPositive();
        assertThat(stats.corruptWeights()).as("seed %d", seed).isPositive();
        assertThat(narrow.committed).as("seed %d", seed).isNotEmpty();
        for (Usage usage : narrow.committed) {
            long key = FakeModel.adapterKey(
                    usage.adapters().stream().map(Usage.AdapterTokens::adapter).toList());
            assertThat(usage.outputTokens())
                    .as("seed %d, %s", seed, usage.requestId())
                    .containsExactly(FakeModel.expected(EngineHarness.PROMPT, key, usage.generatedTokens()));
            assertThat(usage.adapters()).allMatch(use -> use.tokens() == usage.generatedTokens());
        }
    }
}
