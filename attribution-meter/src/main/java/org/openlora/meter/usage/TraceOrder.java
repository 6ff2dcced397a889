package org.openlora.meter.usage;

/// That a request's tokens are to be kept once its receipt stands, because its tenant asked for it.
///
/// @param replay how the answer was drawn, as JSON: all that drawing it again needs besides the usage row
/// @param keepUntilMillis when they are erased, milliseconds since the epoch
public record TraceOrder(String replay, long keepUntilMillis) {
    public TraceOrder {
        if (replay.isBlank()) {
            throw new IllegalArgumentException("a trace order must say how the answer was drawn");
        }
        if (keepUntilMillis < 0) {
            throw new IllegalArgumentException("keepUntilMillis must not be negative: " + keepUntilMillis);
        }
    }
}
