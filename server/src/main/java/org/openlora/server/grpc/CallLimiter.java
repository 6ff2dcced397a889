package org.openlora.server.grpc;

import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// Runs calls on virtual threads, so many at once and no more.
///
/// A virtual thread costs little, what it holds does not: the permits bound the calls, not the threads.
final class CallLimiter implements AutoCloseable {
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Semaphore permits;
    private final int limit;

    CallLimiter(int limit) {
        this.limit = limit;
        this.permits = new Semaphore(limit);
    }

    /// Starts `call` on a thread of its own.
    ///
    /// @throws StatusException RESOURCE_EXHAUSTED if as many run as may
    void run(Runnable call) throws StatusException {
        if (!permits.tryAcquire()) {
            throw Status.RESOURCE_EXHAUSTED
                    .withDescription("%d requests are being served already; try again later".formatted(limit))
                    .asException();
        }
        threads.execute(Context.current().wrap(() -> {
            try {
                call.run();
            } finally {
                permits.release();
            }
        }));
    }

    /// Answers a call of one request and one response.
    <P> void answer(StreamObserver<P> response, Supplier<P> work) {
        try {
            run(() -> {
                P message;
                try {
                    message = work.get();
                } catch (RuntimeException e) {
                    response.onError(Statuses.of(e).asException());
                    return;
                }
                response.onNext(message);
                response.onCompleted();
            });
        } catch (StatusException e) {
            response.onError(e);
        }
    }

    @Override
    public void close() {
        threads.shutdown();
        try {
            if (!threads.awaitTermination(10, TimeUnit.SECONDS)) {
                threads.shutdownNow();
            }
        } catch (InterruptedException e) {
            threads.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }
}
