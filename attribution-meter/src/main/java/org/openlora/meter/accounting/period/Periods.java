package org.openlora.meter.accounting.period;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.openlora.meter.accounting.entries.AccountingException;
import org.openlora.meter.accounting.entries.LedgerEntries;
import org.openlora.meter.accounting.entries.LedgerEntries.Extent;
import org.openlora.meter.accounting.entries.Period;
import org.openlora.meter.accounting.entries.PeriodState;
import org.openlora.meter.accounting.reconciliation.ReconciliationReport;
import org.openlora.meter.database.Database;
import org.openlora.meter.ledger.AuditEvent;
import org.openlora.meter.ledger.AuditTrail;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.UsageCodec;
import org.openlora.meter.usage.UsageRow;

/// Opens and closes months of accounts. Closing pins what a month holds, up to the last receipt that the ledger
/// had then; it is refused while anything in the ledger does not agree with the rest. Months are closed in
/// order and reopened in reverse order, and reopening takes two people. Everything goes into the
/// administrators' log in the same transaction.
public final class Periods {
    private final Database database;

    public Periods(Database database) {
        this.database = database;
    }

    /// A reading of all receipts.
    private record Reading(List<Extent> extents, SortedMap<AccountPeriod, PeriodTotals> totals) {}

    /// Every period that holds a receipt or was closed, ascending by month and account.
    public List<PeriodStatus> status() {
        SortedMap<AccountPeriod, PeriodTotals> totals = read().totals();
        for (PeriodMark mark : marks()) {
            totals.computeIfAbsent(mark.of(), of -> new PeriodTally(of).totals());
        }
        List<PeriodStatus> periods = new ArrayList<>();
        totals.forEach((of, held) -> periods.add(new PeriodStatus(held, mark(of))));
        return periods;
    }

    private Reading read() {
        LedgerEntries entries = LedgerEntries.of(database);
        List<Extent> extents = entries.extents();
        SortedMap<AccountPeriod, PeriodTally> tallies = new TreeMap<>();
        for (Extent extent : extents) {
            entries.forEach(extent, entry -> tallies.computeIfAbsent(
                            new AccountPeriod(entry.receipt().account(), entry.booked()), PeriodTally::new)
                    .add(entry));
        }
        SortedMap<AccountPeriod, PeriodTotals> totals = new TreeMap<>();
        tallies.forEach((of, tally) -> totals.put(of, tally.totals()));
        return new Reading(extents, totals);
    }

    /// Marks a month as under review. Receipts still count in it as they come.
    ///
    /// @throws AccountingException where it is closed
    public PeriodTotals closeSoftly(AccountPeriod of, CloseRequest request, long nowMillis) {
        Reading reading = read();
        requireOpen(of);
        PeriodTotals totals = totals(reading, of);
        database.write(connection -> {
            mark(connection, PeriodState.SOFT, totals, request, nowMillis);
            log(
                    connection,
                    nowMillis,
                    "period-soft",
                    request.actor(),
                    of,
                    request.reason(),
                    PeriodState.OPEN,
                    PeriodState.SOFT);
            return totals;
        });
        return totals;
    }

    /// Closes a month.
    ///
    /// @param report of a reconciliation just made
    /// @throws AccountingException where something stands against it
    public PeriodTotals close(AccountPeriod of, CloseRequest request, ReconciliationReport report, long nowMillis) {
        Reading reading = read();
        PeriodState before = requireOpen(of);
        PeriodTotals totals = totals(reading, of);
        requireEarlierClosed(reading, of);
        if (totals.unsealed() > 0) {
            throw new AccountingException(of.period() + " holds " + totals.unsealed()
                    + " receipts that stand in no batch: run openlora receipts anchor first");
        }
        if (!request.forced()) {
            requireOver(of, nowMillis);
            requireClean(of, report);
        }
        database.write(connection -> {
            mark(connection, PeriodState.CLOSED, totals, request, nowMillis);
            for (Extent extent : reading.extents()) {
                Database.update(
                        connection,
                        "INSERT INTO accounting_cutoff (account, period, stream, last_seq) VALUES (?, ?, ?, ?)",
                        of.account(),
                        of.period().toString(),
                        extent.stream(),
                        extent.lastSeq());
            }
            log(
                    connection,
                    nowMillis,
                    request.forced() ? "period-close-forced" : "period-close",
                    request.actor(),
                    of,
                    "%s; %d breaks; chain %s; totals %s"
                            .formatted(
                                    request.reason(),
                                    report.breakCount(),
                                    report.chainUnchecked()
                                            .map(why -> "not checked: " + why)
                                            .orElse("checked"),
                                    totals.hash()),
                    before,
                    PeriodState.CLOSED);
            return totals;
        });
        return totals;
    }

    /// Opens a month again: at once where it was only closed softly, else once a second person asks for it.
    ///
    /// @return whether it is open now
    /// @throws AccountingException where it is open, a later one is closed, or the same person asks twice
    public boolean reopen(AccountPeriod of, String actor, String reason, long nowMillis) {
        if (actor.isBlank() || reason.isBlank()) {
            throw new IllegalArgumentException("reopening a period needs an actor and a reason");
        }
        return database.write(connection -> {
            PeriodMark mark = marks(connection).stream()
                    .filter(candidate -> candidate.of().equals(of))
                    .findFirst()
                    .orElseThrow(() -> new AccountingException(of + " is open"));
            if (mark.state() == PeriodState.CLOSED) {
                requireLaterOpen(connection, of);
                if (mark.reopenActor().isEmpty()) {
                    Database.update(
                            connection,
                            "UPDATE accounting_period SET reopen_actor = ?, reopen_reason = ?"
                                    + " WHERE account = ? AND period = ?",
                            actor,
                            reason,
                            of.account(),
                            of.period().toString());
                    log(connection, nowMillis, "period-reopen-asked", actor, of, reason, mark.state(), mark.state());
                    return false;
                }
                if (mark.reopenActor().get().equals(actor)) {
                    throw new AccountingException(
                            actor + " asked to reopen " + of.period() + " already: a second person must agree");
                }
            }
            delete(connection, "accounting_cutoff", of);
            delete(connection, "accounting_period", of);
            log(
                    connection,
                    nowMillis,
                    "period-reopen",
                    actor,
                    of,
                    reason + "; totals were " + mark.totalsHash()
                            + mark.reopenActor()
                                    .map(first -> "; asked for by " + first)
                                    .orElse(""),
                    mark.state(),
                    PeriodState.OPEN);
            return true;
        });
    }

    private static void delete(Connection connection, String table, AccountPeriod of) throws SQLException {
        Database.update(
                connection,
                "DELETE FROM " + table + " WHERE account = ? AND period = ?",
                of.account(),
                of.period().toString());
    }

    private static PeriodTotals totals(Reading reading, AccountPeriod of) {
        PeriodTotals totals = reading.totals().get(of);
        if (totals == null) {
            throw new AccountingException("there is no receipt in " + of);
        }
        return totals;
    }

    /// @return open or soft
    private PeriodState requireOpen(AccountPeriod of) {
        Optional<PeriodMark> present = mark(of);
        present.filter(mark -> mark.state() == PeriodState.CLOSED).ifPresent(mark -> {
            throw new AccountingException(
                    of + " was closed by " + mark.actor() + " at " + Instant.ofEpochMilli(mark.atMillis()));
        });
        return present.map(PeriodMark::state).orElse(PeriodState.OPEN);
    }

    private void requireEarlierClosed(Reading reading, AccountPeriod of) {
        for (AccountPeriod earlier : reading.totals().keySet()) {
            if (earlier.account().equals(of.account())
                    && earlier.period().compareTo(of.period()) < 0
                    && mark(earlier)
                            .filter(mark -> mark.state() == PeriodState.CLOSED)
                            .isEmpty()) {
                throw new AccountingException(
                        "close " + earlier.period() + " first: it holds receipts of the account and is open");
            }
        }
    }

    private static void requireLaterOpen(Connection connection, AccountPeriod of) throws SQLException {
        for (PeriodMark later : marks(connection)) {
            if (later.state() == PeriodState.CLOSED
                    && later.of().account().equals(of.account())
                    && later.of().period().compareTo(of.period()) > 0) {
                throw new AccountingException("reopen " + later.of().period()
                        + " first: it is closed, and holds what came too late for " + of.period());
            }
        }
    }

    private static void requireOver(AccountPeriod of, long nowMillis) {
        if (nowMillis < of.period().end().toEpochMilli()) {
            throw new AccountingException(
                    of.period() + " is not over before " + of.period().end() + ": wait, or force it with a reason");
        }
    }

    private void requireClean(AccountPeriod of, ReconciliationReport report) {
        if (!report.isClean()) {
            throw new AccountingException("reconciliation found " + report.breakCount() + " breaks, the first "
                    + report.breaks().getFirst() + ": mend them, or force the close with a reason");
        }
        long waiting = waiting(of);
        if (waiting > 0) {
            throw new AccountingException(waiting + " requests served in " + of.period()
                    + " wait for their receipts: let a server score them, or force the close with a reason");
        }
        if (report.chainUnchecked().isEmpty() && report.pending().batches() > 0) {
            throw new AccountingException(report.pending().batches()
                    + " batches are not on the chain: run openlora receipts anchor, or force the close with a reason");
        }
    }

    /// Requests of a period that have no receipt yet.
    private long waiting(AccountPeriod of) {
        return database
                .query(
                        "SELECT body, prompt_ids, output_ids FROM usage WHERE state <> 1 ORDER BY id",
                        row -> UsageCodec.fromJson(
                                row.getString("body"),
                                TokenIds.ofBytes(row.getBytes("prompt_ids")),
                                TokenIds.ofBytes(row.getBytes("output_ids"))))
                .stream()
                .filter(row -> isIn(row, of))
                .count();
    }

    private static boolean isIn(UsageRow row, AccountPeriod of) {
        return row.account().equals(of.account())
                && Period.of(row.servedToMillis()).equals(of.period());
    }

    private Optional<PeriodMark> mark(AccountPeriod of) {
        return marks().stream().filter(mark -> mark.of().equals(of)).findFirst();
    }

    private List<PeriodMark> marks() {
        return database.read(Periods::marks);
    }

    private static List<PeriodMark> marks(Connection connection) throws SQLException {
        return Database.query(
                connection,
                "SELECT account, period, state, totals_hash, at, actor, reason, reopen_actor FROM accounting_period"
                        + " ORDER BY period, account",
                Periods::mark);
    }

    private static PeriodMark mark(ResultSet row) throws SQLException {
        return new PeriodMark(
                new AccountPeriod(Database.word(row, "account"), Period.parse(row.getString("period"))),
                PeriodState.ofCode(row.getInt("state")),
                Database.word(row, "totals_hash"),
                row.getLong("at"),
                row.getString("actor"),
                row.getString("reason"),
                Optional.ofNullable(row.getString("reopen_actor")));
    }

    private static void mark(
            Connection connection, PeriodState state, PeriodTotals totals, CloseRequest request, long nowMillis)
            throws SQLException {
        delete(connection, "accounting_period", totals.of());
        Database.update(
                connection,
                "INSERT INTO accounting_period (account, period, state, totals, totals_hash, at, actor, reason)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                totals.of().account(),
                totals.of().period().toString(),
                state.code(),
                totals.canonicalJson(),
                totals.hash(),
                nowMillis,
                request.actor(),
                request.reason());
    }

    private static void log(
            Connection connection,
            long nowMillis,
            String kind,
            String actor,
            AccountPeriod of,
            String detail,
            PeriodState before,
            PeriodState after)
            throws SQLException {
        AuditTrail.append(
                connection,
                new AuditEvent(
                        nowMillis,
                        kind,
                        actor,
                        "",
                        of.account(),
                        of.period() + ": " + detail,
                        before.label(),
                        after.label()));
    }
}
