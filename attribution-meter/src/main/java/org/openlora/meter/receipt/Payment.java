package org.openlora.meter.receipt;

import java.util.Comparator;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// One payee's part of a receipt's price.
///
/// @param source what the payee is paid for: adapter digest, base digest, contributor hash, datanet digest, or
///     zero
/// @param amount pico-units (10⁻¹² of the settlement token's whole unit), not negative
public record Payment(Address payee, Role role, Bytes32 source, long amount) {
    /// The order within a receipt: role, source, payee, all unsigned.
    public static final Comparator<Payment> ORDER = Comparator.comparingInt(
                    (Payment p) -> p.role().code())
            .thenComparing(Payment::source)
            .thenComparing(Payment::payee);

    public Payment {
        if (amount < 0) {
            throw new IllegalArgumentException("payment to " + payee + " must not be negative: " + amount);
        }
    }
}
