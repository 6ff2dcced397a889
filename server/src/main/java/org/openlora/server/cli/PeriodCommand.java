package org.openlora.server.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.accounting.entries.Period;
import org.openlora.meter.accounting.entries.PeriodState;
import org.openlora.meter.accounting.period.AccountPeriod;
import org.openlora.meter.accounting.period.CloseRequest;
import org.openlora.meter.accounting.period.PeriodMark;
import org.openlora.meter.accounting.period.PeriodStatus;
import org.openlora.meter.accounting.period.PeriodTotals;
import org.openlora.meter.accounting.period.Periods;
import org.openlora.meter.accounting.reconciliation.ReconciliationReport;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.exact.Pico;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `openlora period …`: closes months of tenants, and opens them again.
@Command(
        name = "period",
        description = "Shows, closes and reopens calendar months (UTC) of tenants.",
        subcommands = {PeriodCommand.Status.class, PeriodCommand.Close.class, PeriodCommand.Reopen.class})
final class PeriodCommand implements Callable<Integer> {
    private static final JsonMapper JSON = new JsonMapper();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "say what to do: status, close or reopen");
    }

    /// What the three have in common.
    abstract static class Bookkeeping implements Callable<Integer> {
        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Mixin
        private ServerOptions options = new ServerOptions();

        @Option(
                names = "--account",
                paramLabel = "TENANT-or-HASH",
                description = "A tenant's name or account; all of them without.")
        private @Nullable String account;

        @Option(names = "--json", description = "Prints one JSON object per period.")
        private boolean json;

        PrintWriter out() {
            return spec.commandLine().getOut();
        }

        boolean json() {
            return json;
        }

        @Override
        public final Integer call() {
            try (Books books = Books.open(options)) {
                keep(books, new Periods(books.database()));
                return ExitStatus.OK;
            }
        }

        abstract void keep(Books books, Periods periods);

        /// The periods of the ledger that the command line names.
        List<PeriodStatus> named(Books books, Periods periods, @Nullable Period period) {
            return periods.status().stream()
                    .filter(status ->
                            period == null || status.totals().of().period().equals(period))
                    .filter(status ->
                            account == null || status.totals().of().account().equals(books.account(account)))
                    .toList();
        }

        /// The same, at least one.
        List<PeriodStatus> required(Books books, Periods periods, Period period) {
            List<PeriodStatus> named = named(books, periods, period);
            if (named.isEmpty()) {
                throw new Problem(
                        "the ledger holds nothing in %s%s"
                                .formatted(period, account == null ? "" : " of account " + account),
                        "see openlora period status");
            }
            return named;
        }
    }

    @Command(name = "status", description = "Shows which periods are open, softly closed and closed.")
    static final class Status extends Bookkeeping {
        private static final String ROW = "%-8s %-15s %-7s %9s %7s %20s %20s %s%n";

        @Parameters(
                paramLabel = "YYYY-MM",
                arity = "0..1",
                converter = Converters.Months.class,
                description = "A month; all without.")
        private @Nullable Period period;

        @Override
        void keep(Books books, Periods periods) {
            List<PeriodStatus> named = named(books, periods, period);
            if (json()) {
                named.forEach(status -> out().println(node(status)));
                return;
            }
            out().printf(ROW, "PERIOD", "ACCOUNT", "STATE", "RECEIPTS", "LATE", "NET", "CREDITS", "CLOSED BY");
            for (PeriodStatus status : named) {
                PeriodTotals totals = status.totals();
                out().printf(
                                ROW,
                                totals.of().period(),
                                books.shortName(totals.of().account()),
                                status.state().label(),
                                totals.receipts(),
                                totals.adjustments(),
                                Pico.text(totals.netPico()),
                                Pico.text(totals.creditPico()),
                                remark(status));
            }
        }

        private static String remark(PeriodStatus status) {
            return status.mark()
                    .map(mark -> mark.actor()
                            + (status.hasChanged() ? ", changed since" : "")
                            + mark.reopenActor()
                                    .map(actor -> ", " + actor + " asks to reopen it")
                                    .orElse(""))
                    .orElse("-");
        }

        private static ObjectNode node(PeriodStatus status) {
            ObjectNode node = JSON.createObjectNode()
                    .put("state", status.state().label())
                    .put("changed", status.hasChanged())
                    .put("totalsHash", Sha256.text(status.totals().hash()));
            status.mark().map(PeriodMark::actor).ifPresent(actor -> node.put("actor", actor));
            node.set("totals", status.totals().toJson());
            return node;
        }
    }

    @Command(
            name = "close",
            description = {
                "Pins what a month holds. Refused while reconciliation finds a break, a request of the month waits for",
                "its receipt, a receipt for its batch or a batch for the chain, and before the month is over."
            })
    static final class Close extends Bookkeeping {
        @Parameters(paramLabel = "YYYY-MM", converter = Converters.Months.class, description = "The month.")
        private @Nullable Period period;

        @Option(names = "--actor", paramLabel = "NAME", required = true, description = "Who closes it.")
        private String actor = "";

        @Option(names = "--reason", paramLabel = "TEXT", description = "Why; needed to force it.")
        private String reason = "";

        @Option(names = "--soft", description = "Only marks it as under review; receipts still count in it.")
        private boolean soft;

        @Option(
                names = "--force",
                description = "Closes it in spite of breaks, waiting requests or days to come; logged with the reason.")
        private boolean force;

        @Override
        void keep(Books books, Periods periods) {
            Period month = java.util.Objects.requireNonNull(period);
            if (force && reason.isBlank()) {
                throw new Problem("--force was given without --reason", "say why: it goes into the audit trail");
            }
            CloseRequest request = new CloseRequest(actor, reason, force);
            List<PeriodStatus> open = required(books, periods, month).stream()
                    .filter(status -> status.state() != PeriodState.CLOSED)
                    .toList();
            if (open.isEmpty()) {
                throw new Problem("%s is closed already".formatted(month), "see openlora period status");
            }
            if (soft) {
                for (PeriodStatus status : open) {
                    print(
                            books,
                            "softly closed",
                            periods.closeSoftly(status.totals().of(), request, System.currentTimeMillis()));
                }
                return;
            }
            ReconciliationReport report = books.reconcile();
            report.chainUnchecked()
                    .ifPresent(why -> System.err.println("openlora: closed without asking the chain: " + why));
            for (PeriodStatus status : open) {
                print(
                        books,
                        "closed",
                        periods.close(status.totals().of(), request, report, System.currentTimeMillis()));
            }
        }

        private void print(Books books, String verb, PeriodTotals totals) {
            if (json()) {
                out().println(totals.toJson().put("totalsHash", Sha256.text(totals.hash())));
                return;
            }
            out().printf(
                            "%s %s of %s: %d receipts, %d of them late, net %s%n",
                            verb,
                            totals.of().period(),
                            books.shortName(totals.of().account()),
                            totals.receipts(),
                            totals.adjustments(),
                            Pico.text(totals.netPico()));
            totals.streams().forEach(range -> out().printf(
                            "  batches  %d to %d, receipts %d to %d%n",
                            range.firstBatch(), range.lastBatch(), range.firstSeq(), range.lastSeq()));
            totals.priceBooks().forEach(book -> out().printf("  prices   %s%n", Sha256.text(book)));
            out().printf("  totals   %s%n", Sha256.text(totals.hash()));
        }
    }

    @Command(name = "reopen", description = "Opens a closed month again, once two people ask for it.")
    static final class Reopen extends Bookkeeping {
        @Parameters(paramLabel = "YYYY-MM", converter = Converters.Months.class, description = "The month.")
        private @Nullable Period period;

        @Option(names = "--actor", paramLabel = "NAME", required = true, description = "Who asks.")
        private String actor = "";

        @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why.")
        private String reason = "";

        @Override
        void keep(Books books, Periods periods) {
            Period month = java.util.Objects.requireNonNull(period);
            List<AccountPeriod> closed = required(books, periods, month).stream()
                    .filter(status -> status.state() != PeriodState.OPEN)
                    .map(status -> status.totals().of())
                    .toList();
            if (closed.isEmpty()) {
                throw new Problem("%s is open".formatted(month), "see openlora period status");
            }
            for (AccountPeriod of : closed) {
                boolean open = periods.reopen(of, actor, reason, System.currentTimeMillis());
                String who = books.shortName(of.account());
                if (json()) {
                    out().println(JSON.createObjectNode()
                            .put("period", of.period().toString())
                            .put("account", of.account().toString())
                            .put("open", open));
                } else {
                    out().println(
                                    open
                                            ? "%s of %s is open again".formatted(of.period(), who)
                                            : "%s of %s stays closed until a second person asks for it too"
                                                    .formatted(of.period(), who));
                }
            }
        }
    }
}
