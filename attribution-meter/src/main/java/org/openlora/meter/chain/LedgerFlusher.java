package org.openlora.meter.chain;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.openlora.meter.chain.BatchFlusher.Action;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.lease.Leadership;
import org.openlora.meter.lease.LeaseLostException;
import org.openlora.meter.receipt.Signer;

/// Brings the batches of all streams of a ledger on chain from one account. An account's transactions are numbered
/// in one sequence, so one batch of all streams is in flight: a stream keeps its turn until its batches have landed.
/// A stream that halts is left alone, the others go on. Owned by one thread.
public final class LedgerFlusher {
    private final LedgerContract ledger;
    private final Signer submitter;
    private final Supplier<List<FlushSource>> sources;
    private final FlushPolicy policy;
    private final Clock clock;
    private final FlusherMonitor monitor;
    private final Leadership leadership;

    private final Map<Bytes32, BatchFlusher> flushers = new LinkedHashMap<>();
    private final Map<Bytes32, ChainException.Halted> halted = new LinkedHashMap<>();
    private List<FlushSource> round = List.of();
    private int turn;
    private boolean quiet = true; // every stream that had its turn in this round was found landed at once

    /// @param sources the streams of the ledger, asked again for each round
    /// @param leadership asked before each step, so that two processes do not outbid each other
    public LedgerFlusher(
            LedgerContract ledger,
            Signer submitter,
            Supplier<List<FlushSource>> sources,
            FlushPolicy policy,
            Clock clock,
            FlusherMonitor monitor,
            Leadership leadership) {
        this.ledger = ledger;
        this.submitter = submitter;
        this.sources = sources;
        this.policy = policy;
        this.clock = clock;
        this.monitor = monitor;
        this.leadership = leadership;
    }

    /// Steps until every sealed batch of every stream has landed.
    ///
    /// @throws ChainException.Failed where they have not within the limit, with the last trouble as its reason
    /// @throws ChainException.Halted once all others have landed, where a stream halted
    /// @throws LeaseLostException where another process flushes
    public void flushAll(Duration limit) {
        FlushLoop.run(
                limit,
                policy,
                () -> {
                    Action action = step();
                    return new FlushLoop.Look(action == Action.IDLE, action);
                },
                "not every sealed batch of the ledger; one");
    }

    /// One step of the stream whose turn it is.
    ///
    /// @return [Action#IDLE] after a round in which every sealed batch of every stream was found landed
    /// @throws ChainException.Halted after such a round, where a stream halted
    /// @throws LeaseLostException where another process flushes
    public Action step() {
        leadership.require();
        if (turn == round.size()) {
            begin();
        }
        if (round.isEmpty()) {
            return Action.IDLE;
        }
        FlushSource source = round.get(turn);
        Action action = step(source);
        if (turn < round.size() || !quiet) {
            return action == Action.IDLE ? Action.WAITING : action;
        }
        if (!halted.isEmpty()) {
            throw Objects.requireNonNull(halted.values().iterator().next());
        }
        return Action.IDLE;
    }

    private void begin() {
        round = List.copyOf(sources.get());
        List<Bytes32> streams = round.stream().map(FlushSource::stream).toList();
        flushers.keySet().retainAll(streams);
        halted.keySet().retainAll(streams);
        monitor.retain(streams);
        turn = 0;
        quiet = true;
    }

    private Action step(FlushSource source) {
        if (halted.containsKey(source.stream())) {
            turn++;
            return Action.IDLE;
        }
        BatchFlusher flusher = flushers.computeIfAbsent(
                source.stream(), _ -> new BatchFlusher(ledger, submitter, source, policy, clock, monitor));
        try {
            Action action = flusher.step().action();
            if (action == Action.IDLE) {
                turn++;
            } else {
                quiet = false;
            }
            return action;
        } catch (ChainException.Halted e) {
            halted.put(source.stream(), e);
            turn++;
            return Action.IDLE;
        } catch (ChainException e) {
            turn++; // whatever troubles this stream must not keep the others waiting
            quiet = false;
            throw e;
        }
    }

    /// The streams that stopped for good, with the reasons.
    public List<String> troubles() {
        List<String> troubles = new ArrayList<>();
        halted.forEach((stream, reason) -> troubles.add(stream + ": " + reason.getMessage()));
        return troubles;
    }
}
