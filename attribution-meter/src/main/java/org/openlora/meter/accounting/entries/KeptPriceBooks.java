package org.openlora.meter.accounting.entries;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.openlora.meter.database.Database;
import org.openlora.meter.document.DocumentException;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.pricing.PriceBook;

/// The price books that a ledger keeps, each read once. Used by one thread.
public final class KeptPriceBooks {
    private final Database database;
    private final Map<Bytes32, PriceBook> known = new HashMap<>();

    public KeptPriceBooks(Database database) {
        this.database = database;
    }

    /// The book with this digest.
    ///
    /// @throws AccountingException where the ledger keeps none, or keeps something else under this digest
    public PriceBook get(Bytes32 digest) {
        PriceBook book = known.get(digest);
        if (book == null) {
            book = read(digest);
            known.put(digest, book);
        }
        return book;
    }

    private PriceBook read(Bytes32 digest) {
        String name = "price book " + Sha256.text(digest);
        List<String> documents = database.query(
                "SELECT json FROM document WHERE digest = ? AND kind = 'price-book'",
                row -> row.getString("json"),
                digest);
        if (documents.isEmpty()) {
            throw new AccountingException("the ledger keeps no " + name);
        }
        try {
            PriceBook book = PriceBook.parse(name, documents.getFirst());
            if (!book.digest().equals(digest)) {
                throw new AccountingException(
                        "the ledger keeps another book as " + name + ": " + Sha256.text(book.digest()));
            }
            return book;
        } catch (DocumentException e) {
            throw new AccountingException("the ledger's " + name + " cannot be read: " + e.getMessage(), e);
        }
    }
}
