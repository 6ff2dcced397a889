package org.openlora.meter.ledger;

import java.nio.file.Path;
import java.util.List;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.merkle.MerkleProof;
import org.openlora.meter.merkle.MerkleTree;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.SignedReceipt;

/// A sealed run of one stream's receipts.
///
/// @param head this batch's link of the head chain
/// @param previousHead the link before it; zero for the first batch
/// @param file the published batch file
public record SealedBatch(
        BatchHeader header, Bytes32 previousHead, Bytes32 head, Path file, List<SignedReceipt> receipts) {
    public SealedBatch {
        receipts = List.copyOf(receipts);
    }

    /// The tree over the receipts' leaves, in the order of their sequence numbers.
    public MerkleTree tree() {
        return tree(receipts);
    }

    static MerkleTree tree(List<SignedReceipt> receipts) {
        return MerkleTree.of(receipts.stream()
                .map(signed -> ReceiptCodec.leaf(signed.receipt()))
                .toList());
    }

    /// Proof that a receipt stands in this batch.
    ///
    /// @throws IllegalArgumentException where it does not
    public MerkleProof proof(long seq) {
        if (seq < header.firstSeq() || seq > header.lastSeq()) {
            throw new IllegalArgumentException("receipt " + seq + " is not in batch " + header.number()
                    + ", which holds " + header.firstSeq() + " to " + header.lastSeq());
        }
        return tree().proof((int) (seq - header.firstSeq()));
    }
}
