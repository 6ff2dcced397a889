package org.openlora.meter;

/// What scoring has taken since the meter was opened: attribution and pricing, without the ledger's writing.
///
/// @param rows scored
/// @param outputTokens of those rows
/// @param nanos of the scoring thread
public record ScoringCost(long rows, long outputTokens, long nanos) {}
