package org.openlora.meter.pricing;

import java.math.BigInteger;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.Target;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.exact.LargestRemainder;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Role;
import org.openlora.meter.usage.AdapterUsage;

/// Turns usage and attribution into a price and payments. Two roundings, no more: the price is the floor of the
/// exact fee, and the payments are the largest-remainder rounding of exact shares of that price, ties to the
/// payment that stands earlier in the receipt. Their sum is the price, always.
public final class Pricing {
    private static final BigInteger WHOLE_BPS = BigInteger.valueOf(10_000);
    private static final BigInteger TOKENS_PER_RATE = BigInteger.valueOf(1_000);

    private final BilledUsage usage;
    private final AttributionRecord attribution;
    private final PriceBook book;
    private final PayeeTable payees;
    private final SortedMap<Line, BigInteger> weights = new TreeMap<>();

    /// What a payment is, but for its amount.
    private record Line(Role role, Bytes32 source, Address payee) implements Comparable<Line> {
        private static final Comparator<Line> ORDER = Comparator.comparingInt(
                        (Line line) -> line.role().code())
                .thenComparing(line -> line.source())
                .thenComparing(line -> line.payee());

        @Override
        public int compareTo(Line other) {
            return ORDER.compare(this, other);
        }
    }

    private Pricing(BilledUsage usage, AttributionRecord attribution, PriceBook book, PayeeTable payees) {
        this.usage = usage;
        this.attribution = attribution;
        this.book = book;
        this.payees = payees;
    }

    /// The price of a request by the book that is in force for it.
    ///
    /// @throws ArithmeticException where the price exceeds a `long` of pico-units
    /// @throws IllegalArgumentException where the price book was not in force when the request was served, or the
    ///     attribution names a contributor without a payee
    public static PricedUsage price(
            BilledUsage usage, AttributionRecord attribution, PriceBook book, PayeeTable payees) {
        if (Instant.ofEpochMilli(usage.servedToMillis()).isBefore(book.effectiveFrom())) {
            throw new IllegalArgumentException(
                    "price book '" + book.name() + "' is in force from " + book.effectiveFrom()
                            + ", the request was served at " + Instant.ofEpochMilli(usage.servedToMillis()));
        }
        return quote(usage, attribution, book, payees);
    }

    /// What a request would cost by any book, whenever it was served; throws as [#price] does but for the time.
    public static PricedUsage quote(
            BilledUsage usage, AttributionRecord attribution, PriceBook book, PayeeTable payees) {
        return new Pricing(usage, attribution, book, payees).price();
    }

    private PricedUsage price() {
        BigInteger price = fee();
        if (price.signum() == 0) {
            return new PricedUsage(0, List.of());
        }
        share(price);
        long pricePico = price.longValueExact();
        long[] amounts = LargestRemainder.split(pricePico, List.copyOf(weights.values()));
        List<Payment> payments = new ArrayList<>();
        int i = 0;
        for (Line line : weights.keySet()) {
            long amount = amounts[i++];
            if (amount > 0) {
                payments.add(new Payment(line.payee(), line.role(), line.source(), amount));
            }
        }
        return new PricedUsage(pricePico, payments);
    }

    /// Floor of (computed·R + cached·R + generated·R) / 1000 + fixed fee.
    private BigInteger fee() {
        Rates rates = book.ratesOf(usage.baseDigest(), usage.adapters());
        BigInteger thousandfold = product(usage.promptTokens() - usage.cachedTokens(), rates.promptPico())
                .add(product(usage.cachedTokens(), rates.cachedPico()))
                .add(product(usage.generatedTokens(), rates.generatedPico()));
        return thousandfold.divide(TOKENS_PER_RATE).add(BigInteger.valueOf(book.fixedFeePico()));
    }

    private static BigInteger product(long tokens, long ratePico) {
        return BigInteger.valueOf(tokens).multiply(BigInteger.valueOf(ratePico));
    }

    /// Exact weights of all lines over one denominator: 10⁴ · 10⁴ · adapter weights · attribution.
    private void share(BigInteger price) {
        BigInteger adapterWhole = BigInteger.valueOf(Math.max(
                1, usage.adapters().stream().mapToLong(AdapterUsage::weight).sum()));
        BigInteger attributionWhole = BigInteger.valueOf(attribution.wholePpm());
        BigInteger fixed = BigInteger.valueOf(book.fixedFeePico());
        BigInteger tokenFees = price.subtract(fixed);
        BigInteger platformBps = BigInteger.valueOf(book.platformBps());

        BigInteger unit = adapterWhole.multiply(attributionWhole);
        BigInteger platform = fixed.multiply(WHOLE_BPS).add(tokenFees.multiply(platformBps));
        pay(
                Role.PLATFORM,
                Bytes32.ZERO,
                book.platform(),
                platform.multiply(WHOLE_BPS).multiply(unit));

        BigInteger net = tokenFees.multiply(WHOLE_BPS.subtract(platformBps));
        Split split = book.split();
        payBaseOwner(part(net, split.baseOwnerBps()).multiply(unit));
        pay(
                Role.OPERATOR,
                Bytes32.ZERO,
                book.operator(),
                part(net, split.operatorBps()).multiply(unit));
        payAdapterOwners(part(net, split.adapterOwnerBps()).multiply(attributionWhole), adapterWhole);
        payContributors(part(net, split.contributorsBps()).multiply(adapterWhole));
    }

    private static BigInteger part(BigInteger whole, int bps) {
        return whole.multiply(BigInteger.valueOf(bps));
    }

    private void payBaseOwner(BigInteger weight) {
        Address owner = book.baseOwners().get(usage.baseDigest());
        pay(
                owner == null ? Role.TREASURY : Role.BASE_OWNER,
                usage.baseDigest(),
                owner == null ? book.treasury() : owner,
                weight);
    }

    private void payAdapterOwners(BigInteger weightOfOne, BigInteger whole) {
        BigInteger paid = BigInteger.ZERO;
        for (AdapterUsage adapter : usage.adapters()) {
            BigInteger scale = BigInteger.valueOf(adapter.weight());
            Address owner = adapter.ownerPayee();
            pay(
                    owner == null ? Role.TREASURY : Role.ADAPTER_OWNER,
                    adapter.use().digest(),
                    owner == null ? book.treasury() : owner,
                    weightOfOne.multiply(scale));
            paid = paid.add(scale);
        }
        // The bare base, or adapters that are all scaled to nothing: the share belongs to nobody in particular.
        pay(Role.TREASURY, Bytes32.ZERO, book.treasury(), weightOfOne.multiply(whole.subtract(paid)));
    }

    private void payContributors(BigInteger weightOfOne) {
        for (int i = 0; i < attribution.targets().size(); i++) {
            Target target = attribution.targets().get(i);
            BigInteger weight =
                    weightOfOne.multiply(BigInteger.valueOf(attribution.totals().get(i)));
            switch (target.kind()) {
                case CONTRIBUTOR -> pay(Role.CONTRIBUTOR, target.contributor(), payeeOf(target.contributor()), weight);
                case POOL -> pay(Role.DATANET_POOL, datanetOf(target), book.datanetPool(), weight);
                case TREASURY -> pay(Role.TREASURY, datanetOf(target), book.treasury(), weight);
            }
        }
    }

    private Bytes32 datanetOf(Target target) {
        return target.datanet() == Target.NO_DATANET
                ? Bytes32.ZERO
                : attribution.datanets().get(target.datanet()).digest();
    }

    private Address payeeOf(Bytes32 contributor) {
        return payees.find(contributor)
                .orElseThrow(() -> new IllegalArgumentException("contributor " + contributor + " has no payee"));
    }

    private void pay(Role role, Bytes32 source, Address payee, BigInteger weight) {
        if (weight.signum() > 0) {
            weights.merge(new Line(role, source, payee), weight, BigInteger::add);
        }
    }
}
