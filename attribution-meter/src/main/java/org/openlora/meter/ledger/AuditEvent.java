package org.openlora.meter.ledger;

import org.openlora.meter.evm.Bytes32;

/// Something for the audit trail: done by hand, or refused.
///
/// @param kind a fixed word, such as `credit` or `usage-conflict`
/// @param actor who did it; `system` for the program itself
/// @param source of the usage row that it concerns; empty where it concerns none
/// @param subject id of what it concerns: of a request, correction, period, datanet
/// @param detail for people
/// @param before state that was changed; empty where nothing was
/// @param after state that it was changed to
public record AuditEvent(
        long atMillis,
        String kind,
        String actor,
        String source,
        Bytes32 subject,
        String detail,
        String before,
        String after) {
    /// Who acts where no person does.
    public static final String SYSTEM = "system";

    public AuditEvent {
        if (kind.isBlank() || actor.isBlank()) {
            throw new IllegalArgumentException("an audit event needs a kind and an actor");
        }
    }

    /// Of the program itself, changing no state.
    static AuditEvent ofSystem(long atMillis, String kind, String source, Bytes32 subject, String detail) {
        return new AuditEvent(atMillis, kind, SYSTEM, source, subject, detail, "", "");
    }
}
