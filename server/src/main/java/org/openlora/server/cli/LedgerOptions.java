package org.openlora.server.cli;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.Ledger;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.LedgerSettings;
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
        LedgerSettings.requireLedger(installation, settings);
        Map<String, String> environment = Environment.variables();
        Operator operator = Operator.load(installation, settings, environment);
        try {
            return Ledger.attach(LedgerSettings.location(installation, settings, environment), operator.identity());
        } catch (LedgerException e) {
            throw new Problem(Problem.describe(e), "check the ledger's folder, or set OPENLORA_HOME", e);
        }
    }
}
