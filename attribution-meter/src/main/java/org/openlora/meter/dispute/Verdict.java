package org.openlora.meter.dispute;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.audit.Outcome;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;

/// What follows from a recomputed receipt: a pure function of what was charged and what is right.
public sealed interface Verdict {
    /// One sentence.
    String why();

    /// Some payees have more than they should.
    ///
    /// @param credit what they give back
    /// @param debit what others get in its place, never more in sum; empty where the payer gets all of it back
    record Amend(List<Payment> credit, List<Payment> debit, String why) implements Verdict {
        public Amend {
            credit = List.copyOf(credit);
            debit = List.copyOf(debit);
        }
    }

    /// The receipt stands.
    record Reject(String why) implements Verdict {}

    /// There is too little to decide by; the dispute stays open.
    record Undecidable(String why) implements Verdict {}

    /// @param charged payments of the receipt after its corrections but those of this very dispute
    /// @param right as they must have been; null where that could not be computed
    /// @param replay what drawing the answer again came to
    static Verdict of(List<Payment> charged, @Nullable Receipt right, Outcome replay) {
        if (replay instanceof Outcome.Disagrees(String detail)) {
            return amend(charged, List.of(), "the answer is not what the receipt is for: " + detail);
        }
        return right == null
                ? new Undecidable("the receipt cannot be computed again with what there is")
                : amend(charged, right.payments(), "recomputed price " + right.price() + " pico-units");
    }

    private static Verdict amend(List<Payment> charged, List<Payment> right, String why) {
        Map<Payment, Long> excess = new TreeMap<>(Payment.ORDER);
        charged.forEach(payment -> excess.merge(payment, payment.amount(), Math::addExact));
        right.forEach(payment -> excess.merge(payment, -payment.amount(), Math::addExact));
        List<Payment> credit = new ArrayList<>();
        List<Payment> debit = new ArrayList<>();
        long over = 0;
        long under = 0;
        for (Map.Entry<Payment, Long> entry : excess.entrySet()) {
            long amount = entry.getValue();
            if (amount > 0) {
                credit.add(withAmount(entry.getKey(), amount));
                over = Math.addExact(over, amount);
            } else if (amount < 0) {
                debit.add(withAmount(entry.getKey(), -amount));
                under = Math.addExact(under, -amount);
            }
        }
        if (under > over) {
            return new Reject(why + ", " + (under - over) + " more than is charged");
        }
        return over == 0
                ? new Reject(why + ", as charged")
                : new Amend(credit, debit, why + ", " + (over - under) + " less than is charged");
    }

    private static Payment withAmount(Payment payment, long amount) {
        return new Payment(payment.payee(), payment.role(), payment.source(), amount);
    }
}
