package org.openlora.meter.pricing;

import java.math.BigInteger;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evm.Address;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.Role;
import org.openlora.meter.usage.AdapterUsage;

/// What receipts that stand would have cost by another price book: a dry run that changes nothing. Attribution is the
/// recorded one, so a book with other attribution rules is compared in its rates, fees, splits and payees alone.
public final class Rerating {
    private final PriceBook book;
    private final Map<Party, Amounts> parties = new TreeMap<>();
    private BigInteger billedPico = BigInteger.ZERO;
    private BigInteger proposedPico = BigInteger.ZERO;
    private long receipts;
    private long otherRules;

    /// Who is paid, and for what.
    public record Party(Role role, Address payee) implements Comparable<Party> {
        private static final Comparator<Party> ORDER =
                Comparator.comparingInt((Party party) -> party.role().code()).thenComparing(Party::payee);

        @Override
        public int compareTo(Party other) {
            return ORDER.compare(this, other);
        }
    }

    /// One party's income, exact sums of pico-units.
    public record Amounts(BigInteger billedPico, BigInteger proposedPico) {
        private static final Amounts NONE = new Amounts(BigInteger.ZERO, BigInteger.ZERO);

        Amounts plus(long billed, long proposed) {
            return new Amounts(
                    billedPico.add(BigInteger.valueOf(billed)), proposedPico.add(BigInteger.valueOf(proposed)));
        }

        /// What the proposal changes.
        public BigInteger differencePico() {
            return proposedPico.subtract(billedPico);
        }
    }

    /// The comparison so far.
    ///
    /// @param whole of all receipts
    /// @param parties in the order of roles; their sums are the whole
    /// @param otherRules how many receipts were attributed by other rules than the book's
    public record Result(long receipts, Amounts whole, Map<Party, Amounts> parties, long otherRules) {
        public Result {
            parties = Collections.unmodifiableMap(new TreeMap<>(parties));
        }
    }

    /// @param book the proposal
    public Rerating(PriceBook book) {
        this.book = book;
    }

    /// Prices one usage receipt again. The proposal's effective date is not asked for.
    ///
    /// @param adapters of the usage row behind the receipt
    /// @param payees the table that the row was committed with
    /// @throws IllegalArgumentException for a credit or debit
    public void add(Receipt receipt, List<AdapterUsage> adapters, AttributionRecord attribution, PayeeTable payees) {
        if (receipt.kind() != ReceiptKind.USAGE) {
            throw new IllegalArgumentException(
                    "receipt " + receipt.seq() + " is a " + receipt.kind() + "; only usage can be priced");
        }
        PricedUsage proposed = Pricing.quote(BilledUsage.of(receipt, adapters), attribution, book, payees);
        receipts++;
        billedPico = billedPico.add(BigInteger.valueOf(receipt.price()));
        proposedPico = proposedPico.add(BigInteger.valueOf(proposed.pricePico()));
        receipt.payments().forEach(payment -> add(payment, payment.amount(), 0));
        proposed.payments().forEach(payment -> add(payment, 0, payment.amount()));
        if (!attribution.rules().equals(book.rules())) {
            otherRules++;
        }
    }

    private void add(Payment payment, long billed, long proposed) {
        Party party = new Party(payment.role(), payment.payee());
        parties.put(party, parties.getOrDefault(party, Amounts.NONE).plus(billed, proposed));
    }

    /// The comparison so far.
    public Result result() {
        return new Result(receipts, new Amounts(billedPico, proposedPico), parties, otherRules);
    }
}
