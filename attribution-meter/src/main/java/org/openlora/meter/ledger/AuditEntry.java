package org.openlora.meter.ledger;

import org.openlora.meter.evm.Bytes32;

/// Something that was refused or done by hand.
public record AuditEntry(long id, long atMillis, String kind, String source, Bytes32 requestId, String detail) {}
