package org.openlora.benchmarks.attribution;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;

/// Processor time of this process's threads by what they work for, from their own clocks.
///
/// @param attributionNanos of the threads that score receipts and guess at growing answers
/// @param clientNanos of the threads that send the load
/// @param servingNanos of all others: engine, kernels, network, the ledger's commits
record ThreadTimes(long attributionNanos, long clientNanos, long servingNanos) {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    /// Of every thread that lives now, since it began.
    record Clocks(Map<Long, Long> nanosById, Map<Long, Kind> kinds) {
        static Clocks read() {
            Map<Long, Long> nanos = new HashMap<>();
            Map<Long, Kind> kinds = new HashMap<>();
            for (ThreadInfo thread : THREADS.getThreadInfo(THREADS.getAllThreadIds())) {
                long time = thread == null ? -1 : THREADS.getThreadCpuTime(thread.getThreadId());
                if (time >= 0) {
                    nanos.put(thread.getThreadId(), time);
                    kinds.put(thread.getThreadId(), Kind.of(thread.getThreadName()));
                }
            }
            return new Clocks(nanos, kinds);
        }

        /// What has passed since.
        ThreadTimes since(Clocks start) {
            Map<Kind, Long> sums = new EnumMap<>(Kind.class);
            nanosById.forEach((id, nanos) -> sums.merge(
                    kinds.getOrDefault(id, Kind.SERVING),
                    nanos - start.nanosById().getOrDefault(id, 0L),
                    Long::sum));
            return new ThreadTimes(
                    sums.getOrDefault(Kind.ATTRIBUTION, 0L),
                    sums.getOrDefault(Kind.CLIENT, 0L),
                    sums.getOrDefault(Kind.SERVING, 0L));
        }
    }

    private enum Kind {
        ATTRIBUTION,
        CLIENT,
        SERVING;

        static Kind of(String thread) {
            if (thread.startsWith("usage-scoring") || thread.startsWith("provisional-attribution")) {
                return ATTRIBUTION;
            }
            return thread.equals("main") || thread.startsWith("armeria-common-worker") ? CLIENT : SERVING;
        }
    }

    /// Attribution's part of serving's time.
    double share() {
        return servingNanos == 0 ? 0 : attributionNanos / (double) servingNanos;
    }
}
