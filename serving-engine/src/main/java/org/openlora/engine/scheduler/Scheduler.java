package org.openlora.engine.scheduler;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.openlora.engine.kv.BlockManager;
import org.openlora.engine.kv.BlockTable;

/// Continuous batching (Orca) with chunked prefill (Sarathi, arXiv 2403.02310).
///
/// Each step takes the running sequences first, oldest first, and fills what is left of the token budget from the
/// waiting queue, first come first served. A sequence that finds no free block preempts the youngest running one,
/// which gives up its blocks and is computed again later: its tokens stay, so its response does not change.
/// Sequences enter only with their adapters already leased, so scheduling never waits for a load.
///
/// Owned by the engine thread; reads no clock and holds no lock.
public final class Scheduler {
    private final SchedulerConfig config;
    private final BlockManager blocks;
    private final Deque<Sequence> waiting = new ArrayDeque<>();
    private final List<Sequence> running = new ArrayList<>(); // oldest admission first
    private long preemptions;

    public Scheduler(SchedulerConfig config, BlockManager blocks) {
        this.config = config;
        this.blocks = blocks;
    }

    /// Most tokens, prompt and response together, that one sequence can ever hold.
    public int longestSequence() {
        return blocks.totalBlocks() * blocks.blockTokens();
    }

    public void add(Sequence sequence) {
        waiting.addLast(sequence);
    }

    public int waitingCount() {
        return waiting.size();
    }

    public int runningCount() {
        return running.size();
    }

    /// Preemptions since the start.
    public long preemptions() {
        return preemptions;
    }

    public boolean hasWork() {
        return !waiting.isEmpty() || !running.isEmpty();
    }

    /// Picks the tokens of the next step and marks them as computed.
    public ScheduledStep schedule() {
        List<ScheduledStep.Chunk> chunks = new ArrayList<>();
        int budget = advanceRunning(chunks, config.maxNumBatchedTokens());
        admitWaiting(chunks, budget);
        for (ScheduledStep.Chunk chunk : chunks) {
            chunk.sequence().advance(chunk.count());
        }
        return new ScheduledStep(chunks);
    }

    private int advanceRunning(List<ScheduledStep.Chunk> chunks, int tokens) {
        int budget = tokens;
        for (int i = 0; i < running.size() && budget > 0; i++) { // preemption shortens the list behind i
            Sequence sequence = running.get(i);
            int count = Math.min(sequence.length() - sequence.computed(), budget);
            if (reserveByPreempting(sequence, sequence.computed() + count)) {
                chunks.add(new ScheduledStep.Chunk(sequence, sequence.computed(), count));
                budget -= count;
            }
        }
        return budget;
    }

    /// Reserves blocks for `sequence`, preempting the youngest until they are found or it is the youngest itself.
    private boolean reserveByPreempting(Sequence sequence, int tokens) {
        while (!blocks.reserve(sequence.blockTable(), tokens)) {
            Sequence youngest = running.removeLast();
            blocks.release(youngest.blockTable());
            youngest.rewind();
            waiting.addFirst(youngest);
            preemptions++;
            if (youngest == sequence) {
                return false;
            }
        }
        return true;
    }

    private void admitWaiting(List<ScheduledStep.Chunk> chunks, int tokens) {
        int budget = tokens;
        while (budget > 0 && !waiting.isEmpty() && running.size() < config.maxNumSeqs()) {
            Sequence sequence = waiting.getFirst();
            int count = Math.min(sequence.length(), budget);
            // Room for the whole sequence now spares it from being preempted halfway through its prompt.
            if (blocks.blocksFor(sequence.length()) > blocks.freeBlocks()
                    || !blocks.reserve(sequence.blockTable(), count)) {
                return;
            }
            waiting.removeFirst();
            running.add(sequence);
            chunks.add(new ScheduledStep.Chunk(sequence, 0, count));
            budget -= count;
        }
    }

    /// Takes a sequence out, in whatever state, and frees its blocks. Its lease stays with the caller.
    public void remove(Sequence sequence) {
        if (running.remove(sequence) || waiting.remove(sequence)) {
            blocks.release(sequence.blockTable());
        }
    }

    /// Throws [IllegalStateException] if a block is lost, shared by mistake, or a bound is exceeded.
    public void checkIntegrity() {
        List<BlockTable> tables = new ArrayList<>();
        for (Sequence sequence : running) {
            tables.add(sequence.blockTable());
        }
        for (Sequence sequence : waiting) {
            if (sequence.blockTable().size() != 0 || sequence.computed() != 0) {
                throw new IllegalStateException(sequence + " waits but holds blocks");
            }
        }
        blocks.checkIntegrity(tables);
        if (running.size() > config.maxNumSeqs()) {
            throw new IllegalStateException(running.size() + " sequences run, allowed " + config.maxNumSeqs());
        }
    }
}
