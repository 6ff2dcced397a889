package org.openlora.meter.accounting.reconciliation;

import java.math.BigInteger;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.bouncycastle.jcajce.provider.digest.Keccak;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.merkle.MerkleTree;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptKind;

/// Rebuilds a batch from the ledger's receipts, one after the other: a leaf of 32 bytes is kept of each.
final class BatchTally {
    private final List<Bytes32> leaves = new ArrayList<>();
    private final TreeSet<Bytes32> priceBooks = new TreeSet<>();
    private final MessageDigest data = new Keccak.Digest256();
    private BigInteger gross = BigInteger.ZERO;
    private BigInteger credits = BigInteger.ZERO;
    private long promptTokens;
    private long generatedTokens;
    private long fromMillis = Long.MAX_VALUE;
    private long toMillis;
    private long earliestIncludeBy = Long.MAX_VALUE;

    /// @param line the receipt's line of the batch file
    void add(Receipt receipt, byte[] line) {
        leaves.add(ReceiptCodec.leaf(receipt));
        priceBooks.add(receipt.priceBook());
        data.update(line);
        data.update((byte) '\n');
        BigInteger price = BigInteger.valueOf(receipt.price());
        if (receipt.kind() == ReceiptKind.CREDIT) {
            credits = credits.add(price);
        } else {
            gross = gross.add(price);
        }
        promptTokens += receipt.promptTokens();
        generatedTokens += receipt.generatedTokens();
        fromMillis = Math.min(fromMillis, receipt.servedFrom());
        toMillis = Math.max(toMillis, receipt.servedTo());
        earliestIncludeBy = Math.min(earliestIncludeBy, receipt.includeBy());
    }

    /// When the first promise to have one of its receipts on the chain runs out.
    long earliestIncludeBy() {
        return earliestIncludeBy;
    }

    /// The header that these receipts make, under the number and the place that the row has.
    BatchHeader header(StoredBatch row) {
        return new BatchHeader(
                row.number(),
                row.operatorId(),
                row.stream(),
                row.firstSeq(),
                row.lastSeq(),
                leaves.size(),
                fromMillis,
                toMillis,
                gross,
                credits,
                promptTokens,
                generatedTokens,
                Keccak256.hash(priceBooks.stream().map(Bytes32::bytes).toArray(byte[][]::new)),
                MerkleTree.of(leaves).root(),
                Bytes32.of(data.digest()),
                row.dataUri());
    }
}
