package org.openlora.meter.accounting.charges;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.openlora.meter.accounting.entries.AccountingException;
import org.openlora.meter.accounting.entries.KeptPriceBooks;
import org.openlora.meter.accounting.entries.LedgerEntry;
import org.openlora.meter.exact.LargestRemainder;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.pricing.Rates;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.usage.AdapterUsage;

/// Cuts a receipt's price into what its tokens of each kind cost. The receipt's price was rounded once, as a whole;
/// the parts are the largest-remainder rounding of their exact fees, so they sum to it.
public final class ChargeLines {
    private static final List<ChargeKind> TOKENS = List.of(ChargeKind.PROMPT, ChargeKind.CACHED, ChargeKind.GENERATED);
    private static final BigInteger TOKENS_PER_RATE = BigInteger.valueOf(1_000);
    /// Decimal places of a pico-unit, and of a thousandth of one.
    private static final int PICO_SCALE = 12;
    private static final int MILLI_PICO_SCALE = 15;

    private final KeptPriceBooks books;

    public ChargeLines(KeptPriceBooks books) {
        this.books = books;
    }

    /// The lines of a receipt: its tokens by kind, then the fee per request; of a correction, one line.
    ///
    /// @throws AccountingException where the receipt was not priced by the book it names
    public List<ChargeLine> of(LedgerEntry entry) {
        Receipt receipt = entry.receipt();
        PriceBook book = books.get(receipt.priceBook());
        return switch (receipt.kind()) {
            case USAGE -> usage(entry, book);
            case CREDIT -> List.of(new ChargeLine(entry, ChargeKind.CREDIT, book, null, null, entry.netPico()));
            case DEBIT -> List.of(new ChargeLine(entry, ChargeKind.DEBIT, book, null, null, entry.netPico()));
        };
    }

    private static List<ChargeLine> usage(LedgerEntry entry, PriceBook book) {
        Receipt receipt = entry.receipt();
        Rates rates = book.ratesOf(
                receipt.baseDigest(),
                receipt.adapters().stream()
                        .map(use -> new AdapterUsage(use, List.of(), null))
                        .toList());
        long[] quantities = {
            receipt.promptTokens() - receipt.cachedTokens(), receipt.cachedTokens(), receipt.generatedTokens()
        };
        List<BigInteger> fees = new ArrayList<>(); // in thousandths of a pico-unit
        for (int i = 0; i < quantities.length; i++) {
            fees.add(BigInteger.valueOf(quantities[i])
                    .multiply(BigInteger.valueOf(TOKENS.get(i).ratePico(rates))));
        }
        long[] amounts = amounts(receipt, book, fees);
        List<ChargeLine> lines = new ArrayList<>();
        for (int i = 0; i < quantities.length; i++) {
            if (quantities[i] > 0) {
                ChargeKind kind = TOKENS.get(i);
                lines.add(new ChargeLine(
                        entry,
                        kind,
                        book,
                        quantities[i],
                        BigDecimal.valueOf(kind.ratePico(rates), MILLI_PICO_SCALE),
                        amounts[i]));
            }
        }
        if (book.fixedFeePico() > 0) {
            lines.add(new ChargeLine(
                    entry,
                    ChargeKind.REQUEST,
                    book,
                    1L,
                    BigDecimal.valueOf(book.fixedFeePico(), PICO_SCALE),
                    book.fixedFeePico()));
        }
        return lines;
    }

    private static long[] amounts(Receipt receipt, PriceBook book, List<BigInteger> fees) {
        BigInteger exact = fees.stream().reduce(BigInteger.ZERO, BigInteger::add);
        BigInteger rounded = exact.divide(TOKENS_PER_RATE);
        BigInteger price = rounded.add(BigInteger.valueOf(book.fixedFeePico()));
        if (!price.equals(BigInteger.valueOf(receipt.price()))) {
            throw new AccountingException("receipt " + receipt.seq() + " of stream " + receipt.stream() + " says "
                    + receipt.price() + " pico-units, its price book '" + book.name() + "' gives " + price
                    + "; openlora reconcile names what is wrong");
        }
        return exact.signum() == 0 ? new long[fees.size()] : LargestRemainder.split(rounded.longValueExact(), fees);
    }
}
