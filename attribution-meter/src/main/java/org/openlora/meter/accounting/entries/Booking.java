package org.openlora.meter.accounting.entries;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Receipt;

/// Which period a receipt counts in. Closing a month pins, per stream, the last receipt that it holds; a receipt of
/// that month with a greater number came too late and counts in the next month that does not exclude it: a prior-period
/// adjustment. That is a function of the closed months alone, so it needs no mark on the receipt.
public final class Booking {
    private final Map<Month, Map<Bytes32, Long>> cutoffs = new HashMap<>();

    private record Month(Bytes32 account, Period period) {}

    private record Cutoff(Month month, Bytes32 stream, long lastSeq) {}

    private Booking() {}

    /// The months that are closed now.
    public static Booking load(Database database) {
        Booking booking = new Booking();
        database.read(connection -> {
            for (Month month : Database.query(
                    connection,
                    "SELECT account, period FROM accounting_period WHERE state = " + PeriodState.CLOSED.code(),
                    row -> new Month(Database.word(row, "account"), Period.parse(row.getString("period"))))) {
                booking.cutoffs.put(month, new HashMap<>());
            }
            for (Cutoff cutoff : Database.query(
                    connection,
                    "SELECT account, period, stream, last_seq FROM accounting_cutoff",
                    row -> new Cutoff(
                            new Month(Database.word(row, "account"), Period.parse(row.getString("period"))),
                            Database.word(row, "stream"),
                            row.getLong("last_seq")))) {
                Optional.ofNullable(booking.cutoffs.get(cutoff.month()))
                        .ifPresent(streams -> streams.put(cutoff.stream(), cutoff.lastSeq()));
            }
            return booking;
        });
        return booking;
    }

    /// The period that a receipt counts in.
    public Period periodOf(Receipt receipt) {
        Period period = Period.of(receipt.servedTo());
        while (excludes(receipt, period)) {
            period = period.next();
        }
        return period;
    }

    private boolean excludes(Receipt receipt, Period period) {
        Map<Bytes32, Long> closed = cutoffs.get(new Month(receipt.account(), period));
        return closed != null && receipt.seq() > closed.getOrDefault(receipt.stream(), 0L);
    }
}
