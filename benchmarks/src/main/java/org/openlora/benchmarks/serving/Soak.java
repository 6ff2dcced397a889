package org.openlora.benchmarks.serving;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.openlora.benchmarks.load.Completion;
import org.openlora.benchmarks.load.CompletionRequest;
import org.openlora.benchmarks.load.Popularity;
import org.openlora.benchmarks.load.Prompts;
import org.openlora.benchmarks.machine.ProcessorTime;
import org.openlora.benchmarks.report.Provenance;

/// Full load for minutes, a share of the requests given up halfway, and whether the server's memory stays flat.
///
/// What the server holds inside (key/value blocks, leases) is for the engine's own tests: this sees a process from
/// outside.
public final class Soak {
    private static final long SAMPLE_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final int DRAWS = 4096;
    /// A server that refuses everything would be asked without end.
    private static final int MAX_FAILURES = 100;

    private final Target target;
    private final Settings settings;
    private final Prompts prompts;
    private final SplittableRandom random;
    private final List<Integer> adapters;
    private final AtomicInteger finished = new AtomicInteger();
    private final AtomicInteger aborted = new AtomicInteger();
    private final AtomicInteger failed = new AtomicInteger();

    /// @param abortShare of the requests that are given up after a random number of tokens, 0 to 1
    public record Settings(
            double minutes, int streams, int maxTokens, double abortShare, Popularity popularity, long seed) {
        public Settings {
            if (!(minutes > 0) || streams < 1 || maxTokens < 1) {
                throw new IllegalArgumentException("%s minutes, %d streams, %d tokens; all must be positive"
                        .formatted(minutes, streams, maxTokens));
            }
            if (!(abortShare >= 0 && abortShare <= 1)) {
                throw new IllegalArgumentException("--abort is %s; allowed are 0 to 1".formatted(abortShare));
            }
        }
    }

    /// What came of it.
    ///
    /// @param residentMebibytes the server's memory each second; empty for a server elsewhere
    /// @param growthMebibytesPerMinute of the line of least squares through the second half; null without samples
    /// @param healthyAfterwards whether the server answers when all is over
    public record Report(
            Provenance provenance,
            String server,
            Settings settings,
            int finished,
            int aborted,
            int failed,
            List<Double> residentMebibytes,
            @Nullable Double growthMebibytesPerMinute,
            boolean healthyAfterwards) {}

    public Soak(Target target, Settings settings) {
        this.target = target;
        this.settings = settings;
        this.prompts = target.prompts();
        this.random = new SplittableRandom(settings.seed());
        this.adapters = settings.popularity().choose(DRAWS, target.adapters(), settings.seed());
    }

    /// @param out gets a line each minute
    public Report run(Provenance provenance, PrintWriter out) throws InterruptedException {
        Semaphore streams = new Semaphore(settings.streams());
        List<Double> resident = new ArrayList<>();
        long start = System.nanoTime();
        long end = start + (long) (settings.minutes() * TimeUnit.MINUTES.toNanos(1));
        long nextSample = start;
        long nextLine = start;
        for (int index = 0; System.nanoTime() < end && failed.get() < MAX_FAILURES; ) {
            if (streams.tryAcquire(SAMPLE_NANOS, TimeUnit.NANOSECONDS)) {
                send(index++, streams);
            }
            if (System.nanoTime() >= nextSample) {
                nextSample += SAMPLE_NANOS;
                sample(resident);
            }
            if (System.nanoTime() >= nextLine) {
                nextLine += TimeUnit.MINUTES.toNanos(1);
                print(out, start, resident);
            }
        }
        streams.acquire(settings.streams());
        print(out, start, resident);
        return new Report(
                provenance,
                target.describe(),
                settings,
                finished.get(),
                aborted.get(),
                failed.get(),
                resident,
                growth(resident),
                target.client().isHealthy());
    }

    private void send(int index, Semaphore streams) {
        int adapter = adapters.get(index % adapters.size());
        int abortAfter = random.nextDouble() < settings.abortShare()
                ? random.nextInt(1, settings.maxTokens() + 1)
                : Integer.MAX_VALUE;
        CompletionRequest request = new CompletionRequest(
                target.modelNames().get(adapter + 1), adapter, prompts.at(index), settings.maxTokens());
        var _ = target.client().complete(request, abortAfter).thenAccept(completion -> {
            count(completion);
            streams.release();
        });
    }

    private void count(Completion completion) {
        var _ =
                switch (completion.outcome()) {
                    case FINISHED -> finished.incrementAndGet();
                    case ABORTED -> aborted.incrementAndGet();
                    case FAILED -> failed.incrementAndGet();
                };
    }

    private void sample(List<Double> resident) {
        Long pid = target.pid();
        if (pid != null) {
            ProcessorTime.residentBytes(pid).ifPresent(bytes -> resident.add(bytes / (double) (1 << 20)));
        }
    }

    private void print(PrintWriter out, long startNanos, List<Double> resident) {
        out.printf(
                Locale.ROOT,
                "%5.1f min: %d finished, %d aborted, %d failed%s%n",
                (System.nanoTime() - startNanos) / 60e9,
                finished.get(),
                aborted.get(),
                failed.get(),
                resident.isEmpty() ? "" : String.format(Locale.ROOT, ", server %.0f MiB", resident.getLast()));
        out.flush();
    }

    /// Slope of the second half's line of least squares: the first half fills caches and compiles.
    static @Nullable Double growth(List<Double> mebibytesEachSecond) {
        double[] half = mebibytesEachSecond.stream()
                .skip(mebibytesEachSecond.size() / 2)
                .mapToDouble(Double::doubleValue)
                .toArray();
        if (half.length < 2) {
            return null;
        }
        double meanX = (half.length - 1) / 2.0;
        double meanY = Arrays.stream(half).average().orElseThrow();
        double covariance = 0;
        double variance = 0;
        for (int second = 0; second < half.length; second++) {
            covariance += (second - meanX) * (half[second] - meanY);
            variance += (second - meanX) * (second - meanX);
        }
        return covariance / variance * TimeUnit.MINUTES.toSeconds(1);
    }
}
