package org.openlora.meter.evidence;

/// Which rows of a lineage are copies, and of which: what a version of the scorer takes for the same text.
sealed interface OriginalRows permits NormalisedCopies, RegisteredCopies {
    /// The row that counts for a row: the earliest registered one that it is a copy of, or itself.
    Source original(Source row);

    /// Whether an original stands for a row of an earlier datanet that is not searched: then it is older than the
    /// datanet that it is found in.
    boolean isOlder(Source original);
}
