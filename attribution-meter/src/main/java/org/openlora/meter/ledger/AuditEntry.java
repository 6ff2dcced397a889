package org.openlora.meter.ledger;

import org.openlora.meter.evm.Bytes32;

/// An entry of the audit trail.
///
/// @param id ascending, not without gaps
/// @param hash covers the event and the hash of the entry before
public record AuditEntry(long id, AuditEvent event, Bytes32 hash) {}
