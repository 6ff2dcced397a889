package org.openlora.meter;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.ScoredUsage;
import org.openlora.meter.ledger.StoredUsage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The thread that turns waiting usage rows into receipts, in the order of their commits. Load makes it later,
/// never different.
final class ScoringWorker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ScoringWorker.class);
    private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();
    /// Rows of one transaction: the disk is waited for once for all of them. Only a backlog fills it; then the
    /// ledger is written to for about a tenth of a second at a time.
    private static final int GROUP_ROWS = 2_048;

    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Ledger ledger;
    private final UsageScorer scorer;
    private final Predicate<Bytes32> unsettled;
    private final Consumer<RuntimeException> failed;
    private final InstantSource clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Thread thread;
    private boolean work = true;
    private boolean held;
    private boolean closed;
    private @Nullable RuntimeException failure;
    private ScoringCost cost = new ScoringCost(0, 0, 0);

    /// @param unsettled whether the row of a request may yet be taken out of the ledger
    /// @param failed is told where the ledger cannot be used
    ScoringWorker(
            Ledger ledger,
            UsageScorer scorer,
            Predicate<Bytes32> unsettled,
            Consumer<RuntimeException> failed,
            InstantSource clock,
            ThreadFactory threads) {
        this.clock = clock;
        this.ledger = ledger;
        this.scorer = scorer;
        this.unsettled = unsettled;
        this.failed = failed;
        this.thread = threads.newThread(this::run);
        thread.start();
    }

    /// Says that rows may be waiting.
    void wake() {
        lock.lock();
        try {
            work = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /// Leaves rows waiting from the group behind the one in hand on, or goes on with them.
    void hold(boolean wait) {
        lock.lock();
        try {
            held = wait;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /// Waits until every row committed so far has its receipt or is quarantined.
    ///
    /// @throws IllegalStateException where that did not happen in time, or the worker is closed
    void drain(Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        long last = ledger.lastUsageId();
        lock.lock();
        try {
            while (ledger.waitingCount(last) > 0) {
                long left = deadline - System.nanoTime();
                if (closed || left <= 0) {
                    throw new IllegalStateException(
                            ledger.waitingCount(last) + " usage rows are not scored yet"
                                    + (failure == null ? "" : ": " + failure.getMessage()),
                            failure);
                }
                changed.awaitNanos(Math.min(left, RETRY_NANOS));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while usage rows were being scored", e);
        } finally {
            lock.unlock();
        }
    }

    ScoringCost cost() {
        lock.lock();
        try {
            return cost;
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        while (awaitWork()) {
            try {
                List<StoredUsage> waiting = ledger.waitingUsage(GROUP_ROWS);
                List<StoredUsage> rows = waiting.stream()
                        .filter(row -> !unsettled.test(row.row().requestId()))
                        .toList();
                if (!rows.isEmpty()) {
                    ledger.recordScored(score(rows), clock.millis());
                }
                finished(!rows.isEmpty() && waiting.size() == GROUP_ROWS, null);
            } catch (RuntimeException e) {
                LOG.error("scoring cannot go on yet, trying again: {}", e.getMessage());
                failed.accept(e);
                finished(true, e);
            }
        }
    }

    private List<ScoredUsage> score(List<StoredUsage> rows) {
        long start = CPU.getCurrentThreadCpuTime();
        List<ScoredUsage> scored = new ArrayList<>(rows.size());
        long tokens = 0;
        for (StoredUsage row : rows) {
            ScoredUsage result = scorer.score(row);
            if (result instanceof ScoredUsage.Quarantined quarantined) {
                LOG.warn("request {} quarantined: {}", row.row().requestId(), quarantined.reason());
            }
            scored.add(result);
            tokens += row.row().output().size();
        }
        addCost(rows.size(), tokens, CPU.getCurrentThreadCpuTime() - start);
        return scored;
    }

    private void addCost(int rows, long tokens, long cpuNanos) {
        lock.lock();
        try {
            cost = new ScoringCost(cost.rows() + rows, cost.outputTokens() + tokens, cost.cpuNanos() + cpuNanos);
        } finally {
            lock.unlock();
        }
    }

    private void finished(boolean more, @Nullable RuntimeException failed) {
        lock.lock();
        try {
            failure = failed;
            work |= more;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /// Waits for work, and a while longer after a failure; false once closed.
    private boolean awaitWork() {
        lock.lock();
        try {
            long left = failure == null ? 0 : RETRY_NANOS;
            while (!closed && left > 0) {
                left = changed.awaitNanos(left);
            }
            while (!closed && (held || !work)) {
                changed.await();
            }
            work = false;
            return !closed;
        } catch (InterruptedException e) {
            return false; // nobody interrupts this thread but to end it
        } finally {
            lock.unlock();
        }
    }

    /// Finishes the group in hand and ends the thread; what still waits is scored when the ledger is opened next.
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        Threads.join(thread);
    }
}
