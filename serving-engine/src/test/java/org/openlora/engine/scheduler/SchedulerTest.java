package org.openlora.engine.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.openlora.engine.kv.BlockCopy;
import org.openlora.engine.kv.BlockManager;
import org.openlora.meter.evm.Bytes32;

class SchedulerTest {
    private static final int BLOCK_TOKENS = 4;
    private static final Bytes32 ACME = Sequences.tenant(1);
    private static final Bytes32 OTHER = Sequences.tenant(2);

    private static Scheduler scheduler(SchedulerConfig config, int blocks) {
        return new Scheduler(config, new BlockManager(blocks, BLOCK_TOKENS));
    }

    private static ScheduledStep run(Scheduler scheduler) {
        ScheduledStep step = scheduler.schedule();
        scheduler.complete(step);
        scheduler.checkIntegrity();
        return step;
    }

    private static List<Long> ids(ScheduledStep step) {
        return step.chunks().stream().map(chunk -> chunk.sequence().id()).toList();
    }

    @Test
    void schedule_longPrompt_isComputedInChunksBesideDecodes() {
        Scheduler scheduler = scheduler(new SchedulerConfig(4, 8), 100);
        Sequence decoding = Sequences.of(1, 3);
        scheduler.add(decoding);
        assertThat(run(scheduler).tokens()).isEqualTo(3);
        decoding.append(5);

        Sequence longPrompt = Sequences.of(2, 20);
        scheduler.add(longPrompt);
        ScheduledStep second = run(scheduler);
        assertThat(second.chunks())
                .containsExactly(new ScheduledStep.Chunk(decoding, 3, 1), new ScheduledStep.Chunk(longPrompt, 0, 7));
        assertThat(second.chunks().get(0).samples()).isTrue();
        assertThat(second.chunks().get(1).samples()).isFalse();
    }

    @Test
    void schedule_promptBesideDecodes_isBounded() {
        Scheduler scheduler = scheduler(new SchedulerConfig(4, 64).withPrefillTokensBesideDecode(6), 100);
        Sequence decoding = Sequences.of(1, 3);
        scheduler.add(decoding);
        run(scheduler);
        decoding.append(5);
        Sequence first = Sequences.of(2, 20);
        Sequence second = Sequences.of(3, 20);
        scheduler.add(first);
        scheduler.add(second);

        assertThat(run(scheduler).chunks())
                .containsExactly(new ScheduledStep.Chunk(decoding, 3, 1), new ScheduledStep.Chunk(first, 0, 6));
        scheduler.remove(decoding);
        assertThat(run(scheduler).chunks())
                .as("without decodes, prompts fill the step")
                .containsExactly(new ScheduledStep.Chunk(first, 6, 14), new ScheduledStep.Chunk(second, 0, 20));
    }

    @Test
    void schedule_noFreeBlock_preemptsTheYoungestAndKeepsItsTokens() {
        Scheduler scheduler = scheduler(new SchedulerConfig(4, 16).withPrefixCaching(false), 4);
        Sequence older = Sequences.of(1, 8);
        Sequence younger = Sequences.of(2, 8);
        scheduler.add(older);
        scheduler.add(younger);
        run(scheduler);
        older.append(1);
        younger.append(2);

        ScheduledStep step = run(scheduler);

        assertThat(step.chunks()).containsExactly(new ScheduledStep.Chunk(older, 8, 1));
        assertThat(younger.computed()).isZero();
        assertThat(younger.outputTokens()).containsExactly(2);
        assertThat(scheduler.preemptions()).isEqualTo(1);

        scheduler.remove(older);
        assertThat(run(scheduler).chunks()).containsExactly(new ScheduledStep.Chunk(younger, 0, 9));
        assertThat(younger.discarded()).isEqualTo(8);
    }

    @Test
    void schedule_noFreeBlock_preemptsTheHighestPriorityNumberFirst() {
        Scheduler scheduler = scheduler(new SchedulerConfig(4, 16), 4);
        Sequence background = Sequences.of(1, 8, ACME, 5);
        Sequence urgent = Sequences.of(2, 8, ACME, 0);
        scheduler.add(background);
        scheduler.add(urgent);
        run(scheduler);
        background.append(1);
        urgent.append(2);

        assertThat(run(scheduler).chunks()).containsExactly(new ScheduledStep.Chunk(urgent, 8, 1));
        assertThat(background.computed()).isZero();
    }

    @Test
    void schedule_preemptedWithItsPrefixStillCached_computesOnlyTheRest() {
        Scheduler scheduler = scheduler(new SchedulerConfig(4, 64), 9);
        Sequence older = Sequences.of(1, new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
        Sequence younger = Sequences.of(
                2, new int[] {21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40});
        scheduler.add(older);
        scheduler.add(younger);
        run(scheduler);
        older.append(50);
        younger.append(60);
        run(scheduler); // one of the younger's five blocks is taken for the older's next token
        assertThat(scheduler.preemptions()).isEqualTo(1);
        scheduler.remove(older);

        assertThat(run(scheduler).chunks()).containsExactly(new ScheduledStep.Chunk(younger, 16, 5));
        assertThat(younger.discarded()).isEqualTo(4);
        assertThat(younger.cached()).as("nothing was found at first").isZero();
    }

    @Test
    void schedule_lowerPriorityNumber_runsEarlierWithinATenantOnly() {
        Scheduler scheduler = scheduler(new SchedulerConfig(1, 64), 100);
        scheduler.add(Sequences.of(1, 8, ACME, 1));
        scheduler.add(Sequences.of(2, 8, ACME, 0));
        Sequence others = Sequences.of(3, 8, OTHER, 9);
        scheduler.add(others);

        ScheduledStep first = run(scheduler);
        assertThat(ids(first)).containsExactly(2L);
        scheduler.remove(first.chunks().getFirst().sequence());
        assertThat(ids(run(scheduler))).as("whoever got less goes first").containsExactly(3L);
        scheduler.remove(others);
        assertThat(ids(run(scheduler))).containsExactly(1L);
    }

    @Test
    void schedule_equalClaims_earlierDeadlineGoesFirst() {
        Scheduler scheduler = scheduler(new SchedulerConfig(1, 64), 100);
        Instant noon = Instant.parse("2026-01-01T12:00:00Z");
        scheduler.add(Sequences.of(1, 8, new ServiceTerms(ACME, 0, noon)));
        scheduler.add(Sequences.of(2, 8, new ServiceTerms(ACME, 0, noon.minusSeconds(1))));

        assertThat(ids(run(scheduler))).containsExactly(2L);
    }

    @Test
    void schedule_overtakenOftenEnough_goesFirst() {
        Scheduler scheduler = scheduler(new SchedulerConfig(1, 64).withMaxOvertakes(3), 100);
        scheduler.add(Sequences.of(0, 8, ACME, 7));
        for (int id = 1; id <= 3; id++) {
            Sequence urgent = Sequences.of(id, 8, ACME, 0);
            scheduler.add(urgent);
            assertThat(ids(run(scheduler))).containsExactly((long) id);
            scheduler.remove(urgent);
        }
        scheduler.add(Sequences.of(4, 8, ACME, 0));

        assertThat(ids(run(scheduler))).containsExactly(0L);
    }

    @Test
    void schedule_equalSeed_sharesFullBlocksButNeverTheWholePrompt() {
        Scheduler scheduler = scheduler(new SchedulerConfig(8, 64), 100);
        int[] prompt = {1, 2, 3, 4, 5, 6, 7, 8};
        scheduler.add(Sequences.of(1, prompt));
        run(scheduler);
        Sequence same = Sequences.of(2, prompt);
        Sequence longer = Sequences.of(3, new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9});
        Sequence different = Sequences.of(4, new int[] {0, 2, 3, 4, 5, 6, 7, 8});
        Sequence otherSeed = Sequences.withSeed(5, prompt, Sequences.tenant(77));
        List.of(same, longer, different, otherSeed).forEach(scheduler::add);

        assertThat(run(scheduler).chunks())
                .containsExactlyInAnyOrder(
                        new ScheduledStep.Chunk(same, 4, 4),
                        new ScheduledStep.Chunk(longer, 8, 1),
                        new ScheduledStep.Chunk(different, 0, 8),
                        new ScheduledStep.Chunk(otherSeed, 0, 8));
        assertThat(same.cached()).isEqualTo(4);
        assertThat(longer.cached()).isEqualTo(8);
        assertThat(scheduler.cachedTokens()).isEqualTo(12);
    }

    @Test
    void schedule_stepThatFailed_publishesNothing() {
        Scheduler scheduler = scheduler(new SchedulerConfig(4, 64), 100);
        Sequence failed = Sequences.of(1, new int[8]);
        scheduler.add(failed);
        scheduler.schedule();
        scheduler.remove(failed);

        Sequence next = Sequences.of(2, new int[8]);
        scheduler.add(next);
        assertThat(run(scheduler).chunks()).containsExactly(new ScheduledStep.Chunk(next, 0, 8));
    }

    @Test
    void fork_partlyFilledBlock_isCopiedByAllButOne() {
        BlockManager blocks = new BlockManager(10, BLOCK_TOKENS);
        Scheduler scheduler = new Scheduler(new SchedulerConfig(4, 64), blocks);
        Sequence parent = Sequences.of(1, 6);
        scheduler.add(parent);
        run(scheduler);
        Sequence second = scheduler.fork(parent, 2, 1);
        Sequence third = scheduler.fork(parent, 3, 2);
        assertThat(blocks.freeBlocks()).as("three responses, one prompt").isEqualTo(8);
        parent.append(1);
        second.append(2);
        third.append(3);

        ScheduledStep step = run(scheduler);

        assertThat(ids(step)).containsExactly(1L, 2L, 3L);
        assertThat(step.copies()).hasSize(2).extracting(BlockCopy::from).containsOnly(1);
        assertThat(Arrays.asList(parent, second, third))
                .extracting(sequence -> sequence.blockTable().block(0))
                .containsOnly(0);
        assertThat(Arrays.asList(parent, second, third))
                .extracting(sequence -> sequence.blockTable().block(1))
                .doesNotHaveDuplicates();
        assertThat(second.cached()).isEqualTo(6);
    }

    @Test
    void fork_noSeat_waitsAndComputesWhatIsNotCached() {
        Scheduler scheduler = scheduler(new SchedulerConfig(1, 64), 10);
        Sequence parent = Sequences.of(1, 6);
        scheduler.add(parent);
        run(scheduler);
        Sequence second = scheduler.fork(parent, 2, 1);
        second.append(2);
        scheduler.remove(parent);

        assertThat(run(scheduler).chunks()).containsExactly(new ScheduledStep.Chunk(second, 4, 3));
        assertThat(second.cached()).isEqualTo(6);
    }
}
