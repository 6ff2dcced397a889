package org.openlora.meter;

import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import org.openlora.meter.ledger.CommitOutcome;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.PendingUsage;
import org.openlora.meter.receipt.SignedAcknowledgement;

/// Group commit: one thread puts all rows that wait into one transaction, so that a thousand responses that end
/// together cost one write to the disk.
final class UsageCommitter implements AutoCloseable {
    private static final int MOST_ROWS = 1024;

    private final Ledger ledger;
    private final InstantSource clock;
    private final Runnable committed;
    private final BlockingQueue<Entry> queue = new LinkedBlockingQueue<>();
    private final Thread thread;
    private final Object accepting = new Object();
    private boolean closed;

    /// What stands in the queue.
    private sealed interface Entry {
        record Row(PendingUsage usage, CompletableFuture<SignedAcknowledgement> future) implements Entry {}

        /// Behind the last row.
        record End() implements Entry {}
    }

    /// @param committed is called after each transaction
    UsageCommitter(Ledger ledger, InstantSource clock, Runnable committed) {
        this.ledger = ledger;
        this.clock = clock;
        this.committed = committed;
        this.thread = Thread.ofPlatform().name("usage-commit").start(this::run);
    }

    CompletableFuture<SignedAcknowledgement> submit(PendingUsage usage) {
        CompletableFuture<SignedAcknowledgement> future = new CompletableFuture<>();
        synchronized (accepting) {
            if (closed) {
                throw new IllegalStateException("the meter is closed");
            }
            queue.add(new Entry.Row(usage, future));
        }
        return future;
    }

    private void run() {
        List<Entry> taken = new ArrayList<>();
        List<Entry.Row> group = new ArrayList<>();
        boolean ended = false;
        while (!ended) {
            taken.clear();
            group.clear();
            taken.add(takeUninterruptibly());
            queue.drainTo(taken, MOST_ROWS - 1);
            for (Entry entry : taken) {
                switch (entry) {
                    case Entry.Row row -> group.add(row);
                    case Entry.End _ -> ended = true;
                }
            }
            if (!group.isEmpty()) {
                commit(group);
                committed.run();
            }
        }
    }

    private Entry takeUninterruptibly() {
        while (true) {
            try {
                return queue.take();
            } catch (InterruptedException e) {
                // Only closing ends this thread; an interrupt must not lose rows that wait.
            }
        }
    }

    private void commit(List<Entry.Row> group) {
        List<CommitOutcome> outcomes;
        try {
            outcomes = ledger.commitUsage(
                    group.stream().map(Entry.Row::usage).toList(),
                    clock.instant().toEpochMilli());
        } catch (RuntimeException e) {
            group.forEach(row -> row.future().completeExceptionally(e));
            return;
        }
        for (int i = 0; i < outcomes.size(); i++) {
            CompletableFuture<SignedAcknowledgement> future = group.get(i).future();
            switch (outcomes.get(i)) {
                case CommitOutcome.Durable(SignedAcknowledgement acknowledgement) -> future.complete(acknowledgement);
                case CommitOutcome.Conflict conflict -> future.completeExceptionally(conflict.exception());
            }
        }
    }

    /// Commits what was submitted and ends the thread.
    @Override
    public void close() {
        synchronized (accepting) {
            if (!closed) {
                closed = true;
                queue.add(new Entry.End());
            }
        }
        Threads.join(thread);
    }
}
