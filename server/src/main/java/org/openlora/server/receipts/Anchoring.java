package org.openlora.server.receipts;

import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import org.openlora.meter.chain.BatchFlusher;
import org.openlora.meter.chain.FlushPolicy;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.server.serving.Operator;

/// Brings sealed batches to the ledger contract and checks receipts against it.
public final class Anchoring {
    private final LedgerView ledger;
    private final Operator operator;
    private final ChainLink chain;

    public Anchoring(LedgerView ledger, Operator operator, ChainLink chain) {
        this.ledger = ledger;
        this.operator = operator;
        this.chain = chain;
    }

    /// Commits every sealed batch up to this one, each exactly once.
    ///
    /// @return the transaction that carried this one; empty where another process sent it
    /// @throws org.openlora.meter.chain.ChainException where it does not land in time
    public Optional<Bytes32> anchor(long batchNumber, Duration limit) {
        BatchFlusher flusher = new BatchFlusher(
                chain.contract(),
                operator.key(),
                operator.identity().operatorId(),
                operator.identity().stream(),
                number -> ledger.batch(number).map(SealedBatch::header),
                ledger.journal(),
                FlushPolicy.DEFAULT,
                Clock.systemUTC());
        flusher.flushUntil(batchNumber, limit);
        return ledger.journal().landedTransaction(batchNumber).filter(hash -> !hash.isZero());
    }

    /// Whether the contract finds this receipt in the batch and takes its signature for the operator's.
    public boolean verify(SealedBatch batch, SignedReceipt signed) {
        return chain.contract()
                        .verifyReceipt(
                                operator.identity().operatorId(),
                                operator.identity().stream(),
                                batch.header().number(),
                                signed.receipt(),
                                batch.proof(signed.receipt().seq()))
                && chain.contract().verifySignedReceipt(operator.identity().operatorId(), signed);
    }
}
