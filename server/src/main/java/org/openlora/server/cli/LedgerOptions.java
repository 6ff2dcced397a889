package org.openlora.server.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.Operator;
import picocli.CommandLine.Option;

/// Options of the commands that work on the ledger, beside a running server or without one.
final class LedgerOptions {
    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "Settings over the defaults, instead of $OPENLORA_HOME/openlora.yaml.")
    private @Nullable Path config;

    /// The settings.
    ServerConfig config(Installation installation) {
        return ConfigLoader.load(installation, config);
    }

    /// The ledger of the settings, to be closed.
    AttachedLedger attach() {
        Installation installation = Environment.installation();
        return attach(installation, config(installation));
    }

    /// The same, where installation and settings are at hand.
    AttachedLedger attach(Installation installation, ServerConfig settings) {
        ReceiptsCommand.requireLedger(installation);
        Operator operator = Operator.load(installation, settings, Environment.variables());
        try {
            return Ledger.attach(LedgerLocation.of(installation.ledger()), operator.identity());
        } catch (LedgerException e) {
            throw new Problem(Problem.describe(e), "check the ledger's folder, or set OPENLORA_HOME", e);
        }
    }
}
