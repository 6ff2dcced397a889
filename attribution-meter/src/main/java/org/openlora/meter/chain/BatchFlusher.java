package org.openlora.meter.chain;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.openlora.meter.chain.AttemptJournal.Attempt;
import org.openlora.meter.chain.AttemptJournal.ChainIdentity;
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
/// 1. Truth is the contract's state, read at one block; never a transaction's receipt.
/// 2. One batch is in flight. Load makes batches larger, not the pipeline longer.
/// 3. A signed transaction is in the journal before it is sent. After a crash the same bytes are sent again; a
///    new one is signed only where its nonce is gone or its fee too low.
///
/// What cannot be mended by trying again (another chain or contract, a different batch under our number) halts.
/// Owned by one thread.
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

    private final Map<Long, Bytes32> heads = new HashMap<>();
    private Bytes32 lastSent = Bytes32.ZERO; // the transaction that a node took last, as far as we know
    private long lastSentMillis;
    private long chainId; // 0 until the chain is known to be the journal's
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
        /// The fee cap stops a replacement; the one in flight was sent again.
        CAPPED
    }

    /// @param landed greatest batch number at the latest block
    /// @param finalized greatest batch number at the finalized block
    public record Progress(Action action, long landed, long finalized) {}

    public BatchFlusher(
            LedgerContract ledger,
            Signer submitter,
            Bytes32 operatorId,
            Bytes32 stream,
            SealedBatches batches,
            AttemptJournal journal,
            FlushPolicy policy,
            Clock clock) {
        this.ledger = ledger;
        this.rpc = ledger.rpc();
        this.submitter = submitter;
        this.operatorId = operatorId;
        this.stream = stream;
        this.batches = batches;
        this.journal = journal;
        this.policy = policy;
        this.clock = clock;
    }

    /// Steps until this batch has landed.
    ///
    /// @throws ChainException.Failed where it has not within the limit, with the last trouble as its reason
    /// @throws ChainException.Halted at once
    public void flushUntil(long batchNumber, Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        String trouble = "the transaction is not mined";
        int failures = 0;
        while (System.nanoTime() < deadline) {
            try {
                if (step().landed() >= batchNumber) {
                    return;
                }
                failures = 0;
            } catch (ChainException.Unreachable | ChainException.Refused e) {
                LOG.debug("flush step failed; trying again", e);
                trouble = e.getMessage();
                failures++;
            }
            Pause.of(backoff(failures));
        }
        throw new ChainException.Failed(
                "batch " + batchNumber + " did not land within " + limit.toSeconds() + " s: " + trouble);
    }

    /// The poll interval; after failures up to 32 times as long, each time spread by half so that clients do not
    /// march in step.
    private Duration backoff(int failures) {
        long nanos = policy.poll().toNanos() << Math.min(failures, 5);
        return Duration.ofNanos(
                failures == 0 ? nanos : ThreadLocalRandom.current().nextLong(nanos / 2, nanos + 1));
    }

    /// One look at the chain and at most one transaction. May be repeated after any exception but a halt.
    public Progress step() {
        requireSameChain();
        Block latest = block("latest");
        long applied = reconcile(latest.reference());
        recordFinality(applied);
        Optional<BatchHeader> next = batches.batch(applied + 1);
        Action action = next.isEmpty() ? Action.IDLE : advance(next.get(), latest);
        return new Progress(action, applied, journal.finalNumber());
    }

    private record Block(BlockReference reference, BigInteger baseFeeWei) {}

    private Block block(String tag) {
        JsonNode block = rpc.call("eth_getBlockByNumber", tag, false);
        Bytes32 hash = rpc.word(block.path("hash"));
        return new Block(BlockReference.ofHash(hash), rpc.integer(block.path("baseFeePerGas")));
    }

    /// Once per flusher: afterwards the head chain, and the chain id within each signature, tell a foreign chain.
    private void requireSameChain() {
        if (chainId != 0) {
            return;
        }
        ChainIdentity found = new ChainIdentity(ledger.chainId(), ledger.codeHash());
        Optional<ChainIdentity> known = journal.identity();
        if (known.isPresent() && !known.get().equals(found)) {
            throw new ChainException.Halted("the journal belongs to chain "
                    + known.get().chainId()
                    + " with ledger code " + known.get().ledgerCodeHash() + ", but " + rpc.endpoint() + " is chain "
                    + found.chainId() + " with ledger code " + found.ledgerCodeHash());
        }
        if (known.isEmpty()) {
            journal.bind(found);
        }
        chainId = found.chainId();
    }

    /// Brings the journal in line with the contract and returns the last batch that it holds.
    private long reconcile(BlockReference block) {
        long applied = ledger.stream(operatorId, stream, block).batches();
        long landed = journal.landedNumber();
        if (applied < landed) {
            LOG.warn("the chain rolled back from batch {} to {}; sending again", landed, applied);
            journal.recordLanded(applied, Bytes32.ZERO);
            lastSent = Bytes32.ZERO; // what was mined may be in no mempool now
        }
        for (long number = landed + 1; number <= applied; number++) {
            requireOurs(number, ledger.batch(operatorId, stream, number, block));
            journal.recordLanded(number, carrier(number));
        }
        return applied;
    }

    private void recordFinality(long applied) {
        JsonNode node = rpc.call("eth_getBlockByNumber", "finalized", false);
        if (node.isNull()) {
            return; // the chain has no finalized block yet
        }
        BlockReference block = BlockReference.ofHash(rpc.word(node.path("hash")));
        long finalized = finalizedBatches(block);
        long known = journal.finalNumber();
        if (finalized < known || applied < known) {
            LOG.error("batch {} was final, but the chain's finalized state ends at batch {}", known, finalized);
        } else if (finalized > known) {
            requireOurs(finalized, ledger.batch(operatorId, stream, finalized, block));
            journal.recordFinal(finalized);
        }
    }

    private long finalizedBatches(BlockReference block) {
        try {
            return ledger.stream(operatorId, stream, block).batches();
        } catch (ChainException.Refused e) {
            LOG.debug("no ledger state at the finalized block yet", e);
            return 0; // the contract is younger than the finalized block
        }
    }

    private void requireOurs(long number, Commit commit) {
        if (commit.head().isZero()) {
            throw new ChainException.Unreachable(
                    rpc.endpoint() + " counts batch " + number + " but does not show it: two states mixed", null);
        }
        Bytes32 ours = head(number);
        if (!ours.equals(commit.head())) {
            throw new ChainException.Halted("the chain holds a different batch " + number + " of this stream: head "
                    + commit.head() + ", ours is " + ours);
        }
    }

    /// This batch's link of our own head chain.
    private Bytes32 head(long number) {
        Bytes32 known = heads.get(number);
        if (known != null) {
            return known;
        }
        Bytes32 head = Bytes32.ZERO;
        for (long n = 1; n <= number; n++) {
            long current = n;
            BatchHeader header = batches.batch(n)
                    .orElseThrow(() -> new ChainException.Halted(
                            "the chain holds batch " + current + " of this stream, which the ledger has not sealed"));
            Bytes32 previous = head;
            head = heads.computeIfAbsent(n, _ -> header.head(previous));
        }
        return head;
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
            TransactionSender.Fees fees = TransactionSender.suggestedFees(rpc, latest.baseFeeWei());
            return sign(batch, nonce, fees, Action.SENT);
        }
        Attempt last = attempts.getLast();
        long now = clock.millis();
        if (underpriced || now - last.createdAtMillis() >= policy.bumpAfter().toMillis()) {
            return bump(batch, last, latest);
        }
        if (!lastSent.equals(last.transactionHash())
                || now - lastSentMillis >= policy.rebroadcastAfter().toMillis()) {
            send(last);
            return Action.RESENT;
        }
        return Action.WAITING;
    }

    private Action bump(BatchHeader batch, Attempt last, Block latest) {
        TransactionSender.Fees suggested = TransactionSender.suggestedFees(rpc, latest.baseFeeWei());
        BigInteger maxFee = FlushPolicy.bumped(last.maxFeeWei()).max(suggested.maxFeeWei());
        BigInteger tip = FlushPolicy.bumped(last.maxPriorityFeeWei()).max(suggested.maxPriorityFeeWei());
        if (maxFee.compareTo(policy.maxFeeCapWei()) > 0) {
            LOG.warn(
                    "batch {} needs {} wei per gas, above the cap of {}",
                    batch.number(),
                    maxFee,
                    policy.maxFeeCapWei());
            underpriced = false;
            send(last);
            return Action.CAPPED;
        }
        return sign(batch, last.nonce(), new TransactionSender.Fees(tip, maxFee), Action.BUMPED);
    }

    private Action sign(BatchHeader batch, long nonce, TransactionSender.Fees fees, Action action) {
        byte[] data = LedgerContract.commitBatchCall(batch);
        long gasLimit = preflight(batch, data);
        if (gasLimit == 0) {
            return Action.WAITING;
        }
        BigInteger maxFee = fees.maxFeeWei().min(policy.maxFeeCapWei());
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
        return action;
    }

    /// Asks before paying: a batch that the contract would refuse, or holds already, is not sent.
    ///
    /// @return the gas to offer; 0 where the batch has landed since this step looked
    private long preflight(BatchHeader batch, byte[] data) {
        Map<String, Object> call = TransactionSender.callObject(submitter.address(), ledger.address(), data);
        try {
            if (rpc.integer(rpc.call("eth_call", call, "latest")).signum() == 0) {
                return 0;
            }
            return TransactionSender.withMargin(rpc.integer(rpc.call("eth_estimateGas", call)));
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
