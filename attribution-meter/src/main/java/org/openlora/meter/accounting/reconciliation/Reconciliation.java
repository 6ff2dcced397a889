package org.openlora.meter.accounting.reconciliation;

import java.math.BigInteger;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.accounting.reconciliation.ReconciliationReport.Pending;
import org.openlora.meter.accounting.reconciliation.ReconciliationReport.Scope;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.AuditTrail;

/// Holds everything in a ledger against everything that should agree with it.
///
/// Reads one state of the database from beginning to end, a page at a time; costs memory for one batch.
public final class Reconciliation {
    private final Database database;
    private final Path folder;
    private final Operators operators;
    private final Optional<ChainRecord> chain;
    private final String whyNoChain;

    private Reconciliation(
            Database database, Path folder, Operators operators, Optional<ChainRecord> chain, String whyNoChain) {
        this.database = database;
        this.folder = folder;
        this.operators = operators;
        this.chain = chain;
        this.whyNoChain = whyNoChain;
    }

    /// Of a ledger, its batch files and a chain.
    ///
    /// @param folder that the batches' URIs are relative to
    public static Reconciliation withChain(Database database, Path folder, Operators operators, ChainRecord chain) {
        return new Reconciliation(database, folder, operators, Optional.of(chain), "");
    }

    /// Of a ledger and its batch files alone.
    ///
    /// @param why there is no chain to ask: a clause for the report
    public static Reconciliation withoutChain(Database database, Path folder, Operators operators, String why) {
        return new Reconciliation(database, folder, operators, Optional.empty(), why);
    }

    /// Runs every check.
    ///
    /// @throws org.openlora.meter.chain.ChainException where the chain does not answer
    public ReconciliationReport run(long nowMillis) {
        return database.read(connection -> run(connection, nowMillis));
    }

    private ReconciliationReport run(Connection connection, long nowMillis) throws SQLException {
        Findings findings = new Findings();
        UsageChecks usage = new UsageChecks(connection, findings, nowMillis);
        usage.doubled();
        ReceiptChecks receipts =
                new ReceiptChecks(operators, new PriceChecks(database, findings), usage::isSecond, findings);
        List<StreamReconciliation> streams = new ArrayList<>();
        for (Bytes32 stream : streams(connection)) {
            StreamReconciliation reconciliation =
                    new StreamReconciliation(connection, folder, stream, receipts, findings, nowMillis);
            reconciliation.run();
            streams.add(reconciliation);
        }
        receipts.finish(connection);
        usage.withoutReceipt(streams);
        Optional<ChainChecks> onChain = Optional.empty();
        if (chain.isPresent()) {
            onChain = Optional.of(new ChainChecks(chain.get(), findings, nowMillis));
            for (StreamReconciliation stream : streams) {
                check(connection, onChain.get(), stream);
            }
        }
        audit(connection, findings);
        long rounds = new PayoutChecks(findings, streams).check(connection);
        return report(nowMillis, findings, usage, streams, onChain, rounds);
    }

    private static void audit(Connection connection, Findings findings) throws SQLException {
        try {
            AuditTrail.verify(connection);
        } catch (LedgerException e) {
            findings.add(
                    BreakKind.AUDIT_BROKEN,
                    Subject.ledger(),
                    "an audit trail whose hashes form one chain",
                    String.valueOf(e.getMessage()));
        }
    }

    private static List<Bytes32> streams(Connection connection) throws SQLException {
        return Database.query(
                connection,
                "SELECT stream FROM receipt UNION SELECT stream FROM batch ORDER BY stream",
                row -> Database.word(row, "stream"));
    }

    private static void check(Connection connection, ChainChecks onChain, StreamReconciliation stream)
            throws SQLException {
        long landed = Database.query(
                        connection,
                        "SELECT landed FROM journal WHERE stream = ?",
                        row -> row.getLong("landed"),
                        stream.stream())
                .stream()
                .findFirst()
                .orElse(0L);
        if (!stream.rebuilt().isEmpty()) {
            Bytes32 operatorId = stream.rebuilt().getFirst().row().operatorId();
            onChain.check(operatorId, stream.stream(), stream.rebuilt(), landed);
        }
    }

    private ReconciliationReport report(
            long nowMillis,
            Findings findings,
            UsageChecks usage,
            List<StreamReconciliation> streams,
            Optional<ChainChecks> onChain,
            long rounds) {
        BigInteger gross = BigInteger.ZERO;
        BigInteger credits = BigInteger.ZERO;
        for (StreamReconciliation stream : streams) {
            gross = gross.add(stream.grossPico());
            credits = credits.add(stream.creditPico());
        }
        return new ReconciliationReport(
                nowMillis,
                new Scope(
                        streams.stream()
                                .mapToLong(StreamReconciliation::receipts)
                                .sum(),
                        streams.stream()
                                .mapToLong(StreamReconciliation::payments)
                                .sum(),
                        streams.stream()
                                .mapToLong(stream -> stream.rebuilt().size())
                                .sum(),
                        onChain.map(ChainChecks::batchesOnChain).orElse(0L),
                        onChain.map(ChainChecks::events).orElse(0L),
                        rounds,
                        gross,
                        credits),
                new Pending(
                        usage.pending(),
                        streams.stream()
                                .mapToLong(StreamReconciliation::pendingReceipts)
                                .sum(),
                        onChain.map(ChainChecks::pending).orElse(0L)),
                chain.isPresent() ? Optional.empty() : Optional.of(whyNoChain),
                findings.breaks(),
                findings.counts());
    }
}
