package org.openlora.meter.accounting.reconciliation;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Bytes32;

/// Holds usage against receipts: each request has one, in time.
final class UsageChecks {
    private final Connection connection;
    private final Findings findings;
    private final long nowMillis;
    private final Set<Bytes32> seconds = new HashSet<>();
    private long pending;

    private record Unbilled(Bytes32 requestId, long includeByMillis) {}

    private record Billed(Bytes32 stream, long seq, Bytes32 structHash, boolean hasUsage) {}

    private record Waiting(Bytes32 requestId, long includeByMillis, String state) {}

    UsageChecks(Connection connection, Findings findings, long nowMillis) {
        this.connection = connection;
        this.findings = findings;
        this.nowMillis = nowMillis;
    }

    /// Finds requests with more receipts than usage rows. Two sources may use one request id, each with a row
    /// of its own.
    void doubled() throws SQLException {
        for (Bytes32 requestId : Database.query(
                connection,
                "SELECT request_id FROM receipt GROUP BY request_id HAVING count(*) > 1 AND count(*) > count(usage_id)"
                        + " ORDER BY request_id",
                row -> Database.word(row, "request_id"))) {
            List<Billed> receipts = Database.query(
                    connection,
                    "SELECT stream, seq, struct_hash, usage_id FROM receipt WHERE request_id = ?"
                            + " ORDER BY CASE WHEN usage_id IS NULL THEN 1 ELSE 0 END, stream, seq",
                    row -> new Billed(
                            Database.word(row, "stream"),
                            row.getLong("seq"),
                            Database.word(row, "struct_hash"),
                            row.getObject("usage_id") != null),
                    requestId);
            Billed first = receipts.getFirst();
            for (Billed second : receipts.subList(1, receipts.size())) {
                if (!second.hasUsage()) {
                    seconds.add(second.structHash());
                    findings.add(
                            BreakKind.RECEIPT_DOUBLED,
                            Subject.receipt(second.stream(), second.seq(), requestId),
                            "one receipt for the request, which is receipt " + first.seq(),
                            "a further one without usage of its own");
                }
            }
        }
    }

    /// Whether the receipt of this hash bills a request that another one bills.
    boolean isSecond(Bytes32 structHash) {
        return seconds.contains(structHash);
    }

    /// Finds usage that was billed by a receipt that is gone, numbers without a receipt, and usage that is late.
    void withoutReceipt(List<StreamReconciliation> streams) throws SQLException {
        // Receipts are made in the order of usage, so the first number without a receipt is the first such request's.
        Deque<Unbilled> unbilled = new ArrayDeque<>(Database.query(
                connection,
                "SELECT u.request_id, u.include_by FROM usage u WHERE u.state = 1"
                        + " AND NOT EXISTS (SELECT 1 FROM receipt r WHERE r.usage_id = u.id) ORDER BY u.id",
                row -> new Unbilled(Database.word(row, "request_id"), row.getLong("include_by"))));
        for (StreamReconciliation stream : streams) {
            for (StreamReconciliation.Gap gap : stream.gaps()) {
                missing(stream.stream(), gap, unbilled);
            }
        }
        for (Unbilled request : unbilled) {
            findings.add(
                    BreakKind.RECEIPT_MISSING,
                    Subject.request(request.requestId()),
                    "the receipt that its usage row says it has",
                    "none",
                    request.includeByMillis());
        }
        overdue();
    }

    private void missing(Bytes32 stream, StreamReconciliation.Gap gap, Deque<Unbilled> unbilled) {
        for (long seq = gap.first(); seq <= gap.last(); seq++) {
            Unbilled request = unbilled.poll();
            if (request == null) {
                findings.add(
                        BreakKind.RECEIPT_MISSING,
                        Subject.receipt(stream, seq),
                        gap.last() == seq ? "a receipt" : "receipts " + seq + " to " + gap.last(),
                        "none");
                return;
            }
            findings.add(
                    BreakKind.RECEIPT_MISSING,
                    Subject.receipt(stream, seq, request.requestId()),
                    "the receipt of request " + request.requestId(),
                    "none",
                    request.includeByMillis());
        }
    }

    private void overdue() throws SQLException {
        for (Waiting row : Database.query(
                connection,
                "SELECT request_id, include_by, state, reason FROM usage WHERE state <> 1 ORDER BY id",
                row -> new Waiting(
                        Database.word(row, "request_id"),
                        row.getLong("include_by"),
                        row.getInt("state") == 2
                                ? "none: it is quarantined, " + row.getString("reason")
                                : "none: it waits to be scored"))) {
            if (row.includeByMillis() < nowMillis) {
                findings.add(
                        BreakKind.RECEIPT_OVERDUE,
                        Subject.request(row.requestId()),
                        "a receipt by the time that its acknowledgement promises",
                        row.state(),
                        row.includeByMillis());
            } else {
                pending++;
            }
        }
    }

    /// Requests that wait and are not late.
    long pending() {
        return pending;
    }
}
