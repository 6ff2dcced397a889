package org.openlora.meter.accounting.reconciliation;

import java.util.OptionalLong;

/// One thing that does not agree with the rest.
///
/// @param expected what should be there
/// @param found what is there instead
/// @param sinceMillis when it began to be wrong at the latest, milliseconds since the epoch; absent where that is not
///     known
public record Break(BreakKind kind, Subject subject, String expected, String found, OptionalLong sinceMillis) {
    /// One line: kind, place, what was expected and what was found.
    @Override
    public String toString() {
        return "%s: %s: expected %s, found %s".formatted(kind.label(), subject, expected, found);
    }
}
