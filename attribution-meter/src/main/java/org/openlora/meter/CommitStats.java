package org.openlora.meter;

/// What group commits amounted to since the meter was opened.
///
/// @param rows usage rows that were made durable, or were durable already
/// @param commits transactions that did so: `rows / commits` is the mean group
/// @param failedAttempts transactions that failed; their rows are tried again
/// @param failedRows rows that were given up: their responses ended with an error and are not billed
public record CommitStats(long rows, long commits, long failedAttempts, long failedRows) {
    CommitStats plus(CommitStats more) {
        return new CommitStats(
                rows + more.rows,
                commits + more.commits,
                failedAttempts + more.failedAttempts,
                failedRows + more.failedRows);
    }
}
