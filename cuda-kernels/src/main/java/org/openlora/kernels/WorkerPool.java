package org.openlora.kernels;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// Threads that run the tasks of one kernel call together with the thread that makes the call.
///
/// Tasks are claimed one by one from a shared counter, so a thread that the system holds up delays one task, not
/// a fixed share of the work. Which thread runs which task is therefore a matter of timing: a task must not
/// depend on it. A worker that finds nothing to do spins for some microseconds, because the next call of a
/// forward pass is usually that near, and then parks.
///
/// Calls come from one thread at a time (the engine thread); a second one is refused, as is a call from within a
/// task.
public final class WorkerPool implements AutoCloseable {
    private static final long IDLE_SPIN_NANOS = 30_000;
    private static final int SPINS_BEFORE_PARK = 2_000;

    private final Worker[] workers;
    private final AtomicBoolean running = new AtomicBoolean();
    private volatile @Nullable Job current;
    private volatile boolean closed;

    /// Starts `threads - 1` workers: the caller of [#run] is the remaining thread.
    ///
    /// @throws IllegalArgumentException if `threads` is not positive
    public WorkerPool(int threads) {
        Shapes.positive("threads", threads);
        workers = new Worker[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(i + 1);
            workers[i].thread.start();
        }
    }

    /// Threads that take part in a call, the caller's included.
    public int threads() {
        return workers.length + 1;
    }

    /// Runs `task.run(i)` once for each `i` in `[0, tasks)`, in any order and on any of the threads; returns when
    /// all have ended. When one throws, tasks not yet begun are dropped and the first exception is thrown here.
    ///
    /// @throws IllegalStateException if the pool is closed or another call is in progress
    public void run(int tasks, Task task) {
        Shapes.notNegative("tasks", tasks);
        if (closed) {
            throw new IllegalStateException("WorkerPool is closed");
        }
        if (!running.compareAndSet(false, true)) {
            throw new IllegalStateException("WorkerPool.run called while another run is in progress");
        }
        try {
            if (tasks <= 1 || workers.length == 0) {
                for (int i = 0; i < tasks; i++) {
                    task.run(i);
                }
            } else {
                share(new Job(tasks, task));
            }
        } finally {
            running.set(false);
        }
    }

    private void share(Job job) {
        current = job;
        for (Worker worker : workers) {
            if (worker.parked) {
                LockSupport.unpark(worker.thread);
            }
        }
        job.takePart();
        job.awaitEnd();
        current = null;
        job.rethrow();
    }

    /// Ends the workers and waits for them.
    @Override
    public void close() {
        closed = true;
        boolean interrupted = false;
        for (Worker worker : workers) {
            LockSupport.unpark(worker.thread);
            while (worker.thread.isAlive()) {
                try {
                    worker.thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /// Part of the work of one call.
    @FunctionalInterface
    public interface Task {
        /// Does part `index`.
        void run(int index);
    }

    /// One call. A worker that comes late holds a finished job, finds its counter used up and does nothing.
    private static final class Job {
        private final int tasks;
        private final Task task;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger unfinished;
        private final Thread caller = Thread.currentThread();
        private volatile boolean callerParks;
        private volatile @Nullable Throwable failure;

        Job(int tasks, Task task) {
            this.tasks = tasks;
            this.task = task;
            this.unfinished = new AtomicInteger(tasks);
        }

        void takePart() {
            for (int i = next.getAndIncrement(); i < tasks; i = next.getAndIncrement()) {
                try {
                    if (failure == null) {
                        task.run(i);
                    }
                } catch (RuntimeException | Error e) {
                    fail(e);
                } finally {
                    if (unfinished.decrementAndGet() == 0 && callerParks) {
                        LockSupport.unpark(caller);
                    }
                }
            }
        }

        /// Spins first: the other threads are usually about to end their last tasks.
        void awaitEnd() {
            for (int spins = 0; unfinished.get() > 0; spins++) {
                if (spins < SPINS_BEFORE_PARK) {
                    Thread.onSpinWait();
                } else {
                    callerParks = true;
                    if (unfinished.get() > 0) {
                        LockSupport.park(this);
                    }
                }
            }
        }

        private synchronized void fail(Throwable cause) {
            if (failure == null) {
                failure = cause;
            }
        }

        void rethrow() {
            switch (failure) {
                case null -> {}
                case Error e -> throw e;
                case RuntimeException e -> throw e;
                case Throwable e -> throw new AssertionError("a task threw a checked exception", e);
            }
        }
    }

    private final class Worker implements Runnable {
        final Thread thread;
        volatile boolean parked;

        Worker(int number) {
            thread = Thread.ofPlatform()
                    .name("openlora-kernel-" + number)
                    .daemon()
                    .unstarted(this);
        }

        @Override
        public void run() {
            Job done = null;
            while (true) {
                Job job = await(done);
                if (job == null) {
                    return;
                }
                job.takePart();
                done = job;
            }
        }

        /// The next job, or null when the pool has been closed.
        private @Nullable Job await(@Nullable Job done) {
            long spinUntil = System.nanoTime() + IDLE_SPIN_NANOS;
            while (!closed) {
                Job job = current;
                if (job != null && job != done) {
                    return job;
                }
                if (System.nanoTime() - spinUntil < 0) {
                    Thread.onSpinWait();
                } else {
                    parkUnless(done);
                }
            }
            return null;
        }

        /// Announces the park before looking again: `share` publishes the job before it looks who is parked.
        private void parkUnless(@Nullable Job done) {
            parked = true;
            Job job = current;
            if (!closed && (job == null || job == done)) {
                LockSupport.park(WorkerPool.this);
            }
            parked = false;
        }
    }
}
