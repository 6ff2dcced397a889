package org.openlora.meter.trace;

/// How many traces there are.
///
/// @param kept with their tokens
/// @param awaiting their receipts
/// @param erased of which nothing is left but that they were
public record TraceCounts(long kept, long awaiting, long erased) {}
