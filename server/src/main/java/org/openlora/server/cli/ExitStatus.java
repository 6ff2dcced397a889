package org.openlora.server.cli;

/// Exit statuses of every command, as README.md documents them.
final class ExitStatus {
    /// All held.
    static final int OK = 0;
    /// Something failed; standard error says what, in one line.
    static final int FAILURE = 1;
    /// The command line makes no sense.
    static final int USAGE = 2;
    /// All held, but nothing was anchored because no chain could be started.
    static final int NOT_ANCHORED = 3;

    private ExitStatus() {}
}
