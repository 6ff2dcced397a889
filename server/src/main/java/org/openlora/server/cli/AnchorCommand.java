package org.openlora.server.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import org.openlora.server.receipts.Anchoring;
import org.openlora.server.receipts.ChainLink;
import org.openlora.server.receipts.LedgerView;
import org.openlora.server.receipts.Settlement;
import org.openlora.server.serving.LedgerSettings;
import org.openlora.server.serving.Operator;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `openlora receipts anchor`: what a running server does by itself, for the ledger of one that is not running.
@Command(name = "anchor", description = "Seals the receipts on disk and brings every sealed batch to the chain.")
final class AnchorCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private ServerOptions options = new ServerOptions();

    @Override
    public Integer call() {
        Installation installation = Environment.installation();
        ServerConfig config = options.load(installation);
        LedgerSettings.requireLedger(installation, config);
        Map<String, String> environment = Environment.variables();
        Operator operator = Operator.load(installation, config, environment);
        try (Ledger ledger = open(installation, config, environment, operator)) {
            LedgerView view = LedgerView.of(ledger);
            Settlement settlement = new Settlement(view);
            seal(ledger, settlement);
            OptionalLong waiting = settlement.unanchored();
            if (waiting.isEmpty()) {
                out().printf("nothing waits: %d batches are on the chain%n", settlement.landed());
                return ExitStatus.OK;
            }
            Optional<ChainLink> opened =
                    ChainLink.open(config.chain(), installation.chain(), operator, environment, System.err::println);
            if (opened.isEmpty()) {
                out().printf("not anchored: no chain could be started; batch %d waits%n", waiting.getAsLong());
                return ExitStatus.NOT_ANCHORED;
            }
            try (ChainLink link = opened.get()) {
                anchor(config, new Anchoring(view, operator, link), link, settlement.landed(), waiting.getAsLong());
            }
            return ExitStatus.OK;
        }
    }

    private static Ledger open(
            Installation installation, ServerConfig config, Map<String, String> environment, Operator operator) {
        try {
            return Ledger.open(LedgerSettings.location(installation, config, environment), operator.identity());
        } catch (LedgerException e) {
            int seconds = config.metering().settleIntervalSeconds();
            throw new Problem(
                    Problem.describe(e),
                    seconds == 0
                            ? "end the server that has it open first"
                            : "a running server seals and anchors by itself, every %d s".formatted(seconds),
                    e);
        }
    }

    private void seal(Ledger ledger, Settlement settlement) {
        for (SealedBatch batch : settlement.seal()) {
            out().printf(
                            "sealed       %d receipts in batch %d, root %s%n",
                            batch.header().count(),
                            batch.header().number(),
                            batch.header().root());
        }
        long unscored = ledger.waitingCount(Long.MAX_VALUE);
        if (unscored > 0) {
            out().printf("not scored   %d requests; the next server on this ledger scores them%n", unscored);
        }
    }

    private void anchor(ServerConfig config, Anchoring anchoring, ChainLink link, long landed, long last) {
        Optional<Bytes32> transaction =
                anchoring.anchor(last, Duration.ofSeconds(config.chain().landingLimitSeconds()));
        out().printf(
                        "anchored     batches %d to %d on chain %d, in contract %s%n",
                        landed + 1,
                        last,
                        link.contract().chainId(),
                        link.contract().address());
        out().println("transaction  " + transaction.map(Bytes32::toString).orElse("sent by another process"));
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
