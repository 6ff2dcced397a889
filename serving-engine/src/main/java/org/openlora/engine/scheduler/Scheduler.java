package org.openlora.engine.scheduler;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.kv.BlockCopy;
import org.openlora.engine.kv.BlockHasher;
import org.openlora.engine.kv.BlockManager;
import org.openlora.engine.kv.BlockTable;
import org.openlora.engine.scheduler.Sequence.Turn;
import org.openlora.meter.evm.Bytes32;

/// Continuous batching (Orca) with chunked prefill (Sarathi, arXiv 2403.02310).
///
/// A step takes one row of every response that grows, so none of them ever waits for a prompt; then prompts under
/// a token budget, those that were begun first, then whose turn it is ([WaitingQueue]). A prompt gets all of its
/// blocks at once, computed ones of the prefix cache among them, so only a growing response can find none free. It
/// then preempts the running sequence of the highest priority number, of equal ones the youngest, which gives up
/// its blocks and is computed again later: its tokens stay, so its response does not change. Sequences enter only
/// with their adapters already leased, so scheduling never waits for a load.
///
/// Each step is [#schedule]d, run by the caller, and [#complete]d, or the sequences of chunks that failed are
/// [#remove]d.
/// Owned by the engine thread; reads no clock and holds no lock.
public final class Scheduler {
    private final SchedulerConfig config;
    private final BlockManager blocks;
    private final BlockHasher hasher;
    private final FairShares shares = new FairShares();
    private final WaitingQueue waiting;
    private final List<Sequence> running = new ArrayList<>(); // the last is preempted first
    private final List<ScheduledStep.Chunk> chunks = new ArrayList<>(); // of the step that is being made
    private final List<BlockCopy> copies = new ArrayList<>();
    private final List<Bytes32> names = new ArrayList<>(); // of the sequence that is being admitted
    private long arrivals;
    private long preemptions;
    private long cachedTokens;

    public Scheduler(SchedulerConfig config, BlockManager blocks) {
        this.config = config;
        this.blocks = blocks;
        this.hasher = new BlockHasher(blocks.blockTokens());
        this.waiting = new WaitingQueue(config.maxOvertakes());
    }

    /// Most tokens, prompt and response together, that one sequence can ever hold.
    public int longestSequence() {
        return blocks.totalBlocks() * blocks.blockTokens();
    }

    public void add(Sequence sequence) {
        enter(sequence);
        waiting.add(sequence);
    }

    /// Begins another response to the prompt of `parent`, which was just computed and has no response yet. It shares
    /// the prompt's blocks; where no seat is free, it waits, as if it had been preempted.
    ///
    /// @param choice which of the request's responses it is
    public Sequence fork(Sequence parent, long id, int choice) {
        Sequence child = parent.fork(id, choice);
        enter(child);
        child.turn().charged = true;
        child.turn().account().chargeGenerated(1);
        if (running.size() < config.maxNumSeqs()) {
            blocks.share(parent.blockTable(), child.blockTable());
            seat(child);
        } else {
            child.rewind();
            waiting.add(child);
        }
        return child;
    }

    private void enter(Sequence sequence) {
        Turn turn = sequence.turn();
        turn.account = shares.enter(sequence.terms().tenant(), sequence.adapterDigests());
        turn.arrival = arrivals++;
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

    /// Prompt tokens found in the prefix cache since the start.
    public long cachedTokens() {
        return cachedTokens;
    }

    public boolean hasWork() {
        return !waiting.isEmpty() || !running.isEmpty();
    }

    /// Picks the tokens of the next step.
    public ScheduledStep schedule() {
        chunks.clear();
        copies.clear();
        decode();
        int budget = config.maxNumBatchedTokens() - chunks.size();
        if (!chunks.isEmpty()) {
            budget = Math.min(budget, config.maxPrefillTokensBesideDecode());
        }
        admit(prefill(budget));
        return new ScheduledStep(chunks, copies);
    }

    /// One row of each response that grows.
    private void decode() {
        for (int i = 0; i < running.size(); i++) { // preemption shortens the list behind i, or at it
            Sequence sequence = running.get(i);
            if (sequence.missing() == 1 && makeRoom(sequence)) {
                chunks.add(new ScheduledStep.Chunk(sequence, sequence.computed(), 1));
            }
        }
    }

    /// Gives a sequence a block of its own for its next token, preempting others or, as the last resort, itself.
    ///
    /// @return false if it was preempted itself
    private boolean makeRoom(Sequence sequence) {
        while (!hasRoom(sequence)) {
            Sequence victim = running.removeLast();
            blocks.release(victim.blockTable());
            victim.rewind();
            waiting.add(victim);
            preemptions++;
            if (victim == sequence) {
                return false;
            }
        }
        return true;
    }

    private boolean hasRoom(Sequence sequence) {
        BlockTable table = sequence.blockTable();
        int index = sequence.computed() / blocks.blockTokens();
        if (index >= table.size()) {
            return blocks.reserve(table, sequence.length());
        }
        if (!blocks.isShared(table, index)) {
            return true;
        }
        BlockCopy copy = blocks.detach(table, index);
        if (copy == null) {
            return false;
        }
        copies.add(copy);
        return true;
    }

    /// Prompts that were begun.
    ///
    /// @return what is left of the budget
    private int prefill(int tokens) {
        int budget = tokens;
        for (int i = 0; i < running.size() && budget > 0; i++) {
            Sequence sequence = running.get(i);
            if (sequence.missing() > 1) {
                budget -= chunk(sequence, budget);
            }
        }
        return budget;
    }

    private void admit(int tokens) {
        int budget = tokens;
        Sequence first = budget > 0 && running.size() < config.maxNumSeqs() ? waiting.first() : null;
        while (first != null && takeRoom(first)) {
            waiting.admit(first);
            seat(first);
            budget -= chunk(first, budget);
            first = budget > 0 && running.size() < config.maxNumSeqs() ? waiting.first() : null;
        }
    }

    private int chunk(Sequence sequence, int budget) {
        int count = Math.min(sequence.missing(), budget);
        chunks.add(new ScheduledStep.Chunk(sequence, sequence.computed(), count));
        return count;
    }

    /// Room for the whole sequence spares it from being preempted halfway through its prompt.
    private boolean takeRoom(Sequence sequence) {
        names.clear();
        // At least the last token is computed: its logits are wanted.
        int findable = config.prefixCaching() ? (sequence.length() - 1) / blocks.blockTokens() : 0;
        for (int i = 0; i < findable; i++) {
            names.add(sequence.blockName(i, hasher));
        }
        int found = blocks.admit(sequence.blockTable(), names, sequence.length());
        if (found == BlockManager.NO_ROOM) {
            return false;
        }
        sequence.admit(found, found / blocks.blockTokens());
        Turn turn = sequence.turn();
        if (!turn.charged) {
            turn.charged = true;
            turn.account().chargePrompt(sequence.length() - found);
            cachedTokens += found;
        }
        return true;
    }

    /// Puts a sequence among the running ones, before those that are preempted rather. One that came back from a
    /// preemption is as old as it was, so the oldest is never preempted and always gets on.
    private void seat(Sequence sequence) {
        int at = running.size();
        while (at > 0 && isPreemptedAfter(sequence, running.get(at - 1))) {
            at--;
        }
        running.add(at, sequence);
    }

    /// Notes that a scheduled step was computed: full blocks can be found by others from now on.
    public void complete(ScheduledStep step) {
        step.chunks().forEach(this::complete);
    }

    /// Notes that one chunk of a scheduled step was computed, and that its keys and values may be used.
    public void complete(ScheduledStep.Chunk chunk) {
        Sequence sequence = chunk.sequence();
        sequence.advance(chunk.count());
        if (chunk.samples()) {
            sequence.turn().account().chargeGenerated(1);
        }
        if (config.prefixCaching()) {
            publish(sequence);
        }
    }

    private void publish(Sequence sequence) {
        int full = sequence.computed() / blocks.blockTokens();
        for (int index = sequence.published(); index < full; index++) {
            blocks.publish(sequence.blockTable(), index, sequence.blockName(index, hasher));
        }
        sequence.published(full);
    }

    /// Takes a sequence out, in whatever state, and frees its blocks. Its lease stays with the caller.
    public void remove(Sequence sequence) {
        if (running.remove(sequence) || waiting.remove(sequence)) {
            blocks.release(sequence.blockTable());
            shares.leave(sequence.turn().account());
        }
    }

    /// Forgets all that the prefix cache knows: some of it may have been computed with wrong weights. Whoever
    /// holds such blocks has to be [#remove]d.
    public void distrustCache() {
        blocks.forgetNames();
    }

    /// Throws [IllegalStateException] if a block is lost, shared by mistake, a bound is exceeded or an order broken.
    public void checkIntegrity() {
        List<BlockTable> tables = new ArrayList<>();
        @Nullable Sequence before = null;
        for (Sequence sequence : running) {
            tables.add(sequence.blockTable());
            if (before != null && !isPreemptedAfter(before, sequence)) {
                throw new IllegalStateException(before + " stands before " + sequence + " in the running list");
            }
            before = sequence;
        }
        for (Sequence sequence : waiting.sequences()) {
            if (sequence.blockTable().size() != 0 || sequence.computed() != 0) {
                throw new IllegalStateException(sequence + " waits but holds blocks");
            }
        }
        blocks.checkIntegrity(tables);
        if (running.size() > config.maxNumSeqs()) {
            throw new IllegalStateException(running.size() + " sequences run, allowed " + config.maxNumSeqs());
        }
        if (shares.open() != running.size() + waiting.size()) {
            throw new IllegalStateException(shares.open() + " sequences have a share, but " + running.size()
                    + " run and " + waiting.size() + " wait");
        }
    }

    private static boolean isPreemptedAfter(Sequence kept, Sequence given) {
        int priority = Integer.compare(kept.terms().priority(), given.terms().priority());
        return priority < 0 || (priority == 0 && kept.turn().arrival < given.turn().arrival);
    }
}
