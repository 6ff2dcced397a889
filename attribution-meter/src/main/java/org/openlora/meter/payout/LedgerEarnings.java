package org.openlora.meter.payout;

import java.math.BigInteger;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Comparator;
import java.util.List;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Address;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.Role;

/// Reads a ledger's earnings: of every stream in it, the receipts of the batches that have landed on the chain, so that
/// whoever has those batch files gets the same sums.
public final class LedgerEarnings {
    /// Sums in two halves, for a sum of amounts need not fit 64 bits.
    private static final long HALF = 1_000_000_000;

    private final Database database;

    public LedgerEarnings(Database database) {
        this.database = database;
    }

    /// All that has landed, in one snapshot.
    public Earnings read() {
        return database.read(connection -> new Earnings(streams(connection), totals(connection)));
    }

    private static List<AnchoredStream> streams(Connection connection) throws SQLException {
        return Database.query(
                        connection,
                        "SELECT b.stream, b.number, b.head FROM batch b JOIN journal j"
                                + " ON j.stream = b.stream AND j.landed = b.number",
                        row -> new AnchoredStream(
                                Database.word(row, "stream"), row.getLong("number"), Database.word(row, "head")))
                .stream()
                .sorted(Comparator.comparing(AnchoredStream::stream))
                .toList();
    }

    /// Credits take off what receipts of the other kinds add.
    private static List<EarnedTotal> totals(Connection connection) throws SQLException {
        return Database.query(
                        connection,
                        "SELECT p.payee, p.role, p.source,"
                                + " sum(CASE r.kind WHEN ? THEN -(p.amount / " + HALF + ") ELSE p.amount / " + HALF
                                + " END) AS upper,"
                                + " sum(CASE r.kind WHEN ? THEN -(p.amount % " + HALF + ") ELSE p.amount % " + HALF
                                + " END) AS lower"
                                + " FROM payment p JOIN receipt r ON r.stream = p.stream AND r.seq = p.seq"
                                + " JOIN journal j ON j.stream = r.stream WHERE r.batch <= j.landed"
                                + " GROUP BY p.payee, p.role, p.source",
                        row -> new EarnedTotal(
                                Address.of(row.getBytes("payee")),
                                Role.ofCode(row.getInt("role")),
                                Database.word(row, "source"),
                                BigInteger.valueOf(row.getLong("upper"))
                                        .multiply(BigInteger.valueOf(HALF))
                                        .add(BigInteger.valueOf(row.getLong("lower")))),
                        ReceiptKind.CREDIT.code(),
                        ReceiptKind.CREDIT.code())
                .stream()
                .sorted(Comparator.comparing(EarnedTotal::payee)
                        .thenComparing(EarnedTotal::role)
                        .thenComparing(EarnedTotal::source))
                .toList();
    }
}
