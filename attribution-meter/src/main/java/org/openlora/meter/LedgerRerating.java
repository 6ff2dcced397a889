package org.openlora.meter;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.pricing.PayeeTable;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.pricing.Rerating;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.usage.UsageCodec;

/// Prices the usage receipts of a ledger by another book, page by page. Nothing is written.
public final class LedgerRerating {
    private static final int PAGE = 500;

    private final AttachedLedger ledger;
    private final Map<Bytes32, PayeeTable> payees = new HashMap<>();

    /// @param ledger stays the caller's
    public LedgerRerating(AttachedLedger ledger) {
        this.ledger = ledger;
    }

    /// A usage receipt and what it was made from.
    private record Line(Receipt receipt, AttributionRecord attribution, String usage) {}

    /// Compares what was billed with what `book` would have asked.
    ///
    /// @param fromMillis first moment of serving, milliseconds since the epoch
    /// @param toMillis the moment behind the last
    public Rerating.Result run(PriceBook book, long fromMillis, long toMillis) {
        Rerating rerating = new Rerating(book);
        long next = 1;
        for (List<Line> page = page(next, fromMillis, toMillis);
                !page.isEmpty();
                page = page(next, fromMillis, toMillis)) {
            for (Line line : page) {
                rerating.add(
                        line.receipt(),
                        UsageCodec.adapters(line.usage()),
                        line.attribution(),
                        payees(UsageCodec.versions(line.usage()).payees()));
            }
            next = page.getLast().receipt().seq() + 1;
        }
        return rerating.result();
    }

    private List<Line> page(long fromSeq, long fromMillis, long toMillis) {
        return ledger.database()
                .query(
                        "SELECT r.signed, r.attribution, u.body FROM receipt r JOIN usage u ON u.id = r.usage_id"
                                + " WHERE r.stream = ? AND r.seq >= ? AND r.served_to >= ? AND r.served_to < ?"
                                + " ORDER BY r.seq LIMIT ?",
                        row -> new Line(
                                SignedReceipt.fromJson(row.getBytes("signed")).receipt(),
                                AttributionRecord.ofBytes(row.getBytes("attribution")),
                                row.getString("body")),
                        ledger.identity().stream(),
                        fromSeq,
                        fromMillis,
                        toMillis,
                        PAGE);
    }

    private PayeeTable payees(Bytes32 digest) {
        return payees.computeIfAbsent(digest, key -> ledger.document(key, UsageScorer.PAYEES)
                .map(PayeeTable::parse)
                .orElseThrow(() -> new IllegalStateException("the ledger keeps no payee table " + Sha256.text(key))));
    }
}
