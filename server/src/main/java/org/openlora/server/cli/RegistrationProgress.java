package org.openlora.server.cli;

import java.util.Locale;
import org.openlora.meter.files.Progress;

/// Shows on standard error how far a registration has come: one line that is written over on a terminal, a line
/// now and then elsewhere. Short ones show nothing.
final class RegistrationProgress implements Progress, AutoCloseable {
    private static final long FIRST_NANOS = 1_000_000_000L;
    private static final long TERMINAL_NANOS = 200_000_000L;
    private static final long LINE_NANOS = 5_000_000_000L;

    private final String name;
    private final boolean terminal = Environment.errorIsTerminal();
    private long next = System.nanoTime() + FIRST_NANOS;
    private boolean shown;

    RegistrationProgress(String name) {
        this.name = name;
    }

    @Override
    public void at(String stage, long done, long total) {
        long now = System.nanoTime();
        if (now < next) {
            return;
        }
        next = now + (terminal ? TERMINAL_NANOS : LINE_NANOS);
        shown = true;
        String line = total < 0
                ? String.format(Locale.ROOT, "%s: %s %,d", name, stage, done)
                : String.format(Locale.ROOT, "%s: %s %,d of %,d", name, stage, done, total);
        System.err.print(terminal ? "\r\u001b[K" + line : line + System.lineSeparator());
        System.err.flush();
    }

    /// Clears the line.
    @Override
    public void close() {
        if (shown && terminal) {
            System.err.print("\r\u001b[K");
            System.err.flush();
        }
    }
}
