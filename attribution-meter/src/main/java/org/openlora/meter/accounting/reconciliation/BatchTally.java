package org.openlora.meter.accounting.reconciliation;

import java.util.ArrayList;
import java.util.List;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.chain.BatchTotals;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.merkle.MerkleTree;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;

/// Rebuilds a batch from the ledger's receipts, one after the other: a leaf of 32 bytes is kept of each.
final class BatchTally {
    private static final byte[] LINE_FEED = {'\n'};

    private final List<Bytes32> leaves = new ArrayList<>();
    private final BatchTotals totals = new BatchTotals();
    private final Keccak256.Hasher data = new Keccak256.Hasher();
    private long earliestIncludeBy = Long.MAX_VALUE;

    /// @param line the receipt's line of the batch file
    void add(Receipt receipt, byte[] line) {
        leaves.add(ReceiptCodec.leaf(receipt));
        totals.add(receipt);
        data.update(line).update(LINE_FEED);
        earliestIncludeBy = Math.min(earliestIncludeBy, receipt.includeBy());
    }

    /// When the first promise to have one of its receipts on the chain runs out.
    long earliestIncludeBy() {
        return earliestIncludeBy;
    }

    /// The header that these receipts make, under the number and the place that the row has.
    BatchHeader header(StoredBatch row) {
        return totals.header(
                row.number(), row.operatorId(), MerkleTree.of(leaves).root(), data.finish(), row.dataUri());
    }
}
