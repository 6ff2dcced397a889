package org.openlora.meter.ledger;

import org.openlora.meter.evm.Bytes32;

/// A usage row whose commit failed, so that it may be in the ledger or not, and whose response ended with an error.
///
/// @param lastIdBefore the greatest id of a usage row before it was tried first: one with an id up to this was
///     committed, and acknowledged, earlier
public record DoubtfulUsage(String source, Bytes32 requestId, long lastIdBefore) {}
