package org.openlora.meter.accounting.export;

import java.util.Optional;
import org.openlora.meter.accounting.entries.Attributions;
import org.openlora.meter.accounting.entries.LedgerEntry;
import org.openlora.meter.accounting.entries.Period;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;

/// Which lines are exported: those that fit everything that is given.
///
/// @param period the month that a receipt counts in
/// @param account the tenant's salted hash
/// @param adapter one of the adapters that served
/// @param datanet of a charge, one of its lineage; of a payment, the one that it is for
/// @param payee of a charge, one of those it pays; of a payment, who gets it
public record ExportFilter(
        Optional<Period> period,
        Optional<Bytes32> account,
        Optional<Bytes32> adapter,
        Optional<Bytes32> datanet,
        Optional<Address> payee) {
    /// Everything.
    public static final ExportFilter ALL =
            new ExportFilter(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

    /// What a receipt must fit, whatever the table.
    boolean fitsReceipt(LedgerEntry entry) {
        Receipt receipt = entry.receipt();
        return fits(period, entry.booked())
                && fits(account, receipt.account())
                && adapter.map(digest -> receipt.adapters().stream()
                                .anyMatch(use -> use.digest().equals(digest)))
                        .orElse(true);
    }

    boolean fitsCharges(LedgerEntry entry, Attributions attributions) {
        Receipt receipt = entry.receipt();
        return payee.map(address -> receipt.payments().stream()
                                .anyMatch(payment -> payment.payee().equals(address)))
                        .orElse(true)
                && datanet.map(digest -> attributions.datanets(receipt).contains(digest))
                        .orElse(true);
    }

    boolean fitsPayment(Payment payment, Optional<Bytes32> paymentDatanet) {
        return fits(payee, payment.payee()) && (datanet.isEmpty() || datanet.equals(paymentDatanet));
    }

    private static <T> boolean fits(Optional<T> wanted, T value) {
        return wanted.map(value::equals).orElse(true);
    }
}
