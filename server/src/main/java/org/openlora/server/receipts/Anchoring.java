package org.openlora.server.receipts;

import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import org.openlora.meter.chain.FlushPolicy;
import org.openlora.meter.chain.FlusherMonitor;
import org.openlora.meter.chain.LedgerFlusher;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.lease.DatabaseLease;
import org.openlora.meter.lease.LeaseLostException;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.Operator;

/// Brings sealed batches to the ledger contract and checks receipts against it. Of several processes on one database
/// one anchors at a time, for all of them.
public final class Anchoring {
    /// Names this process among all that share a ledger.
    private static final String HOLDER =
            "process %d, %s".formatted(ProcessHandle.current().pid(), UUID.randomUUID());
    /// How long a process that died keeps the others from anchoring.
    private static final Duration TERM = Duration.ofSeconds(30);

    private static final Duration PAUSE = Duration.ofMillis(200);

    private final LedgerView ledger;
    private final Operator operator;
    private final ChainLink chain;
    private final FlusherMonitor monitor;

    public Anchoring(LedgerView ledger, Operator operator, ChainLink chain) {
        this(ledger, operator, chain, new FlusherMonitor());
    }

    /// @param monitor told of what is done and of what troubles it
    public Anchoring(LedgerView ledger, Operator operator, ChainLink chain, FlusherMonitor monitor) {
        this.ledger = ledger;
        this.operator = operator;
        this.chain = chain;
        this.monitor = monitor;
    }

    /// Commits every sealed batch of every stream of the ledger, each exactly once, and returns when this one has
    /// landed. Where another process is at it, its work is waited for.
    ///
    /// @return the transaction that carried this one; empty where another process sent it
    /// @throws org.openlora.meter.chain.ChainException where it does not land in time
    public Optional<Bytes32> anchor(long batchNumber, Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        try (DatabaseLease lease = ledger.flushLease(HOLDER, TERM)) {
            while (ledger.journal().landedNumber() < batchNumber) {
                Duration left = Duration.ofNanos(deadline - System.nanoTime());
                if (left.isNegative()) {
                    throw new Problem(
                            "batch %d did not land within %d s: %s anchors this ledger's batches"
                                    .formatted(
                                            batchNumber,
                                            limit.toSeconds(),
                                            lease.holder().orElse("another process")),
                            "wait for it, or see what keeps it");
                }
                if (!flushed(lease, left)) {
                    pause();
                }
            }
        }
        return ledger.journal().landedTransaction(batchNumber).filter(hash -> !hash.isZero());
    }

    /// One look at the chain, for what became of batches that landed.
    public void look() {
        try (DatabaseLease lease = ledger.flushLease(HOLDER, TERM)) {
            if (lease.hold()) {
                flusher(lease).step();
            }
        }
    }

    /// @return false where another process has the lease
    private boolean flushed(DatabaseLease lease, Duration limit) {
        if (!lease.hold()) {
            return false;
        }
        try {
            flusher(lease).flushAll(limit);
            return true;
        } catch (LeaseLostException e) {
            return false;
        }
    }

    private LedgerFlusher flusher(DatabaseLease lease) {
        return new LedgerFlusher(
                chain.contract(),
                operator.key(),
                () -> ledger.flushSources(lease.fence()),
                FlushPolicy.DEFAULT,
                Clock.systemUTC(),
                monitor,
                lease);
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem("interrupted while another process anchors", "start it again", e);
        }
    }

    /// Whether the contract finds this receipt in the batch and takes its signature for the operator's.
    public boolean verify(SealedBatch batch, SignedReceipt signed) {
        return chain.contract()
                        .verifyReceipt(
                                batch.header(),
                                signed.receipt(),
                                batch.proof(signed.receipt().seq()))
                && chain.contract().verifySignedReceipt(operator.identity().operatorId(), signed);
    }
}
