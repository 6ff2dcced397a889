package org.openlora.meter.database;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.database.LedgerException.Reason;

/// What PostgreSQL's SQL states mean to a ledger.
///
/// @see <a href="https://www.postgresql.org/docs/current/errcodes-appendix.html">PostgreSQL error codes</a>
final class PostgresFailures {
    /// Serialisation failure and deadlock.
    private static final Set<String> CAME_BETWEEN = Set.of("40001", "40P01");
    /// The server shuts down, crashed or starts, or has no connection left.
    private static final Set<String> AWAY = Set.of("57P01", "57P02", "57P03", "53300");

    private PostgresFailures() {}

    /// Whether another transaction was the reason, so that the same one may well succeed when it runs again.
    static boolean cameBetween(SQLException e) {
        return CAME_BETWEEN.contains(state(e));
    }

    /// Whether the server or the way to it is gone for now.
    static boolean isConnection(SQLException e) {
        String state = state(e);
        return state.startsWith("08")
                || AWAY.contains(state)
                || (state.isEmpty() && e instanceof SQLTransientConnectionException);
    }

    static Reason reason(@Nullable SQLException e) {
        if (e == null) {
            return Reason.OTHER;
        }
        if (isConnection(e)) {
            return Reason.UNREACHABLE;
        }
        return switch (state(e)) {
            case "53100" -> Reason.FULL;
            case "25006" -> Reason.READ_ONLY;
            case "XX001", "XX002" -> Reason.DAMAGED;
            case "40001", "40P01" -> Reason.IN_USE;
            default -> Reason.OTHER;
        };
    }

    /// The state of the innermost cause that has one: a pool wraps what the driver said.
    private static String state(SQLException e) {
        String state = "";
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException sql && sql.getSQLState() != null) {
                state = sql.getSQLState();
            }
        }
        return state;
    }

    /// The first SQL exception among the causes.
    static @Nullable SQLException sqlCause(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException sql) {
                return sql;
            }
        }
        return null;
    }
}
