package org.openlora.meter;

import java.time.Instant;

/// Whether the ledger takes writes. Nothing is served that cannot be metered, so a server whose ledger is
/// [Unwritable] refuses new work.
public sealed interface LedgerHealth {
    /// The last write went well.
    record Writable() implements LedgerHealth {}

    /// Writes fail, and are tried again until one succeeds.
    ///
    /// @param since the first that failed
    /// @param reason of the last one, one line
    record Unwritable(Instant since, String reason) implements LedgerHealth {
        public Unwritable {
            reason = reason.lines().findFirst().orElse("");
        }
    }
}
