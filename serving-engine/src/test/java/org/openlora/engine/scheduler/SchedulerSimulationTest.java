package org.openlora.engine.scheduler;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openlora.engine.kv.BlockManager;
import org.openlora.meter.evm.Bytes32;

/// Seeded traffic through the scheduler, with its promises checked after every step from the outside.
class SchedulerSimulationTest {
    private static final int BLOCK_TOKENS = 4;
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

    /// What the test knows of an open sequence.
    private static final class Open {
        final Sequence sequence;
        final int maxTokens;
        boolean running;
        int overtaken;

        Open(Sequence sequence, int maxTokens) {
            this.sequence = sequence;
            this.maxTokens = maxTokens;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
    void schedule_randomTraffic_keepsEveryPromise(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        BlockManager blocks = new BlockManager(8 + random.nextInt(40), BLOCK_TOKENS);
        int rows = 8 + random.nextInt(24);
        SchedulerConfig config = new SchedulerConfig(
                1 + random.nextInt(6), rows, 1 + random.nextInt(rows), random.nextInt(12), random.nextInt(4) > 0);
        Scheduler scheduler = new Scheduler(config, blocks);
        Map<Sequence, Open> open = new LinkedHashMap<>();
        long nextId = 0;
        int finished = 0;
        for (int step = 0; step < 3_000; step++) {
            if (random.nextInt(3) == 0 && open.size() < 30) {
                Open arrival = arrival(nextId++, scheduler.longestSequence(), random);
                scheduler.add(arrival.sequence);
                open.put(arrival.sequence, arrival);
            }
            if (random.nextInt(50) == 0 && !open.isEmpty()) {
                Sequence aborted = new ArrayList<>(open.keySet()).get(random.nextInt(open.size()));
                scheduler.remove(aborted);
                open.remove(aborted);
            }
            ScheduledStep scheduled = scheduler.schedule();
            checkStep(scheduled, config, open.values());
            countOvertakes(scheduled, open.values(), config.maxOvertakes());
            if (random.nextInt(60) == 0) {
                for (ScheduledStep.Chunk chunk : scheduled.chunks()) { // the step failed
                    scheduler.remove(chunk.sequence());
                    open.remove(chunk.sequence());
                }
            } else {
                scheduler.complete(scheduled);
                for (ScheduledStep.Chunk chunk : scheduled.chunks()) {
                    if (chunk.samples()) {
                        nextId = fork(scheduler, chunk.sequence(), open, nextId, random);
                        finished += sample(scheduler, chunk.sequence(), open, random);
                    }
                }
            }
            scheduler.checkIntegrity();
            assertThat(scheduler.waitingCount() + scheduler.runningCount()).isEqualTo(open.size());
        }
        assertThat(finished).as("seed %d", seed).isGreaterThan(20);
        open.keySet().forEach(scheduler::remove);
        scheduler.checkIntegrity();
        assertThat(blocks.freeBlocks()).isEqualTo(blocks.totalBlocks());
    }

    private static Open arrival(long id, int longest, SplittableRandom random) {
        int[] prompt = new int[1 + random.nextInt(Math.max(1, longest / 2))];
        int shared = random.nextInt(prompt.length + 1); // of few kinds, so that prefixes are found
        for (int i = 0; i < prompt.length; i++) {
            prompt[i] = i < shared ? 1 : random.nextInt(50);
        }
        int tenant = 1 + random.nextInt(3);
        ServiceTerms terms =
                new ServiceTerms(Sequences.tenant(tenant), random.nextInt(3), NOW.plusSeconds(random.nextInt(100)));
        int adapter = random.nextInt(4);
        return new Open(
                Sequences.of(id, prompt, terms, Sequences.tenant(100 * tenant + adapter), adapter),
                1 + random.nextInt(longest - prompt.length));
    }

    private static long fork(
            Scheduler scheduler, Sequence parent, Map<Sequence, Open> open, long nextId, SplittableRandom random) {
        long id = nextId;
        if (parent.generated() == 0 && random.nextInt(5) == 0) {
            int longest = scheduler.longestSequence() - parent.promptLength();
            for (int i = random.nextInt(3); i >= 0; i--) {
                Sequence child = scheduler.fork(parent, id++, i + 1);
                Open known = new Open(child, 1 + random.nextInt(longest));
                known.running = child.computed() > 0;
                open.put(child, known);
                sample(scheduler, child, open, random);
            }
        }
        return id;
    }

    private static int sample(
            Scheduler scheduler, Sequence sequence, Map<Sequence, Open> open, SplittableRandom random) {
        sequence.append(random.nextInt(50));
        if (sequence.generated() < requireNonNull(open.get(sequence)).maxTokens) {
            return 0;
        }
        scheduler.remove(sequence);
        open.remove(sequence);
        return 1;
    }

    /// Within bounds; nobody who could run is left out; whoever grows does not wait for a prompt.
    private static void checkStep(ScheduledStep step, SchedulerConfig config, Iterable<Open> open) {
        assertThat(step.tokens()).isLessThanOrEqualTo(config.maxNumBatchedTokens());
        assertThat(step.isEmpty())
                .as("idle with work")
                .isEqualTo(!open.iterator().hasNext());
        int growing = 0;
        int prompts = 0;
        for (ScheduledStep.Chunk chunk : step.chunks()) {
            boolean grows = chunk.count() == 1 && chunk.samples();
            growing += grows ? 1 : 0;
            prompts += grows ? 0 : chunk.count();
        }
        boolean decodes = step.chunks().stream()
                .anyMatch(chunk -> chunk.count() == 1
                        && chunk.samples()
                        && chunk.sequence().generated() > 0
                        && chunk.start() > chunk.sequence().promptLength());
        if (decodes) {
            assertThat(prompts).isLessThanOrEqualTo(config.maxPrefillTokensBesideDecode());
        }
        assertThat(growing + prompts).isEqualTo(step.tokens());
        List<Sequence> inStep =
                step.chunks().stream().map(ScheduledStep.Chunk::sequence).toList();
        for (Open one : open) {
            boolean grows = one.sequence.computed() > 0 && one.sequence.computed() == one.sequence.length() - 1;
            if (grows) {
                assertThat(inStep).as("%s grows", one.sequence).contains(one.sequence);
            }
        }
    }

    private static void countOvertakes(ScheduledStep step, Iterable<Open> open, int allowed) {
        Map<Sequence, Open> known = new HashMap<>();
        for (Open one : open) {
            known.put(one.sequence, one);
            if (one.sequence.blockTable().size() == 0 && one.running) {
                one.running = false; // preempted
                one.overtaken = 0;
            }
        }
        for (ScheduledStep.Chunk chunk : step.chunks()) {
            Open admitted = requireNonNull(known.get(chunk.sequence()));
            if (admitted.running) {
                continue;
            }
            admitted.running = true;
            for (Open other : open) {
                if (!other.running
                        && other.sequence.id() < admitted.sequence.id()
                        && other.sequence
                                .terms()
                                .tenant()
                                .equals(admitted.sequence.terms().tenant())) {
                    other.overtaken++;
                    assertThat(other.overtaken)
                            .as("%s overtaken", other.sequence)
                            .isLessThanOrEqualTo(allowed);
                }
            }
        }
    }

    enum Rivals {
        TENANTS,
        ADAPTERS
    }

    /// Both always have work waiting; one asks for six times as much per request. Service stays within the bound of
    /// the paper (theorem 4.3): 2 · max(prompt weight · longest prompt, token weight · tokens in memory).
    @ParameterizedTest
    @EnumSource(Rivals.class)
    void schedule_greedyAndModest_getTheSameService(Rivals rivals) {
        BlockManager blocks = new BlockManager(60, BLOCK_TOKENS);
        SchedulerConfig config =
                new SchedulerConfig(6, 32).withMaxOvertakes(Integer.MAX_VALUE).withPrefixCaching(false);
        Scheduler scheduler = new Scheduler(config, blocks);
        int[] promptTokens = {30, 5};
        int[] maxTokens = {30, 5};
        long[] service = new long[2];
        Map<Sequence, Integer> rivalOf = new HashMap<>();
        int[] waiting = new int[2];
        long nextId = 0;
        int bound = 2 * Math.max(30, FairShares.GENERATED_TOKEN_WEIGHT * 60 * BLOCK_TOKENS);
        for (int step = 0; step < 4_000; step++) {
            for (int rival = 0; rival < 2; rival++) {
                for (; waiting[rival] < 4; waiting[rival]++) {
                    Bytes32 tenant = Sequences.tenant(rivals == Rivals.TENANTS ? 1 + rival : 1);
                    int adapter = rivals == Rivals.ADAPTERS ? 1 + rival : 0;
                    Sequence sequence = Sequences.of(
                            nextId++,
                            new int[promptTokens[rival]],
                            new ServiceTerms(tenant, 0, NOW),
                            Bytes32.ZERO,
                            adapter);
                    rivalOf.put(sequence, rival);
                    scheduler.add(sequence);
                }
            }
            ScheduledStep scheduled = scheduler.schedule();
            scheduler.complete(scheduled);
            for (ScheduledStep.Chunk chunk : scheduled.chunks()) {
                Sequence sequence = chunk.sequence();
                int rival = requireNonNull(rivalOf.get(sequence));
                if (chunk.start() == 0 && sequence.generated() == 0) {
                    waiting[rival]--;
                    service[rival] += sequence.promptLength();
                }
                if (chunk.samples()) {
                    service[rival] += FairShares.GENERATED_TOKEN_WEIGHT;
                    sequence.append(1);
                    if (sequence.generated() == maxTokens[rival]) {
                        scheduler.remove(sequence);
                    }
                }
            }
            assertThat(Math.abs(service[0] - service[1])).as("step %d", step).isLessThanOrEqualTo(bound);
        }
        assertThat(service[0]).isGreaterThan(20L * bound);
    }

    /// A tenant that floods the queue does not delay another's single requests by more than what runs already.
    @ParameterizedTest
    @ValueSource(ints = {10, 200})
    void schedule_flood_doesNotHoldUpAnotherTenant(int flood) {
        Scheduler scheduler = new Scheduler(new SchedulerConfig(2, 16), new BlockManager(60, BLOCK_TOKENS));
        for (int id = 0; id < flood; id++) {
            scheduler.add(Sequences.of(id, 8, Sequences.tenant(1), 0));
        }
        ScheduledStep first = scheduler.schedule();
        scheduler.complete(first);
        first.chunks().forEach(chunk -> chunk.sequence().append(1));
        Sequence single = Sequences.of(flood, 8, Sequences.tenant(2), 0);
        scheduler.add(single);
        ScheduledStep running = scheduler.schedule();
        scheduler.complete(running);
        assertThat(running.chunks()).hasSize(2);
        scheduler.remove(running.chunks().getFirst().sequence());

        ScheduledStep next = scheduler.schedule();
        assertThat(next.chunks()).extracting(ScheduledStep.Chunk::sequence).contains(single);
    }
}
