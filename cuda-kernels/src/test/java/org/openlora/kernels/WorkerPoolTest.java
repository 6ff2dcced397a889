package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WorkerPoolTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void run_manyCallsOfManySizes_runsEachTaskOnce(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            for (int call = 0; call < 2_000; call++) {
                int tasks = call % 37;
                AtomicIntegerArray runs = new AtomicIntegerArray(tasks);
                pool.run(tasks, runs::incrementAndGet);
                for (int i = 0; i < tasks; i++) {
                    assertThat(runs.get(i)).isEqualTo(1);
                }
            }
        }
    }

    @Test
    void run_afterWorkersHaveParked_wakesThem() {
        try (WorkerPool pool = new WorkerPool(3)) {
            for (int call = 0; call < 20; call++) {
                LockSupport.parkNanos(2_000_000);
                CountDownLatch all = new CountDownLatch(3);
                pool.run(3, _ -> {
                    all.countDown();
                    awaitUninterrupted(all);
                });
                assertThat(all.getCount()).isZero();
            }
        }
    }

    @Test
    void run_tasksThatWaitForEachOther_useAllThreads() {
        Set<Thread> seen = ConcurrentHashMap.newKeySet();
        CountDownLatch all = new CountDownLatch(4);
        try (WorkerPool pool = new WorkerPool(4)) {
            pool.run(4, _ -> {
                seen.add(Thread.currentThread());
                all.countDown();
                awaitUninterrupted(all);
            });
        }
        assertThat(seen).hasSize(4).contains(Thread.currentThread());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void run_taskThrows_callerGetsTheExceptionAndThePoolLivesOn(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            for (int failing = 0; failing < 8; failing++) {
                int thrower = failing;
                assertThatThrownBy(() -> pool.run(8, i -> {
                            if (i == thrower) {
                                throw new ArithmeticException("task " + i);
                            }
                        }))
                        .isInstanceOf(ArithmeticException.class)
                        .hasMessage("task " + failing);
            }
            assertThatThrownBy(() -> pool.run(8, _ -> {
                        throw new StackOverflowError("deep");
                    }))
                    .isInstanceOf(StackOverflowError.class);
            AtomicIntegerArray runs = new AtomicIntegerArray(8);
            pool.run(8, runs::incrementAndGet);
            assertThat(runs.toString()).isEqualTo("[1, 1, 1, 1, 1, 1, 1, 1]");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void run_fromWithinATask_isRefused(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            assertThatIllegalStateException()
                    .isThrownBy(() -> pool.run(2, _ -> pool.run(1, _ -> {})))
                    .withMessage("WorkerPool.run called while another run is in progress");
        }
    }

    @Test
    void run_afterClose_isRefused() {
        WorkerPool pool = new WorkerPool(2);
        pool.close();
        assertThatIllegalStateException().isThrownBy(() -> pool.run(1, _ -> {})).withMessage("WorkerPool is closed");
    }

    @Test
    void new_noThreads_isRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new WorkerPool(0))
                .withMessage("threads is 0, must be positive");
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
