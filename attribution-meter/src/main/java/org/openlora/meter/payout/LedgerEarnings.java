package org.openlora.meter.payout;

import java.math.BigInteger;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.Role;
import org.openlora.meter.receipt.SignedReceipt;

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
        return Database
                .query(
                        connection,
                        "SELECT b.stream, b.number, b.head FROM batch b JOIN journal j"
                                + " ON j.stream = b.stream AND j.landed = b.number",
                        row -> new AnchoredStream(
                                Database.word(row, "stream"), row.getLong("number"), Database.word(row, "head")))
                .stream()
                .sorted(Comparator.comparing(AnchoredStream::stream))
                .toList();
    }

    private record Key(Address payee, Role role, Bytes32 source) implements Comparable<Key> {
        private static final Comparator<Key> ORDER =
                Comparator.comparing(Key::payee).thenComparing(Key::role).thenComparing(Key::source);

        @Override
        public int compareTo(Key other) {
            return ORDER.compare(this, other);
        }
    }

    private static List<EarnedTotal> totals(Connection connection) throws SQLException {
        Map<Key, BigInteger> sums = new TreeMap<>();
        record Sum(Key key, BigInteger pico) {}
        // Payments of all kinds of receipts; what credits take back is taken off twice below.
        for (Sum sum : Database.query(
                connection,
                "SELECT p.payee, p.role, p.source, sum(p.amount / " + HALF + ") AS upper, sum(p.amount % " + HALF
                        + ") AS lower FROM payment p JOIN receipt r ON r.stream = p.stream AND r.seq = p.seq"
                        + " JOIN journal j ON j.stream = r.stream WHERE r.batch <= j.landed"
                        + " GROUP BY p.payee, p.role, p.source",
                row -> new Sum(
                        new Key(
                                Address.of(row.getBytes("payee")),
                                Role.ofCode(row.getInt("role")),
                                Database.word(row, "source")),
                        BigInteger.valueOf(row.getLong("upper"))
                                .multiply(BigInteger.valueOf(HALF))
                                .add(BigInteger.valueOf(row.getLong("lower")))))) {
            sums.merge(sum.key(), sum.pico(), BigInteger::add);
        }
        for (Receipt credit : credits(connection)) {
            for (Payment payment : credit.payments()) {
                BigInteger twice = BigInteger.valueOf(payment.amount()).shiftLeft(1);
                sums.merge(
                        new Key(payment.payee(), payment.role(), payment.source()), twice.negate(), BigInteger::add);
            }
        }
        List<EarnedTotal> totals = new ArrayList<>();
        sums.forEach((key, pico) -> totals.add(new EarnedTotal(key.payee(), key.role(), key.source(), pico)));
        return totals;
    }

    /// Corrections are the receipts that stand for no usage.
    private static List<Receipt> credits(Connection connection) throws SQLException {
        return Database
                .query(
                        connection,
                        "SELECT r.signed FROM receipt r JOIN journal j ON j.stream = r.stream"
                                + " WHERE r.batch <= j.landed AND r.usage_id IS NULL",
                        row -> SignedReceipt.fromJson(row.getBytes("signed")).receipt())
                .stream()
                .filter(receipt -> receipt.kind() == ReceiptKind.CREDIT)
                .toList();
    }
}
