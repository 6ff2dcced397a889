package org.openlora.meter.ledger;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.ReceiptKind;

/// What someone takes back from a receipt, or adds to it. Nothing is changed: it becomes a receipt of its own that
/// names the corrected one.
///
/// @param requestId of the correction itself, random; the same again does nothing twice
/// @param kind credit or debit
/// @param ref struct hash of the usage receipt that is corrected
/// @param payments who gives back, or gets, how much; strictly ascending by [Payment#ORDER], none of zero
/// @param actor who decided it
/// @param reason why, for the audit trail
public record Correction(
        Bytes32 requestId, ReceiptKind kind, Bytes32 ref, List<Payment> payments, String actor, String reason) {
    public Correction {
        payments = List.copyOf(payments);
        require(kind != ReceiptKind.USAGE, "a correction is a credit or a debit, not usage");
        require(!requestId.isZero() && !ref.isZero(), "a correction needs an id of its own and names a receipt");
        require(!actor.isBlank() && !reason.isBlank(), "a correction needs an actor and a reason");
        require(!payments.isEmpty(), "a correction needs at least one payment");
        for (int i = 0; i < payments.size(); i++) {
            require(payments.get(i).amount() > 0, "a correction's payments must be greater than zero");
            require(
                    i == 0 || Payment.ORDER.compare(payments.get(i - 1), payments.get(i)) < 0,
                    "a correction's payments must ascend by role, source, payee without repetition");
        }
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    /// The kind in lower case, as the audit trail has it.
    String kindName() {
        return kind.name().toLowerCase(Locale.ROOT);
    }

    /// Sum of the payments in pico-units.
    ///
    /// @throws ArithmeticException beyond 63 bits
    long pricePico() {
        return payments.stream().mapToLong(Payment::amount).reduce(0, Math::addExact);
    }

    /// Tells a repeated correction from another one under the same id.
    Bytes32 bodyHash() {
        Sha256 hash = Sha256.domain("openlora/correction/v1")
                .word(requestId)
                .u64(kind.code())
                .word(ref)
                .prefixed(actor.getBytes(StandardCharsets.UTF_8))
                .prefixed(reason.getBytes(StandardCharsets.UTF_8));
        for (Payment payment : payments) {
            hash.u64(payment.role().code())
                    .word(payment.source())
                    .raw(payment.payee().bytes())
                    .u64(payment.amount());
        }
        return hash.digest();
    }
}
