package org.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.openlora.engine.EngineHarness.BREAD;
import static org.openlora.engine.EngineHarness.NOTHING;
import static org.openlora.engine.EngineHarness.PROMPT;
import static org.openlora.engine.EngineHarness.SEA;
import static org.openlora.engine.EngineHarness.SKY;
import static org.openlora.engine.EngineHarness.expected;
import static org.openlora.engine.EngineHarness.expectedOfBase;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.adapters.Digest;
import org.openlora.engine.model.ForwardBatch;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.kernels.LoraBatch;
import org.openlora.kernels.LoraSlot;
import org.openlora.meter.evm.Bytes32;

/// Rows that were served by other weights than they asked for give no token, no bill and no cached block.
class WrongWeightsTest {
    private final EngineHarness harness = new EngineHarness();

    private void assertStopped(RecordingSink sink, String reason) {
        assertThat(sink.awaitFailed().code()).isEqualTo(EngineException.Code.WRONG_WEIGHTS);
        assertThat(sink.awaitFailed())
                .hasMessageContaining(reason)
                .hasMessageContaining("nothing is billed")
                .hasMessageNotContaining("\n");
    }

    private void assertBilled(String... requests) {
        assertThat(harness.committed).extracting(Usage::requestId).containsExactlyInAnyOrder(requests);
    }

    @Test
    void step_wrongSlotTableEntry_stopsItsRowsAndNoOthers() {
        RecordingSink wrong = harness.submit(harness.request("wrong", 20, SEA));
        RecordingSink sky = harness.submit(harness.request("sky", 20, SKY));
        RecordingSink base = harness.submit(harness.request("base", 20));
        harness.steps(4);
        harness.residency.plant(SEA, SKY);
        harness.untilIdle();

        assertStopped(wrong, "an adapter's place in memory held other weights");
        assertThat(wrong.tokens()).as("what was proven, and nothing more").containsExactly(expected(SEA, 4));
        assertThat(sky.tokens()).containsExactly(expected(SKY, 20));
        assertThat(base.tokens()).containsExactly(expectedOfBase(20));
        assertBilled("sky", "base");
        assertThat(harness.engine.stats())
                .returns(1L, EngineStats::wrongSlots)
                .returns(0L, EngineStats::wrongRows)
                .returns(0L, EngineStats::corruptWeights);
        assertThat(harness.held()).isEqualTo(NOTHING);
    }

    @Test
    void step_wrongSlotTableEntry_leavesNoBlockToFind() {
        harness.residency.plant(SEA, SKY);
        RecordingSink wrong = harness.submit(harness.request("wrong", 5, SEA));
        harness.untilIdle();
        assertStopped(wrong, "held other weights");
        assertThat(wrong.tokens()).isEmpty();

        harness.residency.repair(SEA);
        RecordingSink right = harness.submit(harness.request("right", 5, SEA));
        harness.untilIdle();
        assertThat(right.tokens()).containsExactly(expected(SEA, 5));
        assertThat(right.awaitFinished().usage().cachedTokens()).isZero();
    }

    @Test
    void step_emptySlot_stopsItsRowsAndNoOthers() {
        RecordingSink wrong = harness.submit(harness.request("wrong", 20, SEA));
        RecordingSink base = harness.submit(harness.request("base", 20));
        harness.steps(2);
        harness.residency.plant(SEA, null);
        harness.untilIdle();

        assertStopped(wrong, "held other weights");
        assertThat(base.tokens()).containsExactly(expectedOfBase(20));
        assertThat(harness.engine.stats().wrongSlots()).isEqualTo(1);
    }

    @Test
    void step_slotChangesWhileItRuns_isFound() {
        RecordingSink wrong = harness.submit(harness.request("wrong", 20, SEA));
        harness.steps(2);
        harness.model.watcher = _ -> harness.residency.plant(SEA, SKY);
        harness.steps(1);

        assertStopped(wrong, "held other weights");
        assertThat(wrong.tokens()).hasSize(2);
    }

    @Test
    void step_unusedSlotChangesWhileItRuns_isNoFault() {
        harness.model.watcher = _ -> harness.residency.touchTable();
        RecordingSink right = harness.submit(harness.request("right", 10, SEA));
        harness.untilIdle();
        assertThat(right.tokens()).containsExactly(expected(SEA, 10));
    }

    @SuppressWarnings("ImmutableEnumChecker") // The faults have no state.
    enum RowFault {
        SWAPPED(batch -> {
            int sea = batch.rows()[0];
            batch.rows()[0] = batch.rows()[1];
            batch.rows()[1] = sea;
        }),
        MOVED_TO_ANOTHER(batch -> batch.rows()[0] = batch.rows()[1]),
        BEYOND_THE_STEP(batch -> batch.rows()[0] = 1000),
        OTHER_SCALE(batch -> batch.scales()[0] = 0.5f),
        OTHER_WEIGHTS(batch -> batch.slots()[0] = batch.slots()[1]);

        private final Consumer<LoraBatch> fault;

        RowFault(Consumer<LoraBatch> fault) {
            this.fault = fault;
        }

        boolean hitsBoth() {
            return this == SWAPPED || this == MOVED_TO_ANOTHER;
        }
    }

    @ParameterizedTest
    @EnumSource
    void step_wrongRowToSlotMap_stopsItsRowsAndNoOthers(RowFault fault) {
        RecordingSink sea = harness.submit(harness.request("sea", 20, SEA));
        RecordingSink sky = harness.submit(harness.request("sky", 20, SKY));
        RecordingSink base = harness.submit(harness.request("base", 20));
        RecordingSink bread = harness.submit(harness.request("bread", 20, BREAD));
        harness.steps(3);
        harness.model.ignoreStrayRows = true;
        harness.model.watcher = batch -> {
            fault.fault.accept(batch.lora());
            harness.model.watcher = _ -> {};
        };
        harness.untilIdle();

        assertStopped(sea, "other adapters than it asked for");
        assertThat(sea.tokens()).containsExactly(expected(SEA, 3));
        if (fault.hitsBoth()) {
            assertStopped(sky, "other adapters than it asked for");
            assertThat(sky.tokens()).containsExactly(expected(SKY, 3));
            assertBilled("base", "bread");
        } else {
            assertThat(sky.tokens()).containsExactly(expected(SKY, 20));
            assertBilled("base", "bread", "sky");
        }
        assertThat(base.tokens()).containsExactly(expectedOfBase(20));
        assertThat(bread.tokens()).containsExactly(expected(BREAD, 20));
        assertThat(harness.engine.stats().wrongRows()).isEqualTo(fault.hitsBoth() ? 2 : 1);
        assertThat(harness.engine.stats().wrongSlots()).isZero();
        assertThat(harness.held()).isEqualTo(NOTHING);
    }

    @Test
    void step_rowOfTheBaseGetsAnAdapter_isFound() {
        RecordingSink base = harness.submit(harness.request("base", 20));
        RecordingSink sea = harness.submit(harness.request("sea", 20, SEA));
        harness.steps(2);
        harness.model.watcher = batch -> batch.lora().rows()[0] = 0;
        harness.steps(1);
        assertStopped(base, "other adapters than it asked for");
        assertStopped(sea, "other adapters than it asked for");
    }

    @Test
    void step_wrongRowsOfAPrompt_stopsAllItsAnswers() {
        harness.model.watcher = batch -> batch.lora().scales()[PROMPT.length / 2] = 2;
        RecordingSink sink = harness.submit(harness.request("several", 20, SEA).withChoices(3));
        harness.untilIdle();
        assertStopped(sink, "other adapters than it asked for");
        assertThat(harness.engine.stats().wrongRows()).isEqualTo(3);
        assertBilled();
        assertThat(harness.held()).isEqualTo(NOTHING);
    }

    @Test
    void step_corruptWeights_stopAllWhoUseThemAndForgetWhatTheyLeft() {
        RecordingSink before = harness.submit(harness.request("before", 5, SEA));
        harness.untilIdle();
        RecordingSink running = harness.submit(harness.request("running", 20, SEA));
        RecordingSink both =
                harness.submit(harness.request("both", 20, SKY, SEA).withChoices(2));
        RecordingSink sky = harness.submit(harness.request("sky", 20, SKY));
        harness.steps(3);
        harness.residency.corrupt(SEA);
        RecordingSink after = harness.submit(harness.request("after", 5, SEA));
        harness.untilIdle();

        assertStopped(running, "changed in memory");
        assertStopped(both, "changed in memory");
        assertThat(sky.tokens()).containsExactly(expected(SKY, 20));
        // It came before the fault was found and may have read what the corrupt weights left in the cache.
        assertStopped(after, "changed in memory");
        RecordingSink again = harness.submit(harness.request("again", 5, SEA));
        harness.untilIdle();
        assertThat(again.tokens()).containsExactly(before.tokens());
        assertThat(again.awaitFinished().usage().cachedTokens()).isZero();
        assertBilled("before", "sky", "again");
        assertThat(harness.engine.stats().corruptWeights()).isEqualTo(4);
        assertThat(harness.held()).isEqualTo(NOTHING);
    }

    @Test
    void step_corruptWeightsOfWhoWaitsForASeat_isStopped() {
        EngineHarness narrow = new EngineHarness(100, new SchedulerConfig(1, 64));
        RecordingSink running = narrow.submit(narrow.request("running", 20, SKY));
        RecordingSink waiting = narrow.submit(narrow.request("waiting", 20, SEA));
        narrow.steps(2);
        narrow.residency.corrupt(SEA);
        narrow.untilIdle();
        assertStopped(waiting, "changed in memory");
        assertThat(running.tokens()).containsExactly(expected(SKY, 20));
        assertThat(narrow.held()).isEqualTo(NOTHING);
    }

    @Test
    void distrust_idleAdapter_forgetsCachedPrefixes() {
        for (boolean distrusted : new boolean[] {false, true}) {
            EngineHarness fresh = new EngineHarness();
            fresh.submit(fresh.request("before", 5, SEA));
            fresh.untilIdle();
            if (distrusted) {
                fresh.engine.distrust(SEA);
            }
            RecordingSink after = fresh.submit(fresh.request("after", 5, SEA));
            fresh.untilIdle();
            assertThat(after.awaitFinished().usage().cachedTokens()).isEqualTo(distrusted ? 0 : 8);
            assertThat(after.tokens()).containsExactly(expected(SEA, 5));
            assertThat(fresh.held()).isEqualTo(NOTHING);
        }
    }

    @Test
    void distrust_adapterLoadedAfresh_stopsWhoReadTheCacheOnly() {
        harness.submit(harness.request("before", 5, SEA));
        harness.untilIdle();
        RecordingSink cached = harness.submit(harness.request("cached", 20, SEA));
        RecordingSink fresh = harness.submit(harness.request("fresh", 20, SEA).withCacheSalt(new Bytes32(1, 2, 3, 4)));
        RecordingSink sky = harness.submit(harness.request("sky", 20, SKY));
        harness.steps(3);
        harness.engine.distrust(SEA);
        harness.untilIdle();
        assertStopped(cached, "changed in memory");
        assertThat(fresh.tokens()).containsExactly(expected(SEA, 20));
        assertThat(sky.tokens()).containsExactly(expected(SKY, 20));
        assertBilled("before", "fresh", "sky");
    }

    @Test
    void enqueue_leaseOnAnotherAdapter_isRefused() {
        harness.residency.exchange(SEA, SKY);
        RecordingSink wrong = harness.submit(harness.request("wrong", 5, SEA));
        RecordingSink base = harness.submit(harness.request("base", 5));
        harness.untilIdle();
        assertStopped(wrong, "held other weights");
        assertThat(base.tokens()).containsExactly(expectedOfBase(5));
        assertThat(harness.engine.stats().wrongSlots()).isEqualTo(1);
        assertThat(harness.held()).isEqualTo(NOTHING);
    }

    /// The model itself counts which weights each row that gives a token was computed with.
    @Test
    void usage_tokensPerAdapter_areThoseThatTheStepsRead() {
        Map<Digest, Integer> seen = new HashMap<>();
        harness.model.watcher = batch -> count(batch, seen);
        RecordingSink one = harness.submit(harness.request("one", 9, SEA));
        RecordingSink two = harness.submit(harness.request(
                "two",
                5,
                List.of(new AdapterSelection(SKY, -500_000, null), new AdapterSelection(SEA, 250_000, null))));
        RecordingSink base = harness.submit(harness.request("base", 9));
        harness.untilIdle();

        assertThat(one.awaitFinished().usage().adapters())
                .containsExactly(new Usage.AdapterTokens(AdapterSelection.of(SEA), 9));
        assertThat(two.awaitFinished().usage().adapters())
                .extracting(Usage.AdapterTokens::tokens)
                .containsExactly(5, 5);
        assertThat(base.awaitFinished().usage().adapters()).isEmpty();
        Map<Digest, Integer> metered = new HashMap<>();
        for (Usage usage : harness.committed) {
            usage.adapters().forEach(use -> metered.merge(use.adapter().digest(), use.tokens(), Integer::sum));
        }
        assertThat(metered).isEqualTo(seen).containsEntry(SEA, 14).containsEntry(SKY, 5);
    }

    private static void count(ForwardBatch batch, Map<Digest, Integer> seen) {
        LoraBatch lora = batch.lora();
        for (int segment = 0; segment < lora.slots().length; segment++) {
            for (int entry = lora.segmentStarts()[segment]; entry < lora.segmentStarts()[segment + 1]; entry++) {
                int row = lora.rows()[entry];
                if (Arrays.stream(batch.logitRows()).anyMatch(logitRow -> logitRow == row)) {
                    seen.merge(((FakeResidency.Slot) lora.slots()[segment]).digest(), 1, Integer::sum);
                }
            }
        }
    }

    @Test
    void build_sameRowsAndTable_givesTheSameMetadataAgain() {
        List<LoraBatch> batches = new ArrayList<>();
        harness.model.watcher = batch -> batches.add(batch.lora());
        harness.submit(harness.request("sea", 50, SEA));
        harness.steps(4); // a prompt, then three tokens
        assertThat(batches.get(2)).isNotSameAs(batches.get(0)).isSameAs(batches.get(1));
        harness.residency.touchTable();
        harness.steps(2);
        assertThat(batches.get(4)).as("the table changed").isNotSameAs(batches.get(3));
        harness.submit(harness.request("sky", 50, SKY));
        harness.steps(3);
        assertThat(batches.get(7)).as("the rows changed").isNotSameAs(batches.get(4));
        assertThat(batches.get(7).slots()).hasSize(2).doesNotContainNull().hasOnlyElementsOfType(LoraSlot.class);
    }
}
