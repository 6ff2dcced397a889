package org.openlora.engine.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.engine.kv.BlockManager;
import org.openlora.engine.sampling.SamplingParams;

class SchedulerTest {
    private static final class NoAdapters implements AdapterLease {
        @Override
        public List<ResidentAdapter> adapters() {
            return List.of();
        }

        @Override
        public void close() {}
    }

    private static Sequence sequence(long id, int promptTokens, int maxTokens) {
        return new Sequence(id, new int[promptTokens], SamplingParams.greedy(maxTokens), List.of(), new NoAdapters());
    }

    @Test
    void schedule_longPrompt_isComputedInChunksBesideDecodes() {
        Scheduler scheduler = new Scheduler(new SchedulerConfig(4, 8), new BlockManager(100, 4));
        Sequence decoding = sequence(1, 3, 10);
        scheduler.add(decoding);
        assertThat(scheduler.schedule().tokens()).isEqualTo(3);
        decoding.append(5);

        Sequence longPrompt = sequence(2, 20, 10);
        scheduler.add(longPrompt);
        ScheduledStep second = scheduler.schedule();
        assertThat(second.chunks())
                .containsExactly(new ScheduledStep.Chunk(decoding, 3, 1), new ScheduledStep.Chunk(longPrompt, 0, 7));
        assertThat(second.chunks().get(0).samples()).isTrue();
        assertThat(second.chunks().get(1).samples()).isFalse();
    }

    @Test
    void schedule_noFreeBlock_preemptsTheYoungestAndKeepsItsTokens() {
        Scheduler scheduler = new Scheduler(new SchedulerConfig(4, 16), new BlockManager(4, 4));
        Sequence older = sequence(1, 8, 10);
        Sequence younger = sequence(2, 8, 10);
        scheduler.add(older);
        scheduler.add(younger);
        scheduler.schedule();
        older.append(1);
        younger.append(2);

        ScheduledStep step = scheduler.schedule();

        assertThat(step.chunks()).containsExactly(new ScheduledStep.Chunk(older, 8, 1));
        assertThat(younger.computed()).isZero();
        assertThat(younger.discarded()).isEqualTo(8);
        assertThat(younger.outputTokens()).containsExactly(2);
        assertThat(scheduler.preemptions()).isEqualTo(1);
        scheduler.checkIntegrity();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void schedule_randomTraffic_losesNoSequenceAndNoBlock(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        BlockManager blocks = new BlockManager(1 + random.nextInt(8, 40), 4);
        SchedulerConfig config = new SchedulerConfig(1 + random.nextInt(6), 8 + random.nextInt(24));
        Scheduler scheduler = new Scheduler(config, blocks);
        Map<Sequence, Integer> open = new HashMap<>();
        long nextId = 0;
        int finished = 0;
        for (int step = 0; step < 4_000; step++) {
            if (random.nextInt(3) == 0 && open.size() < 30) {
                int longest = scheduler.longestSequence();
                int prompt = 1 + random.nextInt(Math.max(1, longest / 2));
                Sequence sequence = sequence(nextId++, prompt, 1 + random.nextInt(longest - prompt));
                scheduler.add(sequence);
                open.put(sequence, 0);
            }
            if (random.nextInt(50) == 0 && !open.isEmpty()) {
                Sequence aborted = new ArrayList<>(open.keySet()).get(random.nextInt(open.size()));
                scheduler.remove(aborted);
                open.remove(aborted);
            }
            ScheduledStep scheduled = scheduler.schedule();
            assertThat(scheduled.tokens())
                    .as("seed %d step %d", seed, step)
                    .isLessThanOrEqualTo(config.maxNumBatchedTokens());
            assertThat(scheduled.isEmpty())
                    .as("idle with work, seed %d step %d", seed, step)
                    .isEqualTo(open.isEmpty());
            for (ScheduledStep.Chunk chunk : scheduled.chunks()) {
                Sequence sequence = chunk.sequence();
                assertThat(open).containsKey(sequence);
                assertThat(sequence.computed()).isEqualTo(chunk.start() + chunk.count());
                if (chunk.samples()) {
                    sequence.append(1);
                    if (sequence.generated() == sequence.params().maxTokens()) {
                        scheduler.remove(sequence);
                        open.remove(sequence);
                        finished++;
                    }
                }
            }
            scheduler.checkIntegrity();
            assertThat(scheduler.waitingCount() + scheduler.runningCount()).isEqualTo(open.size());
        }
        assertThat(finished).as("seed %d", seed).isGreaterThan(20);
    }
}
