package org.openlora.meter.accounting.period;

import java.math.BigInteger;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.openlora.meter.accounting.entries.LedgerEntry;
import org.openlora.meter.accounting.period.PeriodTotals.StreamRange;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptKind;

/// Adds up the receipts of one period of an account, by stream and number.
final class PeriodTally {
    private final AccountPeriod of;
    private final Sha256 hash = Sha256.domain("openlora/period-receipts/v1");
    private final TreeSet<Bytes32> priceBooks = new TreeSet<>();
    private final SortedMap<Bytes32, StreamRange> streams = new TreeMap<>(Comparator.naturalOrder());
    private long receipts;
    private long adjustments;
    private BigInteger grossPico = BigInteger.ZERO;
    private BigInteger creditPico = BigInteger.ZERO;
    private BigInteger adjustmentPico = BigInteger.ZERO;
    private long promptTokens;
    private long cachedTokens;
    private long generatedTokens;
    private long unsealed;

    PeriodTally(AccountPeriod of) {
        this.of = of;
    }

    void add(LedgerEntry entry) {
        Receipt receipt = entry.receipt();
        BigInteger price = BigInteger.valueOf(receipt.price());
        receipts++;
        if (receipt.kind() == ReceiptKind.CREDIT) {
            creditPico = creditPico.add(price);
        } else {
            grossPico = grossPico.add(price);
        }
        if (entry.isPriorPeriod()) {
            adjustments++;
            adjustmentPico = adjustmentPico.add(BigInteger.valueOf(entry.netPico()));
        }
        if (!entry.isCorrection()) {
            promptTokens += receipt.promptTokens();
            cachedTokens += receipt.cachedTokens();
            generatedTokens += receipt.generatedTokens();
        }
        priceBooks.add(receipt.priceBook());
        hash.word(ReceiptCodec.structHash(receipt));
        long batch = entry.batch().orElse(0);
        if (batch == 0) {
            unsealed++;
        }
        StreamRange here = new StreamRange(receipt.stream(), receipt.seq(), receipt.seq(), batch, batch);
        streams.merge(receipt.stream(), here, PeriodTally::extended);
    }

    private static StreamRange extended(StreamRange range, StreamRange by) {
        return new StreamRange(
                range.stream(),
                range.firstSeq(),
                by.lastSeq(),
                range.firstBatch() == 0 ? by.firstBatch() : range.firstBatch(),
                Math.max(range.lastBatch(), by.lastBatch()));
    }

    PeriodTotals totals() {
        return new PeriodTotals(
                of,
                receipts,
                adjustments,
                grossPico,
                creditPico,
                adjustmentPico,
                promptTokens,
                cachedTokens,
                generatedTokens,
                unsealed,
                List.copyOf(priceBooks),
                List.copyOf(streams.values()),
                hash.digest());
    }
}
