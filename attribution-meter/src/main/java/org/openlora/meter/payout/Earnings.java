package org.openlora.meter.payout;

import java.math.BigInteger;
import java.util.List;

/// What anchored receipts have earned everybody since the beginning.
///
/// @param streams whose receipts count, and how far; by ascending id
/// @param totals one per payee, role and source
public record Earnings(List<AnchoredStream> streams, List<EarnedTotal> totals) {
    public Earnings {
        streams = List.copyOf(streams);
        totals = List.copyOf(totals);
    }

    /// The net price of all receipts, in pico-units.
    public BigInteger netPico() {
        return totals.stream().map(EarnedTotal::netPico).reduce(BigInteger.ZERO, BigInteger::add);
    }
}
