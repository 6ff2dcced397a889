package org.openlora.meter.accounting.entries;

import java.util.OptionalLong;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.SignedReceipt;

/// A receipt with its place in the books.
///
/// @param batch that holds it; empty until it is sealed
/// @param booked the period it counts in: the month it was served in, or where that was closed before the receipt
///     came, the first later one that was open
public record LedgerEntry(SignedReceipt signed, OptionalLong batch, Period booked) {
    public Receipt receipt() {
        return signed.receipt();
    }

    /// The month the receipt was served in.
    public Period served() {
        return Period.of(receipt().servedTo());
    }

    /// Whether the receipt came after its own month was closed.
    public boolean isPriorPeriod() {
        return !booked.equals(served());
    }

    public boolean isCorrection() {
        return receipt().kind() != ReceiptKind.USAGE;
    }

    /// 1 for what is owed, -1 for what is given back.
    public int sign() {
        return receipt().kind() == ReceiptKind.CREDIT ? -1 : 1;
    }

    /// The receipt's price in pico-units, negative for a credit.
    public long netPico() {
        return sign() * receipt().price();
    }
}
