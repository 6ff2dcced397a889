package org.openlora.server.grpc;

import io.grpc.Context;
import io.grpc.Deadline;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// The deadline that a client gave its call.
final class CallDeadline {
    private CallDeadline() {}

    /// Of the call that this thread serves; empty without one.
    static Optional<Instant> current(InstantSource clock) {
        Deadline deadline = Context.current().getDeadline();
        return Optional.ofNullable(deadline)
                .map(d -> clock.instant().plusNanos(d.timeRemaining(TimeUnit.NANOSECONDS)));
    }
}
