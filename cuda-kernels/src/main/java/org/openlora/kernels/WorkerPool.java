package org.openlora.kernels;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// Threads that run the tasks of one kernel call together with the thread that makes the call.
///
/// Each thread has a share of neighbouring tasks and a counter of its own from which it claims them one by one, so
/// threads do not fight for a cache line and each reads long stretches of memory. A thread whose share is used up
/// claims from the others' counters: one that the system holds up delays the task it is in, not its share. Which
/// thread runs which task is therefore a matter of timing: a task must not depend on it. A worker that finds
/// nothing to do spins for some microseconds, because the next call of a forward pass is usually that near, and
/// then parks.
///
/// A call allocates nothing. Calls come from one thread at a time (the engine thread); a second one is refused, as
/// is a call from within a task.
public final class WorkerPool implements AutoCloseable {
    private static final long IDLE_SPIN_NANOS = 50_000;
    private static final int SPINS_BEFORE_PARK = 2_000;
    /// A microsecond of streaming.
    private static final long LEAST_CHUNK_BYTES = 32 << 10;
    private static final int CHUNKS_PER_THREAD = 16;
    /// Ints from one thread's counter to the next: two cache lines, since processors fetch them in pairs.
    private static final int COUNTER_STRIDE = 32;

    private final Worker[] workers;
    private final AtomicBoolean running = new AtomicBoolean();
    private volatile boolean closed;

    // The call in progress. Written by the caller before the counters, and left alone until no task is unfinished;
    // so whoever claims a task sees what belongs to it, even a worker that still believes in the call before.
    private Task task = _ -> {};
    private final int[] shareEnds; // [threads]
    private final AtomicIntegerArray unclaimed; // [threads * COUNTER_STRIDE], not positive when used up
    private final AtomicInteger unfinished = new AtomicInteger();
    private volatile @Nullable Throwable failure;
    private volatile @Nullable Thread parkedCaller;
    private final AtomicInteger calls = new AtomicInteger(); // incremented last: what idle workers watch

    /// Starts `threads - 1` workers: the caller of [#run] is the remaining thread.
    ///
    /// @throws IllegalArgumentException if `threads` is not positive
    public WorkerPool(int threads) {
        Shapes.positive("threads", threads);
        workers = new Worker[threads - 1];
        shareEnds = new int[threads];
        unclaimed = new AtomicIntegerArray((threads + 1) * COUNTER_STRIDE);
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(i + 1);
            workers[i].thread.start();
        }
    }

    /// Threads that take part in a call, the caller's included.
    public int threads() {
        return workers.length + 1;
    }

    /// Into how many tasks a matrix is cut that is read once: as many for each thread, so that a pool of equal threads
    /// ends at once.
    ///
    /// @param units that can be parted
    int chunks(long sizeBytes, int units) {
        long most = Math.min(sizeBytes / LEAST_CHUNK_BYTES, units);
        return threads() == 1 ? 1 : threads() * Math.clamp(most / threads(), 1, CHUNKS_PER_THREAD);
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
                share(tasks, task);
            }
        } finally {
            running.set(false);
        }
    }

    private void share(int tasks, Task task) {
        this.task = task;
        failure = null;
        unfinished.set(tasks);
        int threads = threads();
        int begin = 0;
        for (int thread = 0; thread < threads; thread++) {
            int end = (int) ((long) tasks * (thread + 1) / threads);
            shareEnds[thread] = end;
            unclaimed.set(counter(thread), end - begin);
            begin = end;
        }
        calls.incrementAndGet();
        for (Worker worker : workers) {
            if (worker.parked) {
                LockSupport.unpark(worker.thread);
            }
        }
        takePart(0);
        awaitEnd();
        rethrow();
    }

    /// Claims and runs tasks, those of `thread`'s own share first, until none is left.
    private void takePart(int thread) {
        int threads = threads();
        int done = 0;
        for (int i = 0; i < threads; i++) {
            int owner = (thread + i) % threads;
            int counter = counter(owner);
            while (unclaimed.get(counter) > 0) {
                int left = unclaimed.getAndDecrement(counter);
                if (left > 0) {
                    runTask(shareEnds[owner] - left);
                    done++;
                }
            }
        }
        if (done > 0 && unfinished.addAndGet(-done) == 0) {
            LockSupport.unpark(parkedCaller);
        }
    }

    private void runTask(int index) {
        if (failure == null) {
            try {
                task.run(index);
            } catch (RuntimeException | Error e) {
                fail(e);
            }
        }
    }

    /// Spins first: the other threads are usually about to end their last tasks.
    private void awaitEnd() {
        for (int spins = 0; unfinished.get() > 0; spins++) {
            if (spins < SPINS_BEFORE_PARK) {
                Thread.onSpinWait();
            } else {
                parkedCaller = Thread.currentThread();
                if (unfinished.get() > 0) {
                    LockSupport.park(this);
                }
                parkedCaller = null;
            }
        }
    }

    private synchronized void fail(Throwable cause) {
        if (failure == null) {
            failure = cause;
        }
    }

    private void rethrow() {
        switch (failure) {
            case null -> {}
            case Error e -> throw e;
            case RuntimeException e -> throw e;
            case Throwable e -> throw new AssertionError("a task threw a checked exception", e);
        }
    }

    private static int counter(int thread) {
        return (thread + 1) * COUNTER_STRIDE;
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

    private final class Worker implements Runnable {
        final Thread thread;
        volatile boolean parked;
        private final int number;

        Worker(int number) {
            this.number = number;
            thread = Thread.ofPlatform()
                    .name("openlora-kernel-" + number)
                    .daemon()
                    .unstarted(this);
        }

        @Override
        public void run() {
            int seen = 0;
            while (awaitCallAfter(seen)) {
                seen = calls.get();
                takePart(number);
            }
        }

        /// True when there is another call, false when the pool has been closed.
        private boolean awaitCallAfter(int seen) {
            long spinUntil = System.nanoTime() + IDLE_SPIN_NANOS;
            while (!closed) {
                if (calls.get() != seen) {
                    return true;
                }
                if (System.nanoTime() - spinUntil < 0) {
                    Thread.onSpinWait();
                } else {
                    parkUnlessCallAfter(seen);
                }
            }
            return false;
        }

        /// Announces the park before looking again: `share` counts the call before it looks who is parked.
        private void parkUnlessCallAfter(int seen) {
            parked = true;
            if (!closed && calls.get() == seen) {
                LockSupport.park(WorkerPool.this);
            }
            parked = false;
        }
    }
}
