package org.openlora.benchmarks.serving;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.openlora.benchmarks.load.Arrivals;
import org.openlora.benchmarks.load.Completion;
import org.openlora.benchmarks.load.CompletionRequest;
import org.openlora.benchmarks.load.LoadGenerator;
import org.openlora.benchmarks.load.LoadSummary;
import org.openlora.benchmarks.load.Percentiles;
import org.openlora.benchmarks.load.Prompts;
import org.openlora.benchmarks.load.StalledClient;
import org.openlora.benchmarks.load.Workload;
import org.openlora.benchmarks.machine.CeilingProbe;
import org.openlora.benchmarks.machine.Ceilings;
import org.openlora.benchmarks.machine.Neighbour;
import org.openlora.benchmarks.machine.Peak;
import org.openlora.benchmarks.machine.ProcessorTime;
import org.openlora.benchmarks.report.Provenance;
import org.openlora.benchmarks.report.ServingReport;
import org.openlora.benchmarks.report.ServingReport.Distribution;
import org.openlora.benchmarks.report.ServingReport.Repetition;
import org.openlora.benchmarks.report.ServingReport.WorkloadReport;
import org.openlora.benchmarks.roofline.ModelShape;
import org.openlora.benchmarks.roofline.Roofline;

/// Measures workloads on a [Target]: repetitions of all of them interleaved, so that drift of the machine hits all
/// alike, between two measurements of its ceilings.
public final class ServingBenchmark {
    private static final int WARM_UP_TOKENS = 8;
    private static final int WARM_UP_STREAMS = 8;
    private static final int STALLED_TOKENS = 1024;
    private static final long STALL_LEAD_MILLIS = 1_000;
    private static final long QUIET_PERIOD_MILLIS = 2_000;
    private static final double QUIET_SHARE = 0.05;
    /// Prompts are spread so that repetitions and workloads do not meet the prefixes of others in a cache.
    private static final int REPETITION_STRIDE = 53;
    private static final int WORKLOAD_STRIDE = 11;

    private final Target target;
    private final Settings settings;
    private final Prompts prompts;
    private final LoadGenerator generator;
    private final PrintWriter out;

    /// How to measure.
    ///
    /// @param repetitions of each workload
    /// @param maxTokens new tokens of each request
    /// @param waitQuietSeconds how long to wait, before each repetition, until others leave the machine alone
    /// @param ceilingSeconds for each probe of the machine's ceilings, 0 for none
    /// @param peak which arithmetic peak bounds computing
    /// @param bytesPerWeight of the served base, for the limit
    /// @param nativeProbes whether to compile probes in C
    public record Settings(
            int repetitions,
            int maxTokens,
            int waitQuietSeconds,
            double ceilingSeconds,
            Peak peak,
            double bytesPerWeight,
            boolean nativeProbes) {
        public Settings {
            if (repetitions < 1 || maxTokens < 1) {
                throw new IllegalArgumentException(
                        "%d repetitions of %d tokens; both must be at least 1".formatted(repetitions, maxTokens));
            }
        }
    }

    /// @param out gets a line for each repetition as it ends
    public ServingBenchmark(Target target, Settings settings, PrintWriter out) {
        this.target = target;
        this.settings = settings;
        this.out = out;
        this.prompts = target.prompts();
        this.generator = new LoadGenerator(target.client(), prompts, target.modelNames(), settings.maxTokens());
    }

    /// Runs every workload under every disturbance.
    public ServingReport run(Provenance provenance, List<Workload> workloads, List<Disturbance> disturbances)
            throws InterruptedException {
        Ceilings before = ceilings("before");
        warmUp();
        Map<String, Measured> measured = new LinkedHashMap<>();
        for (int repetition = 0; repetition < settings.repetitions(); repetition++) {
            for (int w = 0; w < workloads.size(); w++) {
                for (Disturbance disturbance : disturbances) {
                    Workload workload = workloads.get(w);
                    Measured series = measured.computeIfAbsent(
                            disturbance.label(workload.name()), name -> new Measured(name, workload));
                    int offset = repetition * REPETITION_STRIDE + w * WORKLOAD_STRIDE;
                    Repetition result = repeat(series, disturbance, offset);
                    print(series.name + " rep " + repetition, result, limit(workload, before));
                }
            }
        }
        Ceilings after = ceilings("after");
        Ceilings mean = before == null || after == null ? null : Ceilings.mean(before, after);
        return new ServingReport(
                provenance,
                target.describe(),
                prompts.source(),
                prompts.promptTokens(),
                settings.maxTokens(),
                settings.bytesPerWeight(),
                before,
                after,
                measured.values().stream()
                        .map(series -> series.report(limit(series.workload, mean)))
                        .toList());
    }

    private Repetition repeat(Measured series, Disturbance disturbance, int promptOffset) throws InterruptedException {
        awaitQuiet();
        return switch (disturbance) {
            case Disturbance.None _ -> repeat(series, promptOffset, null);
            case Disturbance.NoisyNeighbour(double share) -> {
                try (Neighbour neighbour = Neighbour.start(share)) {
                    yield repeat(series, promptOffset, neighbour.pid());
                }
            }
            case Disturbance.StalledReader _ -> {
                CompletionRequest request = new CompletionRequest(
                        target.modelNames().getFirst(),
                        Workload.NO_ADAPTER,
                        prompts.at(promptOffset - 1),
                        STALLED_TOKENS);
                try (StalledClient _ = StalledClient.start(target.address(), request)) {
                    Thread.sleep(STALL_LEAD_MILLIS);
                    yield repeat(series, promptOffset, null);
                }
            }
        };
    }

    private Repetition repeat(Measured series, int promptOffset, @Nullable Long neighbourPid) {
        long self = ProcessHandle.current().pid();
        Long server = target.pid();
        List<Long> known = new ArrayList<>(List.of(self));
        if (server != null) {
            known.add(server);
        }
        if (neighbourPid != null) {
            known.add(neighbourPid);
        }
        ProcessorTime all = new ProcessorTime(known);
        ProcessorTime client = new ProcessorTime(List.of(self));
        ProcessorTime neighbour = new ProcessorTime(neighbourPid == null ? List.of() : List.of(neighbourPid));
        LoadGenerator.Run run = generator.run(series.workload, promptOffset);
        Repetition repetition = new Repetition(
                LoadSummary.of(run),
                server == null ? null : nullable(all.others()),
                nullable(client.own()),
                neighbourPid == null ? null : nullable(neighbour.own()),
                server == null ? null : mebibytes(ProcessorTime.peakResidentBytes(server)));
        series.add(repetition, run.completions());
        run.completions().stream()
                .map(Completion::problem)
                .filter(problem -> problem != null)
                .distinct()
                .forEach(problem -> out.println("  failed: " + problem));
        return repetition;
    }

    /// Compiles the server's hot paths at the batch sizes to come, and opens the connections.
    private void warmUp() {
        LoadGenerator warm = new LoadGenerator(target.client(), prompts, target.modelNames(), WARM_UP_TOKENS);
        List<Integer> adapters = IntStream.range(0, WARM_UP_STREAMS)
                .mapToObj(i -> i < target.adapters() ? i : Workload.NO_ADAPTER)
                .toList();
        LoadGenerator.Run run =
                warm.run(new Workload("warm-up", new Arrivals.ClosedLoop(WARM_UP_STREAMS), adapters), -WARM_UP_STREAMS);
        out.printf(Locale.ROOT, "warm-up: %.1f s%n", run.wallSeconds());
    }

    private @Nullable Ceilings ceilings(String when) {
        if (settings.ceilingSeconds() <= 0) {
            return null;
        }
        try (CeilingProbe probe =
                new CeilingProbe(Runtime.getRuntime().availableProcessors(), settings.nativeProbes())) {
            Ceilings ceilings = probe.measure(settings.ceilingSeconds());
            out.printf("ceilings %s: %s%n", when, ceilings.describe());
            out.flush();
            return ceilings;
        }
    }

    private void awaitQuiet() throws InterruptedException {
        Long server = target.pid();
        long end = System.nanoTime() + settings.waitQuietSeconds() * 1_000_000_000L;
        while (server != null && System.nanoTime() < end) {
            ProcessorTime time =
                    new ProcessorTime(List.of(server, ProcessHandle.current().pid()));
            Thread.sleep(QUIET_PERIOD_MILLIS);
            if (time.others().orElse(0) < QUIET_SHARE) {
                return;
            }
        }
    }

    private Roofline.@Nullable Limit limit(Workload workload, @Nullable Ceilings ceilings) {
        ModelShape shape = target.shape();
        List<Integer> batch = workload.firstBatch();
        if (shape == null || ceilings == null || batch.isEmpty()) {
            return null;
        }
        return new Roofline(
                        shape,
                        ceilings.readGigabytesPerSecond(),
                        settings.peak().gflops(ceilings),
                        settings.bytesPerWeight())
                .limit(batch, target::rank, prompts.promptTokens(), settings.maxTokens());
    }

    private void print(String label, Repetition repetition, Roofline.@Nullable Limit limit) {
        LoadSummary load = repetition.load();
        Double others = repetition.othersShare();
        Double client = repetition.clientShare();
        out.printf(
                Locale.ROOT,
                "%-24s %7.1f tok/s%s  TTFT p50 %.0f p99 %.0f ms  ITL p50 %.1f p99 %.1f ms%s%s%s%n",
                label,
                load.tokensPerSecond(),
                limit == null
                        ? ""
                        : String.format(
                                Locale.ROOT,
                                " (%.0f %% of %.0f)",
                                100 * load.tokensPerSecond() / limit.tokensPerSecond(),
                                limit.tokensPerSecond()),
                load.ttft().p50Millis(),
                load.ttft().p99Millis(),
                load.itl().p50Millis(),
                load.itl().p99Millis(),
                client == null ? "" : String.format(Locale.ROOT, "  client %.1f %%", 100 * client),
                others == null ? "" : String.format(Locale.ROOT, "  others %.0f %%", 100 * others),
                load.failed() == 0 ? "" : "  FAILED " + load.failed());
        out.flush();
    }

    private static @Nullable Double nullable(OptionalDouble value) {
        return value.isPresent() ? value.getAsDouble() : null;
    }

    private static @Nullable Double mebibytes(OptionalLong bytes) {
        return bytes.isPresent() ? bytes.getAsLong() / (double) (1 << 20) : null;
    }

    /// All repetitions of one workload under one disturbance.
    private static final class Measured {
        final String name;
        final Workload workload;
        private final List<Repetition> repetitions = new ArrayList<>();
        private final List<Completion> completions = new ArrayList<>();

        Measured(String name, Workload workload) {
            this.name = name;
            this.workload = workload;
        }

        void add(Repetition repetition, List<Completion> completed) {
            repetitions.add(repetition);
            completions.addAll(completed);
        }

        WorkloadReport report(Roofline.@Nullable Limit limit) {
            return WorkloadReport.of(
                    name,
                    workload.arrivals().toString(),
                    workload.adapters().size(),
                    limit,
                    new Distribution(
                            percentiles(LoadSummary.firstTokenMillis(completions)),
                            percentiles(LoadSummary.interTokenMillis(completions))),
                    repetitions);
        }

        private static List<Double> percentiles(DoubleStream millis) {
            Percentiles percentiles = new Percentiles(millis);
            return percentiles.isEmpty()
                    ? List.of()
                    : IntStream.rangeClosed(0, 100)
                            .mapToObj(percent -> Math.rint(1e3 * percentiles.at(percent)) / 1e3)
                            .toList();
        }
    }
}
