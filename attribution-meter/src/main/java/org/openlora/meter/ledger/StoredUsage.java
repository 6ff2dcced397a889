package org.openlora.meter.ledger;

import org.openlora.meter.usage.UsageRow;

/// A usage row that waits for its receipt.
///
/// @param id ascending in the order of commits
/// @param includeByMillis what was promised when it was acknowledged
public record StoredUsage(long id, UsageRow row, long includeByMillis) {}
