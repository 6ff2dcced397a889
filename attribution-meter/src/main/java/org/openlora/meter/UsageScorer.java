package org.openlora.meter;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.CorpusLibrary;
import org.openlora.meter.evidence.LineageCorpora;
import org.openlora.meter.evidence.Scorer;
import org.openlora.meter.evidence.ScorerVersion;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.ScoredUsage;
import org.openlora.meter.ledger.StoredUsage;
import org.openlora.meter.pricing.BilledUsage;
import org.openlora.meter.pricing.PayeeTable;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.pricing.PriceBooks;
import org.openlora.meter.pricing.PricedUsage;
import org.openlora.meter.pricing.Pricing;
import org.openlora.meter.usage.ScoringVersions;
import org.openlora.meter.usage.UsageRow;

/// Scores and prices rows by exactly the versions they were committed with, whatever is configured now: the same row
/// gives the same today and at an audit years later. Used by one thread.
public final class UsageScorer {
    static final String PAYEES = "payees";

    private final AttachedLedger ledger;
    private final CorpusLibrary corpora;
    private final Map<Bytes32, PriceBook> priceBooks = new HashMap<>();
    private final Map<Bytes32, PayeeTable> payeeTables = new HashMap<>();

    public UsageScorer(AttachedLedger ledger, CorpusLibrary corpora) {
        this.ledger = ledger;
        this.corpora = corpora;
    }

    /// Searches evidence, shares and prices.
    ///
    /// @throws LedgerException where the ledger cannot be read, which is no fault of the row
    public ScoredUsage score(StoredUsage usage) {
        return scored(usage, row -> {
            ScoringVersions versions = row.versions();
            ScorerVersion scorer = ScorerVersion.of(versions.scorer());
            PriceBook book = priceBook(versions.priceBook());
            LineageCorpora lineage = corpora.lineage(versions.datanets(), row.tokenizerDigest(), scorer);
            return Scorer.score(row, lineage, book.rules());
        });
    }

    /// Prices a row whose attribution is known. Of its token ids only the counts play a part.
    ///
    /// @throws LedgerException where the ledger cannot be read, which is no fault of the row
    public ScoredUsage price(StoredUsage usage, AttributionRecord attribution) {
        return scored(usage, row -> attribution);
    }

    /// Why the documents that a row is priced by are not those that it was committed with: the ledger keeps them under
    /// their digests, and one that was changed since has another. Empty where they are, or one is missing.
    public Optional<String> damage(ScoringVersions versions) {
        return changed("price book", versions.priceBook(), PriceBooks.DOCUMENT_KIND, json -> PriceBook.parse(
                                "price book", json)
                        .digest())
                .or(() -> changed("table of payees", versions.payees(), PAYEES, json -> PayeeTable.parse(json)
                        .digest()));
    }

    private Optional<String> changed(String what, Bytes32 digest, String kind, Function<String, Bytes32> digestOf) {
        Optional<String> json = ledger.document(digest, kind);
        try {
            return json.map(digestOf)
                    .filter(actual -> !actual.equals(digest))
                    .map(actual -> "the ledger's " + what + " " + Sha256.text(digest) + " was changed: it is "
                            + Sha256.text(actual));
        } catch (IllegalArgumentException e) {
            return Optional.of("the ledger's " + what + " " + Sha256.text(digest) + " was changed: " + e.getMessage());
        }
    }

    private ScoredUsage scored(StoredUsage usage, Function<UsageRow, AttributionRecord> attribute) {
        try {
            UsageRow row = usage.row();
            ScoringVersions versions = row.versions();
            AttributionRecord attribution = attribute.apply(row);
            PricedUsage price = Pricing.price(
                    BilledUsage.of(row), attribution, priceBook(versions.priceBook()), payees(versions.payees()));
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
            known = PriceBook.parse("price book " + Sha256.text(digest), document(digest, PriceBooks.DOCUMENT_KIND));
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
