package org.openlora.server.cli;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.accounting.reconciliation.ChainRecord;
import org.openlora.meter.accounting.reconciliation.Operators;
import org.openlora.meter.accounting.reconciliation.Reconciliation;
import org.openlora.meter.accounting.reconciliation.ReconciliationReport;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import org.openlora.server.receipts.ChainLink;
import org.openlora.server.serving.LedgerSettings;
import org.openlora.server.serving.Operator;

/// The ledger as the accountants' commands open it: without owning it, so a server may run beside them.
final class Books implements AutoCloseable {
    private static final String HEX_PREFIX = "0x";

    private final Installation installation;
    private final ServerConfig config;
    private final Operator operator;
    private final LedgerLocation location;
    private final Database database;

    private Books(
            Installation installation,
            ServerConfig config,
            Operator operator,
            LedgerLocation location,
            Database database) {
        this.installation = installation;
        this.config = config;
        this.operator = operator;
        this.location = location;
        this.database = database;
    }

    static Books open(ServerOptions options) {
        Installation installation = Environment.installation();
        ServerConfig config = options.load(installation);
        LedgerSettings.requireLedger(installation, config);
        Map<String, String> environment = Environment.variables();
        Operator operator = Operator.load(installation, config, environment);
        LedgerLocation location = LedgerSettings.location(installation, config, environment);
        return new Books(installation, config, operator, location, Database.open(location.database()));
    }

    Database database() {
        return database;
    }

    /// The account of a tenant's name, or of the salted hash itself.
    Bytes32 account(String text) {
        if (text.startsWith(HEX_PREFIX)) {
            try {
                return Bytes32.parse(text);
            } catch (IllegalArgumentException e) {
                throw new Problem(Problem.describe(e), "give a tenant's name or the account of a receipt", e);
            }
        }
        if (config.tenants().stream().noneMatch(tenant -> tenant.name().equals(text))) {
            throw new Problem(
                    "the settings name no tenant %s".formatted(text),
                    "give one of %s, or the account of a receipt"
                            .formatted(config.tenants().stream()
                                    .map(ServerConfig.Tenant::name)
                                    .collect(Collectors.joining(", "))));
        }
        return operator.account(text);
    }

    /// The account where one is named.
    Optional<Bytes32> accountIfGiven(@Nullable String text) {
        return Optional.ofNullable(text).map(this::account);
    }

    /// The tenant that a salted hash stands for.
    Optional<String> name(Bytes32 account) {
        return config.tenants().stream()
                .map(ServerConfig.Tenant::name)
                .filter(name -> operator.account(name).equals(account))
                .findFirst();
    }

    /// The tenant's name, or the beginning of its hash.
    String shortName(Bytes32 account) {
        return name(account).orElse(account.toString().substring(0, 14));
    }

    /// The configured chain, or the local one where it can be started.
    Optional<ChainLink> chain() {
        Map<String, String> environment = Environment.variables();
        return ChainLink.open(config.chain(), installation.chain(), operator, environment, System.err::println);
    }

    /// Reconciles with the chain, or without where there is none.
    ReconciliationReport reconcile() {
        long nowMillis = System.currentTimeMillis();
        Operators operators = new Operators(
                operator.identity().domain(), Set.copyOf(operator.accounts().signers()));
        try (ChainLink link = chain().orElse(null)) {
            Reconciliation reconciliation = link == null
                    ? Reconciliation.withoutChain(database, location.folder(), operators, "no chain could be started")
                    : Reconciliation.withChain(database, location.folder(), operators, ChainRecord.of(link.contract()));
            return reconciliation.run(nowMillis);
        }
    }

    @Override
    public void close() {
        database.close();
    }
}
