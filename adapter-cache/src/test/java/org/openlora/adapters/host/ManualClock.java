package org.openlora.adapters.host;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/// Time that passes when told so, and the alarms that go off in it.
final class ManualClock implements InstantSource, Alarm {
    private record Pending(Instant due, Runnable action) {}

    private final List<Pending> pending = new ArrayList<>();
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");

    @Override
    public Instant instant() {
        return now;
    }

    @Override
    public void after(Duration delay, Runnable action) {
        pending.add(new Pending(now.plus(delay), action));
    }

    Instant in(Duration delay) {
        return now.plus(delay);
    }

    void advance(Duration by) {
        now = now.plus(by);
        List<Pending> due =
                pending.stream().filter(alarm -> !alarm.due().isAfter(now)).toList();
        pending.removeAll(due);
        due.forEach(alarm -> alarm.action().run());
    }
}
