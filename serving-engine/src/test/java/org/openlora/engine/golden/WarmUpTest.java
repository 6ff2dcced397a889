package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.openlora.engine.model.WarmUp;

class WarmUpTest {
    private static final Duration TICK = Duration.ofMillis(1);

    private final AtomicLong now = new AtomicLong();

    private long tick() {
        return now.addAndGet(TICK.toNanos());
    }

    @Test
    void run_compilerAtRest_endsOnceTheRestHasLasted() {
        try (GoldenBase base = GoldenBase.open(Examples.model(), 64)) {
            WarmUp.Report report = WarmUp.run(base.model(), 64, Duration.ofHours(1), this::tick, () -> 5);
            assertThat(report.steps()).isGreaterThan(100);
            assertThat(now.get()).isLessThan(Duration.ofSeconds(10).toNanos());
            assertThat(report.bestStep()).isLessThanOrEqualTo(report.firstStep());
        }
    }

    @Test
    void run_compilerNeverAtRest_endsAtTheLimit() {
        try (GoldenBase base = GoldenBase.open(Examples.model(), 64)) {
            Duration limit = Duration.ofSeconds(2);
            WarmUp.run(base.model(), 64, limit, this::tick, now::get);
            assertThat(now.get()).isBetween(limit.toNanos(), limit.toNanos() + TICK.toNanos() * 100);
        }
    }
}
