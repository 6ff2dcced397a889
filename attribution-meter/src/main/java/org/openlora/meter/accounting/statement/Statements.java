package org.openlora.meter.accounting.statement;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.openlora.meter.accounting.charges.ChargeLines;
import org.openlora.meter.accounting.entries.AccountingException;
import org.openlora.meter.accounting.entries.Attributions;
import org.openlora.meter.accounting.entries.KeptPriceBooks;
import org.openlora.meter.accounting.entries.LedgerEntries;
import org.openlora.meter.accounting.entries.LedgerEntry;
import org.openlora.meter.accounting.entries.Period;
import org.openlora.meter.accounting.entries.PeriodState;
import org.openlora.meter.accounting.statement.Statement.Party;
import org.openlora.meter.database.Database;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.Role;

/// Draws up statements from a ledger's receipts.
public final class Statements {
    private final Database database;

    public Statements(Database database) {
        this.database = database;
    }

    /// What a payee earned in a period, by role, datanet and adapter.
    ///
    /// @throws AccountingException where the period holds no payment to it
    public Statement ofPayee(Address payee, Period period, Optional<PayoutPosition> payout) {
        Attributions attributions = new Attributions(database);
        return draw(
                new Party.Payee(payee),
                period,
                entry -> entry.receipt().payments().stream()
                        .anyMatch(payment -> payment.payee().equals(payee)),
                (entry, sums) -> entry.receipt().payments().stream()
                        .filter(payment -> payment.payee().equals(payee))
                        .forEach(payment ->
                                sums.add(entry, earned(entry.receipt(), payment, attributions), payment.amount(), 1)),
                payout);
    }

    private static List<String> earned(Receipt receipt, Payment payment, Attributions attributions) {
        String datanet =
                attributions.datanet(receipt, payment).map(Sha256::text).orElse("");
        String adapter = payment.role() == Role.ADAPTER_OWNER ? Sha256.text(payment.source()) : resource(receipt);
        return List.of(payment.role().name().toLowerCase(Locale.ROOT).replace('_', ' '), datanet, adapter);
    }

    /// What a tenant owes for a period, by kind of charge and by what served.
    ///
    /// @param name of the tenant, where it is known
    /// @throws AccountingException where the period holds no receipt of it
    public Statement ofAccount(Bytes32 account, Optional<String> name, Period period) {
        ChargeLines charges = new ChargeLines(new KeptPriceBooks(database));
        return draw(
                new Party.Tenant(account, name),
                period,
                entry -> entry.receipt().account().equals(account),
                (entry, sums) -> charges.of(entry)
                        .forEach(line -> sums.add(
                                entry,
                                List.of(line.kind().label(), resource(entry.receipt())),
                                Math.abs(line.netPico()),
                                Objects.requireNonNullElse(line.quantity(), 1L))),
                Optional.empty());
    }

    /// The digest of the adapter; of several, all of them; of none, the base model.
    private static String resource(Receipt receipt) {
        return receipt.adapters().isEmpty()
                ? "base model"
                : receipt.adapters().stream()
                        .map(use -> Sha256.text(use.digest()))
                        .collect(Collectors.joining("+"));
    }

    @FunctionalInterface
    private interface Summing {
        void add(LedgerEntry entry, LineSums sums);
    }

    private Statement draw(
            Party party,
            Period period,
            Predicate<LedgerEntry> concerns,
            Summing summing,
            Optional<PayoutPosition> payout) {
        KeptPriceBooks books = new KeptPriceBooks(database);
        LineSums sums = new LineSums();
        TreeSet<String> currencies = new TreeSet<>();
        Set<Bytes32> accounts = new HashSet<>();
        long[] receipts = {0};
        Consumer<LedgerEntry> reader = entry -> {
            if (entry.booked().equals(period) && concerns.test(entry)) {
                receipts[0]++;
                accounts.add(entry.receipt().account());
                currencies.add(books.get(entry.receipt().priceBook()).currency());
                summing.add(entry, sums);
            }
        };
        LedgerEntries.of(database).forEach(reader);
        if (currencies.isEmpty()) {
            throw new AccountingException("nothing in " + period + " concerns " + text(party));
        }
        if (currencies.size() > 1) {
            throw new AccountingException(period + " is in several currencies for " + text(party) + ": " + currencies
                    + "; export the payments and add them up by currency");
        }
        return new Statement(
                party,
                period,
                !closed(period).containsAll(accounts),
                currencies.first(),
                receipts[0],
                sums.lines(),
                payout);
    }

    private static String text(Party party) {
        return switch (party) {
            case Party.Payee payee -> "payee " + payee.address();
            case Party.Tenant tenant -> "account " + tenant.account();
        };
    }

    private Set<Bytes32> closed(Period period) {
        return Set.copyOf(database.query(
                "SELECT account FROM accounting_period WHERE period = ? AND state = ?",
                row -> Database.word(row, "account"),
                period.toString(),
                PeriodState.CLOSED.code()));
    }
}
