package org.openlora.meter.audit;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.openlora.meter.audit.AuditSample.Candidate;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.SignedReceipt;

/// What a ledger keeps of the receipts of one stream, for whoever checks them.
public final class AuditRecords {
    private static final String RECORDED =
            "SELECT r.signed, r.struct_hash, r.attribution, u.body, u.body_hash, u.include_by FROM receipt r"
                    + " LEFT JOIN usage u ON u.id = r.usage_id WHERE r.stream = ? AND ";

    private final Database database;
    private final Bytes32 stream;

    public AuditRecords(Database database, Bytes32 stream) {
        this.database = database;
        this.stream = stream;
    }

    Optional<RecordedReceipt> find(long seq) {
        return database.query(RECORDED + "r.seq = ?", AuditRecords::recorded, stream, seq).stream()
                .findFirst();
    }

    RecordedReceipt require(long seq) {
        return find(seq).orElseThrow(() -> new NoSuchElementException("the ledger has no receipt " + seq));
    }

    private static RecordedReceipt recorded(ResultSet row) throws SQLException {
        String body = row.getString("body");
        byte[] attribution = row.getBytes("attribution");
        return new RecordedReceipt(
                SignedReceipt.fromJson(row.getBytes("signed")),
                Database.word(row, "struct_hash"),
                attribution == null ? new byte[0] : attribution,
                body == null
                        ? null
                        : new RecordedReceipt.Usage(body, Database.word(row, "body_hash"), row.getLong("include_by")));
    }

    /// Number of the receipt with this struct hash.
    public Optional<Long> seqOf(Bytes32 structHash) {
        return database
                .query(
                        "SELECT seq FROM receipt WHERE stream = ? AND struct_hash = ?",
                        row -> row.getLong("seq"),
                        stream,
                        structHash)
                .stream()
                .findFirst();
    }

    /// The receipts from a number on, for a sample to be chosen of.
    public List<Candidate> candidates(long fromSeq) {
        return database.query(
                "SELECT seq, struct_hash FROM receipt WHERE stream = ? AND seq >= ? ORDER BY seq",
                row -> new Candidate(row.getLong("seq"), Database.word(row, "struct_hash")),
                stream,
                fromSeq);
    }

    /// The number of the first receipt that was served at this time or later; one beyond the last where there is none.
    ///
    /// Receipts stand in the order in which their rows were committed, so those behind it may be a little older.
    public long firstSince(long millis, long lastSeq) {
        long low = 1;
        long high = lastSeq + 1;
        while (low < high) {
            long middle = (low + high) >>> 1;
            boolean since = find(middle)
                    .map(recorded -> recorded.signed().receipt().servedTo() >= millis)
                    .orElse(false);
            if (since) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }
}
