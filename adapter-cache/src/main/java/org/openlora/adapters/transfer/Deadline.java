package org.openlora.adapters.transfer;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// A moment after which work is given up, on the clock that never jumps.
public final class Deadline {
    private static final Duration LONGEST = Duration.ofDays(10_000);

    private final long endNanos;

    private Deadline(long endNanos) {
        this.endNanos = endNanos;
    }

    public static Deadline in(Duration time) {
        Duration bounded = time.compareTo(LONGEST) > 0 ? LONGEST : time;
        return new Deadline(System.nanoTime() + bounded.toNanos());
    }

    public static Deadline at(Instant moment) {
        Instant now = Instant.now();
        return in(moment.isAfter(now.plus(LONGEST)) ? LONGEST : Duration.between(now, moment));
    }

    public static Deadline never() {
        return in(LONGEST);
    }

    /// What is left; negative afterwards.
    public Duration left() {
        return Duration.ofNanos(endNanos - System.nanoTime());
    }

    public boolean isPast() {
        return !left().isPositive();
    }

    /// The shorter of `limit` and what is left, and at least a millisecond.
    Duration orSooner(Duration limit) {
        Duration left = left();
        Duration shorter = left.compareTo(limit) < 0 ? left : limit;
        return shorter.compareTo(Duration.ofMillis(1)) < 0 ? Duration.ofMillis(1) : shorter;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Deadline deadline && deadline.endNanos == endNanos;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(endNanos);
    }
}
