package org.openlora.benchmarks.fleet;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.openlora.benchmarks.machine.ProcessorTime;
import org.openlora.benchmarks.report.FleetReport.MemorySample;

/// A process's memory in RAM, several times a second, and what it was doing.
final class MemoryWatch implements AutoCloseable {
    private static final long PERIOD_MILLIS = 250;
    private static final double MEBIBYTE = 1 << 20;

    private final long pid;
    private final long startNanos = System.nanoTime();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("memory-watch").factory());
    private final List<MemorySample> samples = new ArrayList<>(); // guarded by this
    private String phase; // guarded by this

    MemoryWatch(long pid, String phase) {
        this.pid = pid;
        this.phase = phase;
        var _ = timer.scheduleAtFixedRate(this::sample, 0, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
    }

    /// What begins now.
    synchronized void phase(String name) {
        sample();
        phase = name;
    }

    synchronized List<MemorySample> samples() {
        sample();
        return List.copyOf(samples);
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }

    private synchronized void sample() {
        OptionalLong bytes = ProcessorTime.residentBytes(pid);
        if (bytes.isPresent()) {
            double seconds = (System.nanoTime() - startNanos) / 1e9;
            samples.add(new MemorySample(
                    phase, Math.rint(seconds * 100) / 100, Math.rint(10 * bytes.getAsLong() / MEBIBYTE) / 10));
        }
    }
}
