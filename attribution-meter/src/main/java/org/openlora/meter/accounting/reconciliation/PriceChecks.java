package org.openlora.meter.accounting.reconciliation;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.openlora.meter.accounting.entries.AccountingException;
import org.openlora.meter.accounting.entries.KeptPriceBooks;
import org.openlora.meter.database.Database;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.pricing.BilledUsage;
import org.openlora.meter.pricing.PayeeTable;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.pricing.PriceBooks;
import org.openlora.meter.pricing.PriceSchedule;
import org.openlora.meter.pricing.PricedUsage;
import org.openlora.meter.pricing.Pricing;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.UsageCodec;
import org.openlora.meter.usage.UsageRow;

/// Prices every receipt again, from its usage row, its per-token record and the book it was committed under, which
/// must be the one that the ledger's schedule has in force at the time of serving.
final class PriceChecks {
    private final Database database;
    private final KeptPriceBooks books;
    private final PriceSchedule schedule;
    private final Findings findings;
    private final Map<Bytes32, PayeeTable> payeeTables = new HashMap<>();

    PriceChecks(Database database, Findings findings) {
        this.database = database;
        this.books = new KeptPriceBooks(database);
        this.schedule = PriceBooks.of(database).schedule();
        this.findings = findings;
    }

    /// @param usageBody canonical JSON of the usage row
    /// @param attribution bytes of the per-token record; empty where they are not the receipt's
    void check(Receipt receipt, Subject subject, String usageBody, Optional<byte[]> attribution) {
        // The token ids are gone. How many there were stands in the receipt; the row needs as many for its own rules.
        UsageRow row = UsageCodec.fromJson(
                usageBody,
                TokenIds.of(new int[receipt.promptTokens()]),
                TokenIds.of(new int[receipt.generatedTokens()]));
        PriceBook book;
        try {
            book = books.get(receipt.priceBook());
        } catch (AccountingException e) {
            findings.add(
                    BreakKind.PRICE_BOOK_MISSING,
                    subject,
                    "price book " + Sha256.text(receipt.priceBook()),
                    String.valueOf(e.getMessage()),
                    receipt.servedTo());
            return;
        }
        if (!row.versions().priceBook().equals(receipt.priceBook())) {
            findings.add(
                    BreakKind.PRICE_BOOK_WRONG,
                    subject,
                    "price book " + name(row.versions().priceBook()) + ", which the request was committed under",
                    name(receipt.priceBook()),
                    receipt.servedTo());
        } else if (Instant.ofEpochMilli(receipt.servedTo()).isBefore(book.effectiveFrom())) {
            findings.add(
                    BreakKind.PRICE_BOOK_WRONG,
                    subject,
                    "a price book in force at " + Instant.ofEpochMilli(receipt.servedTo()),
                    name(receipt.priceBook()) + ", in force from " + book.effectiveFrom(),
                    receipt.servedTo());
        } else if (isNotInForce(receipt)) {
            findings.add(
                    BreakKind.PRICE_BOOK_WRONG,
                    subject,
                    "price book " + name(schedule.at(receipt.servedTo()).digest()) + ", in force at "
                            + Instant.ofEpochMilli(receipt.servedTo()),
                    name(receipt.priceBook()),
                    receipt.servedTo());
        } else if (attribution.isPresent()) {
            price(receipt, subject, row, AttributionRecord.ofBytes(attribution.get()), book);
        }
    }

    private boolean isNotInForce(Receipt receipt) {
        return schedule.find(receipt.servedTo())
                .filter(inForce -> !inForce.digest().equals(receipt.priceBook()))
                .isPresent();
    }

    private void price(Receipt receipt, Subject subject, UsageRow row, AttributionRecord attribution, PriceBook book) {
        PricedUsage priced;
        try {
            priced = Pricing.price(
                    BilledUsage.of(receipt, row.adapters()),
                    attribution,
                    book,
                    payees(row.versions().payees()));
        } catch (IllegalArgumentException | ArithmeticException e) {
            findings.add(
                    BreakKind.PRICE_WRONG,
                    subject,
                    "a price by book " + name(book.digest()),
                    "none can be computed: " + e.getMessage(),
                    receipt.servedTo());
            return;
        }
        if (priced.pricePico() != receipt.price()) {
            findings.add(
                    BreakKind.PRICE_WRONG,
                    subject,
                    priced.pricePico() + " pico-units by book " + name(book.digest()),
                    receipt.price() + " pico-units",
                    receipt.servedTo());
        } else if (!priced.payments().equals(receipt.payments())) {
            findings.add(
                    BreakKind.PRICE_WRONG,
                    subject,
                    "the payments that book " + name(book.digest()) + " gives",
                    "others, of the same sum",
                    receipt.servedTo());
        }
    }

    private String name(Bytes32 digest) {
        try {
            return "'" + books.get(digest).name() + "' (" + Sha256.text(digest) + ")";
        } catch (AccountingException e) {
            return Sha256.text(digest);
        }
    }

    private PayeeTable payees(Bytes32 digest) {
        PayeeTable known = payeeTables.get(digest);
        if (known == null) {
            List<String> documents = database.query(
                    "SELECT json FROM document WHERE digest = ? AND kind = 'payees'",
                    row -> row.getString("json"),
                    digest);
            if (documents.isEmpty()) {
                throw new IllegalArgumentException("the ledger keeps no table of payees " + Sha256.text(digest));
            }
            known = PayeeTable.parse(documents.getFirst());
            payeeTables.put(digest, known);
        }
        return known;
    }
}
