package org.openlora.meter.accounting.export;

import org.jspecify.annotations.Nullable;
import org.openlora.meter.accounting.entries.LedgerEntry;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;

/// One payment of a receipt.
///
/// @param datanet that it is for, where it is for one
record PaymentLine(
        LedgerEntry entry,
        Payment payment,
        String currency,
        @Nullable Bytes32 datanet) {
    /// Negative where a credit takes it back.
    long netPico() {
        return entry.sign() * payment.amount();
    }
}
