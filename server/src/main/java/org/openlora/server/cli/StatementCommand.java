package org.openlora.server.cli;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.accounting.entries.Period;
import org.openlora.meter.accounting.statement.PayoutPosition;
import org.openlora.meter.accounting.statement.Statement;
import org.openlora.meter.accounting.statement.Statements;
import org.openlora.meter.chain.ChainException;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.payout.PayoutBook;
import org.openlora.meter.payout.PayoutPool;
import org.openlora.server.problem.Problem;
import org.openlora.server.receipts.ChainLink;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora statement`: what a payee earned or a tenant owes in a month.
@Command(
        name = "statement",
        description = "Draws up what a payee earned, or what a tenant owes, in one calendar month (UTC).")
final class StatementCommand implements Callable<Integer> {
    /// Whom it is for: one of the two.
    static final class For {
        @Option(
                names = "--payee",
                paramLabel = "ADDRESS",
                required = true,
                converter = Converters.Addresses.class,
                description = "Someone who is paid.")
        private @Nullable Address payee;

        @Option(
                names = "--account",
                paramLabel = "TENANT-or-HASH",
                required = true,
                description = "A tenant's name or account.")
        private @Nullable String account;
    }

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private ServerOptions options = new ServerOptions();

    @ArgGroup(multiplicity = "1")
    private For whom = new For();

    @Option(
            names = "--period",
            paramLabel = "YYYY-MM",
            required = true,
            converter = Converters.Months.class,
            description = "The month.")
    private @Nullable Period period;

    @Option(names = "--html", paramLabel = "FILE", description = "Also writes a page to print, in one file.")
    private @Nullable Path html;

    @Option(names = "--json", description = "Prints canonical JSON.")
    private boolean json;

    @Override
    public Integer call() {
        try (Books books = Books.open(options)) {
            Statement statement = draw(books);
            spec.commandLine()
                    .getOut()
                    .print(json ? new String(statement.toJson(), StandardCharsets.UTF_8) + "\n" : statement.toText());
            spec.commandLine().getOut().flush();
            if (html != null) {
                write(html, statement.toHtml());
            }
            return ExitStatus.OK;
        }
    }

    private Statement draw(Books books) {
        Period month = Objects.requireNonNull(period);
        Statements statements = new Statements(books.database());
        if (whom.payee != null) {
            return statements.ofPayee(whom.payee, month, position(books, whom.payee));
        }
        Bytes32 account = books.account(Objects.requireNonNull(whom.account));
        return statements.ofAccount(account, books.name(account), month);
    }

    /// Where the payee stands in the last round that was posted, of any pool that has it.
    private static Optional<PayoutPosition> position(Books books, Address payee) {
        PayoutBook payouts = new PayoutBook(books.database());
        for (PayoutBook.Pool pool : payouts.pools()) {
            List<PayoutBook.Kept> posted = payouts.rounds(pool.id()).stream()
                    .filter(kept -> kept.state() == PayoutBook.RoundState.POSTED)
                    .toList();
            if (!posted.isEmpty()) {
                PayoutBook.Kept last = posted.getLast();
                Optional<PayoutPosition> position = last.round()
                        .entry(payee)
                        .map(entry -> new PayoutPosition(
                                last.round().number(), pool.token(), entry, claimed(books, pool, payee)));
                if (position.isPresent()) {
                    return position;
                }
            }
        }
        return Optional.empty();
    }

    /// What the contract paid out; empty where there is no chain to ask.
    private static Optional<BigInteger> claimed(Books books, PayoutBook.Pool pool, Address payee) {
        try (ChainLink link = books.chain().orElse(null)) {
            return link == null
                    ? Optional.empty()
                    : Optional.of(new PayoutPool(
                                    link.contract().rpc(),
                                    pool.contract(),
                                    pool.operatorId(),
                                    pool.token().address())
                            .claimed(payee));
        } catch (ChainException e) {
            System.err.println("openlora: claims are left out: " + Problem.describe(e));
            return Optional.empty();
        }
    }

    private static void write(Path file, String page) {
        try {
            Files.writeString(file, page);
        } catch (IOException e) {
            throw new Problem(
                    "%s cannot be written: %s".formatted(file, Problem.describe(e)),
                    "name another file with --html",
                    e);
        }
    }
}
