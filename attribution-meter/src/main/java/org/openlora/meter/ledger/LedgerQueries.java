package org.openlora.meter.ledger;

import java.math.BigInteger;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.Role;
import org.openlora.meter.receipt.SignedReceipt;

/// Reads a ledger: receipts of its stream, their attribution, totals per payee, what was quarantined and audited.
public final class LedgerQueries {
    /// Sums in two halves, for a sum of amounts need not fit 64 bits.
    private static final long HALF = 1_000_000_000;

    private final Database database;
    private final Bytes32 stream;

    LedgerQueries(Database database, Bytes32 stream) {
        this.database = database;
        this.stream = stream;
    }

    /// Receipts from a sequence number on, ascending.
    public List<SignedReceipt> receipts(long fromSeq, int most) {
        return database.query(
                "SELECT signed FROM receipt WHERE stream = ? AND seq >= ? ORDER BY seq LIMIT ?",
                LedgerQueries::signed,
                stream,
                fromSeq,
                most);
    }

    public Optional<SignedReceipt> receipt(long seq) {
        return receipts(seq, 1).stream()
                .filter(signed -> signed.receipt().seq() == seq)
                .findFirst();
    }

    /// The struct hashes of a run of receipts, ascending by sequence number.
    List<Bytes32> structHashes(long fromSeq, long toSeq) {
        return database.query(
                "SELECT struct_hash FROM receipt WHERE stream = ? AND seq BETWEEN ? AND ? ORDER BY seq",
                row -> Database.word(row, "struct_hash"),
                stream,
                fromSeq,
                toSeq);
    }

    /// The receipts of a request: its usage, and corrections that carry its id.
    public List<SignedReceipt> receiptsOf(Bytes32 requestId) {
        return database.query(
                "SELECT signed FROM receipt WHERE stream = ? AND request_id = ? ORDER BY seq",
                LedgerQueries::signed,
                stream,
                requestId);
    }

    /// The receipt of any stream that has this struct hash.
    public Optional<SignedReceipt> byHash(Bytes32 structHash) {
        return database.read(connection -> byHash(connection, structHash));
    }

    static Optional<SignedReceipt> byHash(Connection connection, Bytes32 structHash) throws SQLException {
        return Database.query(
                        connection,
                        "SELECT signed FROM receipt WHERE struct_hash = ?",
                        LedgerQueries::signed,
                        structHash)
                .stream()
                .findFirst();
    }

    /// The credits and debits of a usage receipt, in all streams.
    public List<SignedReceipt> correctionsOf(Bytes32 structHash) {
        return database.query(
                "SELECT signed FROM receipt WHERE ref = ? ORDER BY recorded_at, stream, seq",
                LedgerQueries::signed,
                structHash);
    }

    /// What each payee has of a usage receipt after its corrections, in the order of payments; zeros included.
    public List<Payment> paymentsLeft(Bytes32 structHash) {
        return database.read(connection -> Corrections.left(connection, structHash));
    }

    /// The per-token record of a receipt; empty where there is no such receipt, or it is a correction.
    public Optional<AttributionRecord> attribution(long seq) {
        return database
                .query(
                        "SELECT attribution FROM receipt WHERE stream = ? AND seq = ? AND kind = 1",
                        row -> AttributionRecord.ofBytes(row.getBytes("attribution")),
                        stream,
                        seq)
                .stream()
                .findFirst();
    }

    /// The number of the last receipt; 0 for none.
    public long lastSeq() {
        return database.query(
                        "SELECT coalesce(max(seq), 0) AS seq FROM receipt WHERE stream = ?",
                        row -> row.getLong("seq"),
                        stream)
                .getFirst();
    }

    /// What everyone earned, by payee, role and source: usage and debits less credits.
    public List<PayeeTotal> totals() {
        String signed = "CASE receipt.kind WHEN 2 THEN -payment.amount ELSE payment.amount END";
        return database.query(
                "SELECT payee, role, source, sum((" + signed + ") / " + HALF + ") AS upper, sum((" + signed + ") % "
                        + HALF + ") AS lower, count(*) AS receipts FROM payment JOIN receipt"
                        + " ON receipt.stream = payment.stream AND receipt.seq = payment.seq"
                        + " WHERE payment.stream = ? GROUP BY payee, role, source ORDER BY payee, role, source",
                row -> new PayeeTotal(
                        Address.of(row.getBytes("payee")),
                        Role.ofCode(row.getInt("role")),
                        Database.word(row, "source"),
                        BigInteger.valueOf(row.getLong("upper"))
                                .multiply(BigInteger.valueOf(HALF))
                                .add(BigInteger.valueOf(row.getLong("lower"))),
                        row.getLong("receipts")),
                stream);
    }

    /// Rows that could not be scored, with the reasons.
    public List<QuarantinedUsage> quarantined() {
        return database.read(connection -> quarantined(connection, stream));
    }

    static List<QuarantinedUsage> quarantined(Connection connection, Bytes32 stream) throws SQLException {
        return Database.query(
                connection,
                "SELECT id, source, request_id, reason FROM usage WHERE state = 2 AND stream = ? ORDER BY id",
                row -> new QuarantinedUsage(
                        row.getLong("id"),
                        row.getString("source"),
                        Database.word(row, "request_id"),
                        row.getString("reason")),
                stream);
    }

    /// The audit trail of all streams, oldest first.
    public List<AuditEntry> audit() {
        return database.read(AuditTrail::entries);
    }

    /// Checks that the audit trail is a whole chain of hashes.
    ///
    /// @return how many entries there are
    /// @throws LedgerException naming the first entry that is wrong
    public long verifyAudit() {
        return database.read(AuditTrail::verify);
    }

    /// The batch that holds a receipt; empty while it is in none.
    public Optional<Long> batchOf(long seq) {
        return database
                .query(
                        "SELECT batch FROM receipt WHERE stream = ? AND seq = ? AND batch IS NOT NULL",
                        row -> row.getLong("batch"),
                        stream,
                        seq)
                .stream()
                .findFirst();
    }

    /// Checks every receipt of the stream: numbered without gaps, linked to the one before, signed by the
    /// operator.
    ///
    /// @return how many receipts there are
    /// @throws LedgerException naming the first receipt that is wrong
    public long verify(Address operator) {
        return verify(List.of(operator));
    }

    /// The same for an operator whose key was rotated.
    ///
    /// @param signers every account that signed for it
    public long verify(Collection<Address> signers) {
        final int page = 1_000;
        long seq = 0;
        Bytes32 previous = Bytes32.ZERO;
        for (List<SignedReceipt> receipts = receipts(1, page);
                !receipts.isEmpty();
                receipts = receipts(seq + 1, page)) {
            for (SignedReceipt signed : receipts) {
                seq++;
                if (signed.receipt().seq() != seq) {
                    throw new LedgerException(Reason.DAMAGED, "receipt " + seq + " is missing");
                }
                if (!signed.receipt().prevReceipt().equals(previous)) {
                    throw new LedgerException(Reason.DAMAGED, "receipt " + seq + " does not link to the one before it");
                }
                if (signers.stream().noneMatch(signed::isSignedBy)) {
                    throw new LedgerException(Reason.DAMAGED, "receipt " + seq + " is not signed by " + signers);
                }
                previous = ReceiptCodec.structHash(signed.receipt());
            }
        }
        return seq;
    }

    /// The numbers of all sealed batches, ascending.
    public List<Long> batchNumbers() {
        return database.query(
                "SELECT number FROM batch WHERE stream = ? ORDER BY number", row -> row.getLong("number"), stream);
    }

    static SignedReceipt signed(ResultSet row) throws SQLException {
        return SignedReceipt.fromJson(row.getBytes("signed"));
    }
}
