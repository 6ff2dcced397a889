package org.openlora.meter;

import java.util.HashMap;
import java.util.Map;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.CorpusLibrary;
import org.openlora.meter.evidence.Scorer;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.ledger.ScoredUsage;
import org.openlora.meter.ledger.StoredUsage;
import org.openlora.meter.pricing.PayeeTable;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.pricing.PricedUsage;
import org.openlora.meter.pricing.Pricing;
import org.openlora.meter.usage.ScoringVersions;
import org.openlora.meter.usage.UsageRow;

/// Scores and prices rows by exactly the versions they were committed with, whatever is configured now. Used by
/// one thread.
final class UsageScorer {
    static final String PRICE_BOOK = "price-book";
    static final String PAYEES = "payees";

    private final Ledger ledger;
    private final CorpusLibrary corpora;
    private final Map<Bytes32, PriceBook> priceBooks = new HashMap<>();
    private final Map<Bytes32, PayeeTable> payeeTables = new HashMap<>();

    UsageScorer(Ledger ledger, CorpusLibrary corpora) {
        this.ledger = ledger;
        this.corpora = corpora;
    }

    /// @throws LedgerException where the ledger cannot be read, which is no fault of the row
    ScoredUsage score(StoredUsage usage) {
        try {
            UsageRow row = usage.row();
            ScoringVersions versions = row.versions();
            if (!versions.scorer().equals(Scorer.ID)) {
                throw new IllegalArgumentException("scorer " + Sha256.text(versions.scorer())
                        + " is not this program's, which is " + Sha256.text(Scorer.ID));
            }
            PriceBook book = priceBook(versions.priceBook());
            AttributionRecord attribution =
                    Scorer.score(row, corpora.lineage(versions.datanets(), row.tokenizerDigest()), book.rules());
            PricedUsage price = Pricing.price(row, attribution, book, payees(versions.payees()));
            return new ScoredUsage.Priced(usage, attribution, price);
        } catch (LedgerException e) {
            throw e;
        } catch (RuntimeException e) {
            // Whatever is wrong with one row, the rows behind it go on.
            return new ScoredUsage.Quarantined(usage, e.getClass().getSimpleName() + ": " + e.getMessage());
        }
    }

    private PriceBook priceBook(Bytes32 digest) {
        PriceBook known = priceBooks.get(digest);
        if (known == null) {
            known = PriceBook.parse("price book " + Sha256.text(digest), document(digest, PRICE_BOOK));
            priceBooks.put(digest, known);
        }
        return known;
    }

    private PayeeTable payees(Bytes32 digest) {
        PayeeTable known = payeeTables.get(digest);
        if (known == null) {
            known = PayeeTable.parse(document(digest, PAYEES));
            payeeTables.put(digest, known);
        }
        return known;
    }

    private String document(Bytes32 digest, String kind) {
        return ledger.document(digest, kind)
                .orElseThrow(
                        () -> new IllegalArgumentException("the ledger keeps no " + kind + " " + Sha256.text(digest)));
    }
}
