package org.openlora.meter.chain;

import java.math.BigInteger;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptKind;

/// Adds up a gap-free run of one stream's receipts, one after the other, to a [BatchHeader].
public final class BatchTotals {
    private final TreeSet<Bytes32> priceBooks = new TreeSet<>();
    private @Nullable Receipt first;
    private int count;
    private long fromTs = Long.MAX_VALUE;
    private long toTs;
    private BigInteger gross = BigInteger.ZERO;
    private BigInteger creditTotal = BigInteger.ZERO;
    private long promptTokens;
    private long generatedTokens;

    /// @throws IllegalArgumentException where the receipt does not follow the one before
    public void add(Receipt receipt) {
        Receipt start = first == null ? receipt : first;
        first = start;
        if (!receipt.stream().equals(start.stream()) || receipt.seq() != start.seq() + count) {
            throw new IllegalArgumentException("batch: receipt " + count + " is seq " + receipt.seq() + " of stream "
                    + receipt.stream() + ", expected seq " + (start.seq() + count) + " of stream " + start.stream());
        }
        count++;
        fromTs = Math.min(fromTs, receipt.servedFrom());
        toTs = Math.max(toTs, receipt.servedTo());
        BigInteger price = BigInteger.valueOf(receipt.price());
        if (receipt.kind() == ReceiptKind.CREDIT) {
            creditTotal = creditTotal.add(price);
        } else {
            gross = gross.add(price);
        }
        promptTokens += receipt.promptTokens();
        generatedTokens += receipt.generatedTokens();
        priceBooks.add(receipt.priceBook());
    }

    /// The header of a batch of what was added so far.
    ///
    /// @throws IllegalArgumentException where nothing was
    public BatchHeader header(long number, Bytes32 operatorId, Bytes32 root, Bytes32 dataHash, String dataUri) {
        if (first == null) {
            throw new IllegalArgumentException("batch: a batch needs at least one receipt");
        }
        return new BatchHeader(
                number,
                operatorId,
                first.stream(),
                first.seq(),
                first.seq() + count - 1,
                count,
                fromTs,
                toTs,
                gross,
                creditTotal,
                promptTokens,
                generatedTokens,
                priceBookHash(),
                root,
                dataHash,
                dataUri);
    }

    /// keccak256 of the distinct price book digests, ascending, one after the other.
    private Bytes32 priceBookHash() {
        return Keccak256.hash(priceBooks.stream().map(Bytes32::bytes).toArray(byte[][]::new));
    }
}
