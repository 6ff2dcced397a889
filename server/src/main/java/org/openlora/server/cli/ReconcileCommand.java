package org.openlora.server.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.openlora.meter.accounting.reconciliation.Break;
import org.openlora.meter.accounting.reconciliation.ReconciliationReport;
import org.openlora.meter.exact.Pico;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora reconcile`: holds the ledger against batches, chain and payouts.
@Command(
        name = "reconcile",
        description = {
            "Holds receipts, usage, payments, attribution, price books, batches, their files, the chain and payout",
            "rounds against each other, and names every break."
        })
final class ReconcileCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private ServerOptions options = new ServerOptions();

    @Option(names = "--json", description = "Prints the report as canonical JSON.")
    private boolean json;

    @Override
    public Integer call() {
        try (Books books = Books.open(options)) {
            ReconciliationReport report = books.reconcile();
            if (json) {
                out().println(report.toJson());
            } else {
                print(report);
            }
            if (!report.isClean()) {
                throw new Problem(
                        "%d breaks were found".formatted(report.breakCount()), "see the list above for what to do");
            }
            return report.chainUnchecked().isPresent() ? ExitStatus.NOT_ANCHORED : ExitStatus.OK;
        }
    }

    private void print(ReconciliationReport report) {
        ReconciliationReport.Scope scope = report.scope();
        out().printf("receipts       %d, with %d payments%n", scope.receipts(), scope.payments());
        out().printf("batches        %d, with their files%n", scope.batches());
        out().println("chain          "
                + report.chainUnchecked()
                        .map(why -> "not checked: " + why)
                        .orElse("%d batches in state, %d in events".formatted(scope.batchesOnChain(), scope.events())));
        out().printf("payout rounds  %d%n", scope.payoutRounds());
        out().printf("gross          %s%n", Pico.text(scope.grossPico()));
        out().printf("credits        %s%n", Pico.text(scope.creditPico()));
        out().printf(
                        "under way      %d requests without receipt, %d receipts without batch, %d batches not on the"
                                + " chain%n",
                        report.pending().usage(),
                        report.pending().receipts(),
                        report.pending().batches());
        out().printf("breaks         %d%n", report.breakCount());
        report.breaks().forEach(item -> print(item, report.atMillis()));
    }

    private void print(Break item, long nowMillis) {
        out().printf("%n%s  %s%n", item.kind().label(), item.subject());
        item.subject().requestId().ifPresent(id -> out().printf("  request   %s%n", id));
        out().printf("  expected  %s%n", item.expected());
        out().printf("  found     %s%n", item.found());
        item.sinceMillis().ifPresent(since -> out().printf("  age       %s%n", age(nowMillis - since)));
        out().printf("  to do     %s%n", item.kind().remedy());
    }

    private static String age(long millis) {
        Duration age = Duration.ofMillis(Math.max(0, millis));
        return age.toDays() > 0
                ? "%d days".formatted(age.toDays())
                : age.toHours() > 0 ? "%d hours".formatted(age.toHours()) : "%d minutes".formatted(age.toMinutes());
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
