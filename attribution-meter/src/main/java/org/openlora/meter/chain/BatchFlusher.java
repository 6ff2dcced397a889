package org.openlora.meter.chain;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.chain.AttemptJournal.Attempt;
import org.openlora.meter.chain.AttemptJournal.ChainIdentity;
import org.openlora.meter.chain.FlusherMonitor.Event;
import org.openlora.meter.chain.LedgerContract.Commit;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Hex;
import org.openlora.meter.receipt.Signer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Brings the sealed batches of one (operator, stream) on chain, each exactly once.
///
/// The contract enforces order and takes an identical batch twice without effect, so it is enough to send *at
/// least* once and to look before acting. Three rules make that safe against crashes, lost answers,
/// reorganisations and foreign use of the account:
///
/// 1. Truth is the contract's state; never a transaction's receipt. All reads of a step are pinned to one block by
///    its hash (EIP-1898), so that two nodes, or a reorganisation between two reads, cannot mix two states.
/// 2. One batch is in flight. Load makes batches larger, not the pipeline longer.
/// 3. A signed transaction is in the journal before it is sent. After a crash the same bytes are sent again; a
///    new one is signed only where its nonce is gone or its fee too low.
///
/// What cannot be mended by trying again (another chain or contract, a different batch under our number) halts.
/// What a person should know (finality undone, the fee cap, an empty account) is an alarm of the
/// [FlusherMonitor] and is waited out. Owned by one thread.
public final class BatchFlusher {
    private static final Logger LOG = LoggerFactory.getLogger(BatchFlusher.class);

    private final LedgerContract ledger;
    private final JsonRpc rpc;
    private final Signer submitter;
    private final Bytes32 operatorId;
    private final Bytes32 stream;
    private final SealedBatches batches;
    private final AttemptJournal journal;
    private final FlushPolicy policy;
    private final Clock clock;
    private final FlusherMonitor monitor;

    private final Set<String> knownEndpoints = new HashSet<>(); // that were seen to lead to the journal's chain
    private Bytes32 lastSent = Bytes32.ZERO; // the transaction that a node took last, as far as we know
    private long lastSentMillis;
    private long chainId;
    private long lastFinalizedBlock;
    private boolean underpriced;

    /// What one [#step] did.
    public enum Action {
        /// Every sealed batch has landed.
        IDLE,
        /// A transaction was signed and sent.
        SENT,
        /// The transaction in flight was sent again.
        RESENT,
        /// The transaction in flight was replaced by one with a higher fee.
        BUMPED,
        /// A transaction is in flight.
        WAITING,
        /// The chain asks more per gas than the cap: nothing new is signed until it asks less.
        CAPPED,
        /// The account cannot pay: nothing new is signed until it can.
        UNFUNDED
    }

    /// @param landed greatest batch number at the latest block
    /// @param finalized greatest batch number that was seen at a finalized block
    public record Progress(Action action, long landed, long finalized) {}

    public BatchFlusher(
            LedgerContract ledger,
            Signer submitter,
            FlushSource source,
            FlushPolicy policy,
            Clock clock,
            FlusherMonitor monitor) {
        this.ledger = ledger;
        this.rpc = ledger.rpc();
        this.submitter = submitter;
        this.operatorId = source.operatorId();
        this.stream = source.stream();
        this.batches = source.batches();
        this.journal = source.journal();
        this.policy = policy;
        this.clock = clock;
        this.monitor = monitor;
    }

    /// Steps until this batch has landed.
    ///
    /// @throws ChainException.Failed where it has not within the limit, with the last trouble as its reason
    /// @throws ChainException.Halted at once
    public void flushUntil(long batchNumber, Duration limit) {
        FlushLoop.run(
                limit,
                policy,
                () -> {
                    Progress progress = step();
                    return new FlushLoop.Look(progress.landed() >= batchNumber, progress.action());
                },
                "batch " + batchNumber);
    }

    /// One look at the chain and at most one transaction. May be repeated after any exception but a halt.
    public Progress step() {
        try {
            return look();
        } catch (ChainException.Halted e) {
            monitor.raise(FlusherAlarm.HALTED, stream, String.valueOf(e.getMessage()));
            throw e;
        } catch (ChainException e) {
            monitor.count(Event.STEP_FAILED);
            monitor.progress(
                    stream, new FlusherMonitor.Progress(batches.last(), journal.landedNumber(), journal.finalNumber()));
            throw e;
        }
    }

    private Progress look() {
        Block latest = block("latest").orElseThrow(() -> rpc.unreachable("shows no latest block", null));
        requireSameChain(latest.reference());
        long applied = reconcile(latest.reference());
        recordFinality(applied);
        Optional<BatchHeader> next = batches.batch(applied + 1);
        Action action = next.isEmpty() ? Action.IDLE : advance(next.get(), latest);
        monitor.progress(stream, new FlusherMonitor.Progress(batches.last(), applied, journal.finalNumber()));
        return new Progress(action, applied, journal.finalNumber());
    }

    private record Block(BlockReference reference, BigInteger baseFeeWei) {}

    private Optional<Block> block(String tag) {
        JsonNode block = rpc.call("eth_getBlockByNumber", tag, false);
        if (block.isNull()) {
            return Optional.empty();
        }
        Bytes32 hash = rpc.word(block.path("hash"));
        return Optional.of(new Block(BlockReference.ofHash(hash), rpc.integer(block.path("baseFeePerGas"))));
    }

    /// At the first look through each endpoint and after each rollback. In between, the head chain and the chain
    /// id within each signature tell a foreign chain.
    private void requireSameChain(BlockReference block) {
        String endpoint = rpc.endpoint();
        if (knownEndpoints.contains(endpoint)) {
            return;
        }
        ChainIdentity found = new ChainIdentity(ledger.chainId(), ledger.codeHash(block));
        Optional<ChainIdentity> known = journal.identity();
        if (known.isPresent() && !known.get().equals(found)) {
            throw new ChainException.Halted("the journal belongs to chain "
                    + known.get().chainId()
                    + " with ledger code " + known.get().ledgerCodeHash() + ", but " + endpoint + " is chain "
                    + found.chainId() + " with ledger code " + found.ledgerCodeHash());
        }
        if (known.isEmpty()) {
            journal.bind(found);
        }
        chainId = found.chainId();
        knownEndpoints.add(endpoint);
    }

    /// Brings the journal in line with the contract and returns the last batch that it holds.
    private long reconcile(BlockReference block) {
        long applied = ledger.stream(operatorId, stream, block).batches();
        long landed = journal.landedNumber();
        if (applied < landed) {
            LOG.warn("the chain rolled back from batch {} to {}; sending again", landed, applied);
            monitor.count(Event.ROLLED_BACK);
            knownEndpoints.clear(); // what rolled back so far may have come back as another chain
            requireSameChain(block);
            journal.recordLanded(applied, Bytes32.ZERO);
            lastSent = Bytes32.ZERO; // what was mined may be in no mempool now
        }
        for (long number = landed + 1; number <= applied; number++) {
            requireOurs(number, ledger.batch(operatorId, stream, number, block));
            journal.recordLanded(number, carrier(number));
            monitor.count(Event.LANDED);
            monitor.clear(FlusherAlarm.FEE_CAP, stream);
            monitor.clear(FlusherAlarm.NO_FUNDS, stream);
        }
        return applied;
    }

    /// What one node says is final.
    private record Finality(long blockNumber, long batches) {}

    /// Finality is undone where the latest block holds less than was final, or a later finalized block does; an
    /// earlier finalized block is only a node that lags.
    private void recordFinality(long applied) {
        long known = journal.finalNumber();
        Optional<Finality> seen = finality(known);
        long finalized = seen.map(Finality::batches).orElse(known);
        boolean later = seen.isPresent() && seen.get().blockNumber() >= lastFinalizedBlock;
        if (applied < known || (finalized < known && later)) {
            monitor.raise(
                    FlusherAlarm.FINALITY_REGRESSED,
                    stream,
                    "batch " + known + " of stream " + stream + " was final, but now the chain holds " + applied
                            + " batches, " + finalized + " of them final; they are sent again");
        } else if (finalized >= known && seen.isPresent()) {
            monitor.clear(FlusherAlarm.FINALITY_REGRESSED, stream);
        }
        if (finalized > known && finalized <= applied) {
            journal.recordFinal(finalized);
        }
        lastFinalizedBlock =
                Math.max(lastFinalizedBlock, seen.map(Finality::blockNumber).orElse(0L));
    }

    /// With several endpoints two must answer, and the one that sees least counts.
    ///
    /// @return empty where it is not known: the chain has no finalized block yet, or too few nodes answered
    private Optional<Finality> finality(long known) {
        List<LedgerContract> witnesses = ledger.each();
        List<Finality> answers = new ArrayList<>();
        ChainException.@Nullable Unreachable trouble = null;
        for (LedgerContract witness : witnesses) {
            try {
                finality(witness, known).ifPresent(answers::add);
            } catch (ChainException.Unreachable e) {
                LOG.debug("one endpoint does not say what is final", e);
                trouble = e;
            }
        }
        if (answers.isEmpty() && trouble != null) {
            throw trouble;
        }
        return answers.size() < Math.min(2, witnesses.size())
                ? Optional.empty()
                : answers.stream().min(Comparator.comparingLong(Finality::batches));
    }

    private Optional<Finality> finality(LedgerContract witness, long known) {
        JsonRpc node = witness.rpc();
        JsonNode block = node.call("eth_getBlockByNumber", "finalized", false);
        if (block.isNull()) {
            return Optional.empty();
        }
        long number = node.longInteger(block.path("number"));
        BlockReference reference = BlockReference.ofHash(node.word(block.path("hash")));
        try {
            long finalized = witness.stream(operatorId, stream, reference).batches();
            if (finalized > known) {
                requireOurs(finalized, witness.batch(operatorId, stream, finalized, reference));
            }
            return Optional.of(new Finality(number, finalized));
        } catch (ChainException.Refused e) {
            if (e.code() != ChainException.Refused.NO_CONTRACT) {
                throw e;
            }
            return Optional.of(new Finality(number, 0)); // the contract is younger than the finalized block
        }
    }

    private void requireOurs(long number, Commit commit) {
        if (commit.head().isZero()) {
            throw rpc.unreachable("counts batch " + number + " but does not show it: two states mixed", null);
        }
        Bytes32 ours = batches.head(number)
                .orElseThrow(() -> new ChainException.Halted(
                        "the chain holds batch " + number + " of this stream, which the ledger has not sealed"));
        if (!ours.equals(commit.head())) {
            throw new ChainException.Halted("the chain holds a different batch " + number + " of this stream: head "
                    + commit.head() + ", ours is " + ours);
        }
    }

    /// The attempt that was mined, as far as the node tells; information only.
    private Bytes32 carrier(long number) {
        for (Attempt attempt : journal.attempts(number).reversed()) {
            if (!rpc.call("eth_getTransactionReceipt", attempt.transactionHash().toString())
                    .isNull()) {
                return attempt.transactionHash();
            }
        }
        return Bytes32.ZERO;
    }

    private Action advance(BatchHeader batch, Block latest) {
        long nonce = rpc.longInteger(rpc.call(
                "eth_getTransactionCount",
                submitter.address().toString(),
                latest.reference().parameter()));
        List<Attempt> attempts = journal.attempts(batch.number());
        if (attempts.isEmpty() || attempts.getLast().nonce() != nonce) {
            return signFirst(batch, nonce, latest);
        }
        Attempt last = attempts.getLast();
        if (underpriced
                || clock.millis() - last.createdAtMillis() >= policy.bumpAfter().toMillis()) {
            return bump(batch, last, latest);
        }
        return rebroadcast(last, Action.WAITING);
    }

    /// Sends the same bytes again where a node took them too long ago.
    private Action rebroadcast(Attempt last, Action otherwise) {
        if (lastSent.equals(last.transactionHash())
                && clock.millis() - lastSentMillis < policy.rebroadcastAfter().toMillis()) {
            return otherwise;
        }
        send(last);
        monitor.count(Event.RESENT);
        return otherwise == Action.WAITING ? Action.RESENT : otherwise;
    }

    private Action signFirst(BatchHeader batch, long nonce, Block latest) {
        TransactionSender.Fees fees = TransactionSender.suggestedFees(rpc, latest.baseFeeWei());
        BigInteger leastFee = latest.baseFeeWei();
        if (leastFee.compareTo(policy.maxFeeCapWei()) > 0) {
            raiseFeeCap(batch, leastFee);
            return Action.CAPPED;
        }
        return sign(batch, nonce, fees, latest, Action.SENT);
    }

    private Action bump(BatchHeader batch, Attempt last, Block latest) {
        TransactionSender.Fees suggested = TransactionSender.suggestedFees(rpc, latest.baseFeeWei());
        BigInteger maxFee = FlushPolicy.bumped(last.maxFeeWei()).max(suggested.maxFeeWei());
        BigInteger tip = FlushPolicy.bumped(last.maxPriorityFeeWei()).max(suggested.maxPriorityFeeWei());
        if (maxFee.compareTo(policy.maxFeeCapWei()) > 0) {
            raiseFeeCap(batch, maxFee);
            return rebroadcast(last, Action.CAPPED);
        }
        Action action = sign(batch, last.nonce(), new TransactionSender.Fees(tip, maxFee), latest, Action.BUMPED);
        return action == Action.UNFUNDED ? rebroadcast(last, action) : action;
    }

    private void raiseFeeCap(BatchHeader batch, BigInteger neededWei) {
        monitor.raise(
                FlusherAlarm.FEE_CAP,
                stream,
                "batch " + batch.number() + " needs " + neededWei + " wei per gas, above the cap of "
                        + policy.maxFeeCapWei());
    }

    private Action sign(BatchHeader batch, long nonce, TransactionSender.Fees fees, Block latest, Action action) {
        byte[] data = LedgerContract.commitBatchCall(batch);
        long gasLimit = preflight(batch, data, latest.reference());
        if (gasLimit == 0) {
            return Action.WAITING;
        }
        BigInteger maxFee = fees.maxFeeWei().min(policy.maxFeeCapWei());
        if (!canPay(batch, maxFee.multiply(BigInteger.valueOf(gasLimit)), latest.reference())) {
            return Action.UNFUNDED;
        }
        Eip1559Transaction transaction = new Eip1559Transaction(
                chainId,
                nonce,
                fees.maxPriorityFeeWei().min(maxFee),
                maxFee,
                gasLimit,
                ledger.address(),
                Hex.encode(data));
        Eip1559Transaction.Signed signed = transaction.sign(submitter);
        Attempt attempt = new Attempt(
                batch.number(),
                nonce,
                signed.hash(),
                signed.raw(),
                transaction.maxPriorityFeeWei(),
                maxFee,
                clock.millis());
        journal.recordAttempt(attempt);
        underpriced = false;
        send(attempt);
        monitor.clear(FlusherAlarm.FEE_CAP, stream);
        monitor.count(action == Action.BUMPED ? Event.BUMPED : Event.SENT);
        return action;
    }

    private boolean canPay(BatchHeader batch, BigInteger neededWei, BlockReference block) {
        BigInteger balance =
                rpc.integer(rpc.call("eth_getBalance", submitter.address().toString(), block.parameter()));
        if (balance.compareTo(neededWei) < 0) {
            monitor.raise(
                    FlusherAlarm.NO_FUNDS,
                    stream,
                    "batch " + batch.number() + " needs up to " + neededWei + " wei, account " + submitter.address()
                            + " holds " + balance);
            return false;
        }
        monitor.clear(FlusherAlarm.NO_FUNDS, stream);
        return true;
    }

    /// Asks before paying: a batch that the contract would refuse, or holds already, is not sent.
    ///
    /// @return the gas to offer; 0 where the batch has landed since this step looked
    private long preflight(BatchHeader batch, byte[] data, BlockReference block) {
        Map<String, Object> call = TransactionSender.callObject(submitter.address(), ledger.address(), data);
        try {
            if (rpc.integer(rpc.call("eth_call", call, block.parameter())).signum() == 0) {
                return 0;
            }
            return TransactionSender.withMargin(rpc.integer(rpc.call("eth_estimateGas", call, block.parameter())));
        } catch (ChainException.Refused e) {
            String revert = e.revertData();
            if (LedgerAbi.isError("BatchConflict", revert)
                    || LedgerAbi.isError("SequenceGap", revert)
                    || LedgerAbi.isError("InvalidBatch", revert)) {
                throw new ChainException.Halted("the ledger contract refuses batch " + batch.number() + ": "
                        + LedgerAbi.describeRevert(revert));
            }
            throw new ChainException.Refused(
                    e.getMessage() + (revert.equals("0x") ? "" : " (" + LedgerAbi.describeRevert(revert) + ")"),
                    e.code(),
                    revert);
        }
    }

    /// A refusal is not fatal: the next step looks at the state and decides anew.
    private void send(Attempt attempt) {
        try {
            rpc.call("eth_sendRawTransaction", attempt.rawTransaction());
            markSent(attempt);
        } catch (ChainException.Refused e) {
            String message = String.valueOf(e.getMessage());
            markSent(attempt);
            underpriced = message.contains("underpriced")
                    || message.contains("less than block base fee")
                    || message.contains("max fee per gas less");
            LOG.debug("batch {} was not taken: {}", attempt.batchNumber(), message);
        }
    }

    /// Not reached where the answer was lost: then the next step sends the same bytes again, which does no harm.
    private void markSent(Attempt attempt) {
        lastSent = attempt.transactionHash();
        lastSentMillis = clock.millis();
    }
}
