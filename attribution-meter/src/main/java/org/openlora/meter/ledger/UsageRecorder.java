package org.openlora.meter.ledger;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.openlora.meter.database.Database;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Receipt;

/// Turns scored rows into receipts. They are numbered and signed before the transaction begins, behind the end of the
/// stream as it is then, so that the database is locked for the writing alone; where the end has moved meanwhile,
/// because a correction was appended or rows have their receipts already, it is done again.
final class UsageRecorder {
    private final Database database;
    private final LedgerIdentity identity;
    private final StreamOwnership ownership;
    private final LedgerStep.Observer observer;
    private final ReceiptListener listener;

    UsageRecorder(
            Database database,
            LedgerIdentity identity,
            StreamOwnership ownership,
            LedgerStep.Observer observer,
            ReceiptListener listener) {
        this.database = database;
        this.identity = identity;
        this.ownership = ownership;
        this.observer = observer;
        this.listener = listener;
    }

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record UsageDraft(ScoredUsage.Priced priced, Bytes32 stream, byte[] attribution, Bytes32 attributionHash)
            implements ReceiptAppender.Draft {
        static UsageDraft of(ScoredUsage.Priced priced, Bytes32 stream) {
            byte[] attribution = priced.attribution().bytes();
            return new UsageDraft(priced, stream, attribution, Sha256.hash(attribution));
        }

        @Override
        public Receipt at(long seq, Bytes32 prevReceipt) {
            return UsageReceipts.receipt(priced, attributionHash, stream, seq, prevReceipt);
        }

        @Override
        public Long usageId() {
            return priced.usage().id();
        }
    }

    void record(List<ScoredUsage> rows, long nowMillis) {
        List<UsageDraft> drafts = rows.stream()
                .filter(ScoredUsage.Priced.class::isInstance)
                .map(row -> UsageDraft.of((ScoredUsage.Priced) row, identity.stream()))
                .toList();
        List<ScoredUsage.Quarantined> aside = rows.stream()
                .filter(ScoredUsage.Quarantined.class::isInstance)
                .map(ScoredUsage.Quarantined.class::cast)
                .toList();
        while (true) {
            StreamEnd end = database.read(connection -> StreamEnd.of(connection, identity.stream()));
            Set<Long> waiting = waiting(drafts);
            List<UsageDraft> open = drafts.stream()
                    .filter(draft -> waiting.contains(draft.usageId()))
                    .toList();
            List<ReceiptAppender.Prepared> receipts = ReceiptAppender.prepare(open, end, identity);
            boolean written = database.write(
                    connection -> write(connection, end, receipts, aside, nowMillis),
                    () -> observer.reached(LedgerStep.RECEIPTS_COMMITTED));
            if (written) {
                return;
            }
        }
    }

    /// Which of the rows have no receipt yet.
    private Set<Long> waiting(List<UsageDraft> drafts) {
        if (drafts.isEmpty()) {
            return Set.of();
        }
        long first = drafts.stream().mapToLong(UsageDraft::usageId).min().getAsLong();
        long last = drafts.stream().mapToLong(UsageDraft::usageId).max().getAsLong();
        return database
                .query(
                        "SELECT id FROM usage WHERE state = 0 AND stream = ? AND id BETWEEN ? AND ?",
                        row -> row.getLong("id"),
                        identity.stream(),
                        first,
                        last)
                .stream()
                .collect(Collectors.toSet());
    }

    /// @return false where the stream has another end than the receipts were made for
    private boolean write(
            Connection connection,
            StreamEnd end,
            List<ReceiptAppender.Prepared> receipts,
            List<ScoredUsage.Quarantined> aside,
            long nowMillis)
            throws SQLException {
        ownership.lock(connection);
        if (!StreamEnd.of(connection, identity.stream()).equals(end)) {
            return false;
        }
        dropTokenIds(connection, receipts);
        ReceiptAppender.write(connection, receipts, nowMillis);
        for (ReceiptAppender.Prepared receipt : receipts) {
            listener.recorded(
                    connection, ((UsageDraft) receipt.draft()).priced().usage(), receipt.signed());
        }
        for (ScoredUsage.Quarantined row : aside) {
            setAside(connection, row);
        }
        observer.reached(LedgerStep.RECEIPTS_BEFORE_COMMIT);
        return true;
    }

    /// Whoever owns the stream is the only one to give these rows receipts, and gives them in transactions that move
    /// its end; a receipt's reference to its row is unique besides.
    private static void dropTokenIds(Connection connection, List<ReceiptAppender.Prepared> receipts)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(
                "UPDATE usage SET state = 1, prompt_ids = NULL, output_ids = NULL WHERE id = ? AND state = 0")) {
            for (ReceiptAppender.Prepared receipt : receipts) {
                Database.bind(statement, receipt.draft().usageId());
                statement.addBatch();
            }
            statement.executeBatch();
        }
    }

    private static void setAside(Connection connection, ScoredUsage.Quarantined row) throws SQLException {
        Database.update(
                connection,
                "UPDATE usage SET state = 2, reason = ? WHERE id = ? AND state = 0",
                row.reason(),
                row.usage().id());
    }
}
