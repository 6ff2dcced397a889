package org.openlora.server.http;

import com.linecorp.armeria.common.HttpStatus;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// Runs what may take a moment, and so may not run on an event loop, on virtual threads: so many at once and no more,
/// and none when the server is not ready.
final class Admitting implements AutoCloseable {
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Semaphore permits;
    private final int limit;
    private final BooleanSupplier ready;

    Admitting(int limit, BooleanSupplier ready) {
        this.limit = limit;
        this.permits = new Semaphore(limit);
        this.ready = ready;
    }

    /// @param work may throw what [ApiError#of] knows
    /// @param refused gets the error where `work` was not run or threw
    void run(Runnable work, Consumer<ApiError> refused) {
        if (!ready.getAsBoolean()) {
            refused.accept(ApiError.unavailable("the server is shutting down"));
        } else if (permits.tryAcquire()) {
            threads.execute(() -> {
                try {
                    work.run();
                } catch (RuntimeException e) {
                    refused.accept(ApiError.of(e));
                } finally {
                    permits.release();
                }
            });
        } else {
            refused.accept(new ApiError(
                    HttpStatus.TOO_MANY_REQUESTS,
                    "RateLimitError",
                    "%d requests are being read already; try again later".formatted(limit),
                    null));
        }
    }

    @Override
    public void close() {
        threads.close();
    }
}
