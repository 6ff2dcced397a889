package org.openlora.adapters.host;

import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.openlora.kernels.BackgroundThread;

/// Walks over resident weights, again and again, and compares each block with its checksum.
///
/// It holds nothing: what it reads may be evicted meanwhile. A block that looks damaged is therefore reported together
/// with its adapter, and counts only if the adapter still has its memory then, for in that case it had it all the time.
final class Scrubber {
    /// Who is told of a damaged block.
    interface Report {
        void damaged(Resident resident, int block);
    }

    /// Between rests; short enough that no step waits for a processor because of it.
    private static final long REST_EVERY_NANOS = 10_000_000;
    private static final long SECOND_NANOS = 1_000_000_000;

    private final Supplier<List<Resident>> residents;
    private final Report report;
    private final long bytesPerSecond;
    private final LongAdder scrubbedBytes = new LongAdder();
    private final Thread thread;
    private volatile boolean stopped;

    /// @param residents those that have weights
    /// @param bytesPerSecond 0 for none
    Scrubber(Supplier<List<Resident>> residents, Report report, long bytesPerSecond) {
        this.residents = residents;
        this.report = report;
        this.bytesPerSecond = bytesPerSecond;
        this.thread = BackgroundThread.named("adapter-scrub").newThread(this::run);
    }

    void start() {
        if (bytesPerSecond > 0) {
            thread.start();
        }
    }

    /// Returns when nothing is read any more.
    void stop() {
        stopped = true;
        LockSupport.unpark(thread);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    long scrubbedBytes() {
        return scrubbedBytes.sum();
    }

    /// Walks once, without a rest.
    void pass() {
        residents.get().forEach(resident -> walk(resident, bytes -> {}));
    }

    private void run() {
        var pace = new Pace();
        while (!stopped) {
            long before = scrubbedBytes();
            for (Resident resident : residents.get()) {
                walk(resident, pace);
            }
            if (scrubbedBytes() == before) {
                LockSupport.parkNanos(SECOND_NANOS);
            }
        }
    }

    private void walk(Resident resident, Progress progress) {
        Placement placement = resident.placement();
        for (int block = 0; block < placement.blockCount() && !stopped && resident.isLoaded(); block++) {
            if (!placement.isSound(block)) {
                report.damaged(resident, block);
                return;
            }
            scrubbedBytes.add(placement.blockBytes(block));
            progress.after(placement.blockBytes(block));
        }
    }

    private interface Progress {
        void after(long bytes);
    }

    /// Rests as long as the bytes take at the given speed.
    private final class Pace implements Progress {
        private long owedNanos;

        @Override
        public void after(long bytes) {
            owedNanos += Math.round((double) bytes * SECOND_NANOS / bytesPerSecond);
            if (owedNanos >= REST_EVERY_NANOS) {
                LockSupport.parkNanos(owedNanos);
                owedNanos = 0;
            }
        }
    }
}
