package org.openlora.engine;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/// Time that passes when told so, and what is due in it.
final class SteppedTime implements InstantSource, BiConsumer<Duration, Runnable> {
    private record Alarm(Instant due, Runnable action) {}

    private final List<Alarm> alarms = new ArrayList<>();
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");

    @Override
    public synchronized Instant instant() {
        return now;
    }

    @Override
    public synchronized void accept(Duration delay, Runnable action) {
        alarms.add(new Alarm(now.plus(delay), action));
    }

    void advance(Duration by) {
        List<Alarm> due;
        synchronized (this) {
            now = now.plus(by);
            due = alarms.stream().filter(alarm -> !alarm.due().isAfter(now)).toList();
            alarms.removeAll(due);
        }
        due.forEach(alarm -> alarm.action().run());
    }
}
