package org.openlora.meter.accounting.period;

/// Who closes, and why.
///
/// @param forced whether breaks, pending requests and a month that is not over are accepted
public record CloseRequest(String actor, String reason, boolean forced) {
    public CloseRequest {
        if (actor.isBlank()) {
            throw new IllegalArgumentException("the actor must not be blank");
        }
        if (forced && reason.isBlank()) {
            throw new IllegalArgumentException("forcing needs a reason");
        }
    }
}
