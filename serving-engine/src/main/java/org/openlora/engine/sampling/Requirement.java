package org.openlora.engine.sampling;

/// The one wording of a parameter that is out of range.
final class Requirement {
    private Requirement() {}

    /// @param field as clients name it
    static void that(boolean holds, String field, Object value, String allowed) {
        if (!holds) {
            throw new IllegalArgumentException(field + " is " + value + ": allowed is " + allowed);
        }
    }
}
