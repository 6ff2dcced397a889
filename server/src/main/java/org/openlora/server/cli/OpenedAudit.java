package org.openlora.server.cli;

import java.time.Duration;
import java.util.List;
import org.openlora.meter.dispute.Disputes;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.server.audit.AuditDesk;
import org.openlora.server.catalog.ModelCatalog;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.OfflineParts;
import org.openlora.server.serving.Operator;
import org.openlora.server.serving.RequestIds;

/// The installation's ledger, opened for an audit or a dispute.
record OpenedAudit(AttachedLedger ledger, Operator operator, ServerConfig config, AuditDesk desk)
        implements AutoCloseable {
    static OpenedAudit open(ServerOptions options, boolean replay) {
        Installation installation = Environment.installation();
        ServerConfig config = options.load(installation);
        Operator operator = Operator.load(installation, config, Environment.variables());
        AttachedLedger ledger = new LedgerOptions().attach(installation, config);
        try {
            OfflineParts parts = new OfflineParts(
                    config,
                    installation,
                    Environment.models(ModelCatalog.shipped()).resolve(config.model()));
            return new OpenedAudit(ledger, operator, config, AuditDesk.open(ledger, operator, parts, replay));
        } catch (RuntimeException e) {
            ledger.close();
            throw e;
        }
    }

    /// The number of a receipt, by that number or by the id of its request.
    long seq(String id) {
        if (id.matches("[0-9]{1,18}")) {
            return Long.parseLong(id);
        }
        List<SignedReceipt> receipts = ledger.queries().receiptsOf(RequestIds.find(operator, tenant(), id));
        if (receipts.isEmpty()) {
            throw new Problem("there is no receipt of request %s".formatted(id), "see openlora receipts list");
        }
        return receipts.getFirst().receipt().seq();
    }

    /// The disputes of this ledger.
    Disputes disputes() {
        return desk.disputes(Duration.ofSeconds(config.metering().inclusionWindowSeconds()));
    }

    private String tenant() {
        return config.tenants().getFirst().name();
    }

    @Override
    public void close() {
        try (ledger) {
            desk.close();
        }
    }
}
