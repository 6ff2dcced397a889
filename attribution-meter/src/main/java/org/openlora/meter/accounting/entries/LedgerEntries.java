package org.openlora.meter.accounting.entries;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.SignedReceipt;

/// Reads all receipts of a database, a page at a time: streams ascending, within a stream by number. Receipts are only
/// ever added, so what is read up to the numbers seen at the beginning is one state of the ledger.
public final class LedgerEntries {
    private static final int PAGE = 1_000;

    private final Database database;
    private final Booking booking;

    /// A run of a stream's receipts.
    ///
    /// @param lastSeq last number there was when this was asked
    public record Extent(Bytes32 stream, long lastSeq) {}

    private LedgerEntries(Database database, Booking booking) {
        this.database = database;
        this.booking = booking;
    }

    /// The receipts, booked by the months that are closed now.
    public static LedgerEntries of(Database database) {
        return new LedgerEntries(database, Booking.load(database));
    }

    /// The streams and how far they go, ascending.
    public List<Extent> extents() {
        return database.query(
                "SELECT stream, max(seq) AS last_seq FROM receipt GROUP BY stream ORDER BY stream",
                row -> new Extent(Database.word(row, "stream"), row.getLong("last_seq")));
    }

    /// Every receipt that is there now.
    public void forEach(Consumer<LedgerEntry> reader) {
        extents().forEach(extent -> forEach(extent, reader));
    }

    /// Every receipt of a stream, up to its extent.
    public void forEach(Extent extent, Consumer<LedgerEntry> reader) {
        long next = 1;
        while (next <= extent.lastSeq()) {
            List<LedgerEntry> page = database.query(
                    "SELECT signed, batch FROM receipt WHERE stream = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT "
                            + PAGE,
                    this::entry,
                    extent.stream(),
                    next,
                    extent.lastSeq());
            if (page.isEmpty()) {
                return;
            }
            page.forEach(reader);
            next = page.getLast().receipt().seq() + 1;
        }
    }

    private LedgerEntry entry(ResultSet row) throws SQLException {
        SignedReceipt signed = SignedReceipt.fromJson(row.getBytes("signed"));
        long batch = row.getLong("batch");
        return new LedgerEntry(
                signed,
                row.wasNull() ? OptionalLong.empty() : OptionalLong.of(batch),
                booking.periodOf(signed.receipt()));
    }
}
