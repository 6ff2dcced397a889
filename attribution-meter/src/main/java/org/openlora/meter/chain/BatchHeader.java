package org.openlora.meter.chain;

import com.esaulpaugh.headlong.abi.Tuple;
import com.esaulpaugh.headlong.abi.TupleType;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.List;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.Receipt;

/// What the contract is told of a sealed batch: `Batch` of `AttributionLedger`.
///
/// @param number 1, 2, 3 … per operator and stream
/// @param count number of receipts, `lastSeq - firstSeq + 1`
/// @param fromTs smallest `servedFrom`, milliseconds since the epoch
/// @param toTs greatest `servedTo`, milliseconds since the epoch
/// @param gross sum of the prices of usage and debit receipts, pico-units
/// @param creditTotal sum of the prices of credit receipts, pico-units
/// @param priceBookHash keccak256 of the distinct price book digests, ascending, one after the other
/// @param root root of the receipts' Merkle tree
/// @param dataHash keccak256 of the published batch file
/// @param dataUri where that file is; only in the event and the head
public record BatchHeader(
        long number,
        Bytes32 operatorId,
        Bytes32 stream,
        long firstSeq,
        long lastSeq,
        int count,
        long fromTs,
        long toTs,
        BigInteger gross,
        BigInteger creditTotal,
        long promptTokens,
        long generatedTokens,
        Bytes32 priceBookHash,
        Bytes32 root,
        Bytes32 dataHash,
        String dataUri) {
    /// The ABI type of `Batch`.
    static final String ABI_TYPE = "(uint64,bytes32,bytes32,uint64,uint64,uint32,uint64,uint64,uint128,uint128,uint64,"
            + "uint64,bytes32,bytes32,bytes32,string)";
    private static final TupleType<Tuple> HEAD_TYPE = TupleType.parse("(bytes32," + ABI_TYPE + ")");
    private static final int AMOUNT_BITS = 128;

    public BatchHeader {
        require(number >= 1, "number begins at 1: " + number);
        require(firstSeq >= 1 && count >= 1, "firstSeq and count begin at 1: " + firstSeq + ", " + count);
        require(
                lastSeq - firstSeq + 1 == count,
                "count " + count + " does not fit sequence " + firstSeq + " to " + lastSeq);
        require(0 <= fromTs && fromTs <= toTs, "fromTs " + fromTs + " is negative or after toTs " + toTs);
        require(isAmount(gross) && isAmount(creditTotal), "gross and creditTotal are unsigned and of 128 bits");
        require(promptTokens >= 0 && generatedTokens >= 0, "token counts must not be negative");
        require(!operatorId.isZero() && !stream.isZero(), "operatorId and stream must not be zero");
        require(!root.isZero(), "root must not be zero");
    }

    /// Totals a run of receipts of one stream.
    ///
    /// @throws IllegalArgumentException where the receipts are not a gap-free run of one stream
    public static BatchHeader of(
            long number, Bytes32 operatorId, List<Receipt> receipts, Bytes32 root, Bytes32 dataHash, String dataUri) {
        BatchTotals totals = new BatchTotals();
        receipts.forEach(totals::add);
        return totals.header(number, operatorId, root, dataHash, dataUri);
    }

    /// This batch's link of the head chain: keccak256(abi.encode(previous head, batch)). It binds every member,
    /// and the order of the batches before.
    public Bytes32 head(Bytes32 previousHead) {
        ByteBuffer encoded = HEAD_TYPE.encode(Tuple.from(previousHead.bytes(), tuple()));
        byte[] bytes = new byte[encoded.remaining()];
        encoded.get(bytes);
        return Keccak256.hash(bytes);
    }

    Tuple tuple() {
        return Tuple.from(
                BigInteger.valueOf(number),
                operatorId.bytes(),
                stream.bytes(),
                BigInteger.valueOf(firstSeq),
                BigInteger.valueOf(lastSeq),
                (long) count,
                BigInteger.valueOf(fromTs),
                BigInteger.valueOf(toTs),
                gross,
                creditTotal,
                BigInteger.valueOf(promptTokens),
                BigInteger.valueOf(generatedTokens),
                priceBookHash.bytes(),
                root.bytes(),
                dataHash.bytes(),
                dataUri);
    }

    private static boolean isAmount(BigInteger value) {
        return value.signum() >= 0 && value.bitLength() <= AMOUNT_BITS;
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException("batch: " + message);
        }
    }
}
