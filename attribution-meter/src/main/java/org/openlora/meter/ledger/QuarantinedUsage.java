package org.openlora.meter.ledger;

import org.openlora.meter.evm.Bytes32;

/// A usage row that could not be scored.
public record QuarantinedUsage(long id, String source, Bytes32 requestId, String reason) {}
