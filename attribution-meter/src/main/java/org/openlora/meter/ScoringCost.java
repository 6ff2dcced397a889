package org.openlora.meter;

/// What scoring has taken since the meter was opened: attribution and pricing, without the ledger's writing.
///
/// @param rows scored
/// @param outputTokens of those rows
/// @param cpuNanos processor time of the scoring thread, to be set against that of serving
public record ScoringCost(long rows, long outputTokens, long cpuNanos) {}
