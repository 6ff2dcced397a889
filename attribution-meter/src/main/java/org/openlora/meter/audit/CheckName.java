package org.openlora.meter.audit;

import java.util.Locale;

/// What is checked of a receipt, in this order.
public enum CheckName {
    /// The operator's, over the whole receipt.
    SIGNATURE,
    /// Its number follows on the one before it and it names that one's hash.
    LINK,
    /// It stands in its batch's Merkle tree, and the batch file has the hash that the batch's header says.
    INCLUSION,
    /// Kept or given token ids are those of the receipt's salted hashes, and as many as were billed.
    TEXT,
    /// Spans, shares and the hash of the attribution record.
    EVIDENCE,
    /// The price, from counts and price book.
    PRICE,
    /// Who gets how much of it, to the pico-unit.
    PAYMENTS,
    /// Every other member of the receipt.
    MEMBERS,
    /// The answer, drawn again token by token.
    REPLAY;

    /// As it is written in reports.
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
