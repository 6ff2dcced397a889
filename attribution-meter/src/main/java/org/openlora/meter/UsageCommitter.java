package org.openlora.meter;

import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.CommitOutcome;
import org.openlora.meter.ledger.DoubtfulUsage;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.PendingUsage;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Group commit: one thread puts all rows that wait into one transaction, so that a thousand responses that end
/// together cost one write to the disk.
///
/// A commit that fails is tried again, which is safe because rows are known by their ids, until its rows have waited
/// for `patience`: then their futures fail and nothing is billed. But a database may have kept what it could not
/// confirm. So rows that were given up are taken out again ([Ledger#resume]) before the ledger counts as writable,
/// and until then the scorer leaves them alone: they are `unsettled`.
final class UsageCommitter implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(UsageCommitter.class);
    private static final int MOST_ROWS = 1024;
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final long NOT_TRIED = -1;

    private final Ledger ledger;
    private final LedgerWatch watch;
    private final InstantSource clock;
    private final long patienceNanos;
    private final Runnable committed;
    private final Thread thread;
    private final Set<Bytes32> unsettled;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // Guarded by the lock.
    private final Deque<Row> queue = new ArrayDeque<>();
    private CommitStats stats = new CommitStats(0, 0, 0, 0);
    private boolean closed;

    // Owned by the thread.
    private List<Row> group = new ArrayList<>();
    private final List<DoubtfulUsage> doubtful = new ArrayList<>();

    /// @param lastIdBefore the greatest id in the ledger before the row was tried first
    private record Row(
            PendingUsage usage,
            CompletableFuture<SignedAcknowledgement> future,
            long submittedNanos,
            long lastIdBefore) {
        Row triedAfter(long lastId) {
            return lastIdBefore == NOT_TRIED ? new Row(usage, future, submittedNanos, lastId) : this;
        }

        Bytes32 requestId() {
            return usage.row().requestId();
        }
    }

    /// @param unsettled gets the request ids of rows that are on their way into the ledger and may yet be taken out;
    ///     for use by many threads
    /// @param patience how long a row is tried before its future fails
    /// @param committed is called after each transaction
    UsageCommitter(
            Ledger ledger,
            LedgerWatch watch,
            Set<Bytes32> unsettled,
            InstantSource clock,
            Duration patience,
            Runnable committed) {
        this.ledger = ledger;
        this.watch = watch;
        this.unsettled = unsettled;
        this.clock = clock;
        this.patienceNanos = patience.toNanos();
        this.committed = committed;
        this.thread = Thread.ofPlatform().name("usage-commit").start(this::run);
        watch.listen(_ -> signal()); // others find out too that the ledger cannot be written
    }

    CompletableFuture<SignedAcknowledgement> submit(PendingUsage usage) {
        CompletableFuture<SignedAcknowledgement> future = new CompletableFuture<>();
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the meter is closed");
            }
            queue.add(new Row(usage, future, System.nanoTime(), NOT_TRIED));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        return future;
    }

    private void signal() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    CommitStats stats() {
        lock.lock();
        try {
            return stats;
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        while (takeWork()) {
            try {
                if (!group.isEmpty()) {
                    commit();
                }
                if (watch.health() instanceof LedgerHealth.Unwritable outage) {
                    resume(outage);
                }
                committed.run();
            } catch (RuntimeException e) {
                count(new CommitStats(0, 0, 1, 0));
                watch.failed(e);
                giveUp(e);
            }
        }
        if (!doubtful.isEmpty()) {
            resumeLast();
        }
    }

    private void resumeLast() {
        try {
            if (watch.health() instanceof LedgerHealth.Unwritable outage) {
                resume(outage);
            }
        } catch (RuntimeException e) {
            LOG.error(
                    "closed while the ledger cannot be written; these requests ended with an error, and if the ledger"
                            + " has them nevertheless they will be billed: {}",
                    doubtful.stream().map(DoubtfulUsage::requestId).toList(),
                    e);
        }
    }

    /// Adds to the group what waits. Waits for work, or, while the ledger cannot be written, until the next attempt.
    /// False when everything is done.
    private boolean takeWork() {
        lock.lock();
        try {
            long retryAt = System.nanoTime() + RETRY_NANOS;
            while (!closed && !isDue(retryAt)) {
                try {
                    changed.awaitNanos(RETRY_NANOS);
                } catch (InterruptedException e) {
                    // Only closing ends this thread; an interrupt must not lose rows that wait.
                }
            }
            while (group.size() < MOST_ROWS && !queue.isEmpty()) {
                group.add(queue.remove());
            }
            return !closed || !group.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    private boolean isDue(long retryAt) {
        return switch (watch.health()) {
            case LedgerHealth.Writable _ -> !queue.isEmpty();
            case LedgerHealth.Unwritable _ -> System.nanoTime() >= retryAt;
        };
    }

    private void commit() {
        long lastId = ledger.lastUsageId();
        group.replaceAll(row -> row.triedAfter(lastId));
        group.forEach(row -> unsettled.add(row.requestId()));
        List<CommitOutcome> outcomes =
                ledger.commitUsage(group.stream().map(Row::usage).toList(), clock.millis());
        count(new CommitStats(group.size(), 1, 0, 0));
        List<Row> settled = group;
        group = new ArrayList<>();
        settled.forEach(row -> unsettled.remove(row.requestId()));
        // A row that was given up and came again is in the ledger by right.
        doubtful.removeIf(row -> settled.stream()
                .anyMatch(again -> again.requestId().equals(row.requestId())
                        && again.usage().row().source().equals(row.source())));
        for (int i = 0; i < outcomes.size(); i++) {
            CompletableFuture<SignedAcknowledgement> future = settled.get(i).future();
            switch (outcomes.get(i)) {
                case CommitOutcome.Durable(SignedAcknowledgement acknowledgement) -> future.complete(acknowledgement);
                case CommitOutcome.Conflict conflict -> future.completeExceptionally(conflict.exception());
            }
        }
    }

    private void resume(LedgerHealth.Unwritable outage) {
        ledger.resume(doubtful, outage.since().toEpochMilli(), outage.reason(), clock.millis());
        doubtful.forEach(row -> unsettled.remove(row.requestId()));
        doubtful.clear();
        watch.recovered();
    }

    /// Fails the rows that have waited long enough; all of them when the meter is being closed.
    private void giveUp(RuntimeException failure) {
        long now = System.nanoTime();
        boolean closing = isClosed();
        List<Row> kept = new ArrayList<>();
        List<Row> old = new ArrayList<>();
        for (Row row : group) {
            (closing || now - row.submittedNanos() >= patienceNanos ? old : kept).add(row);
        }
        group = kept;
        for (Row row : old) {
            if (row.lastIdBefore() != NOT_TRIED) {
                doubtful.add(new DoubtfulUsage(row.usage().row().source(), row.requestId(), row.lastIdBefore()));
            }
            row.future().completeExceptionally(failure);
        }
        count(new CommitStats(0, 0, 0, old.size()));
    }

    private boolean isClosed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    private void count(CommitStats more) {
        lock.lock();
        try {
            stats = stats.plus(more);
        } finally {
            lock.unlock();
        }
    }

    /// Commits what was submitted and ends the thread. Rows that cannot be committed then fail without being tried
    /// any longer.
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
