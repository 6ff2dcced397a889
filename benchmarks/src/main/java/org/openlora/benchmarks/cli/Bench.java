package org.openlora.benchmarks.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.openlora.benchmarks.load.Arrivals;
import org.openlora.benchmarks.load.Popularity;
import org.openlora.benchmarks.load.Workload;
import org.openlora.benchmarks.machine.Peak;
import org.openlora.benchmarks.report.Provenance;
import org.openlora.benchmarks.report.ResultsFolder;
import org.openlora.benchmarks.report.ServingPlot;
import org.openlora.benchmarks.report.ServingReport;
import org.openlora.benchmarks.report.ServingReport.Median;
import org.openlora.benchmarks.report.ServingReport.WorkloadReport;
import org.openlora.benchmarks.roofline.Roofline;
import org.openlora.benchmarks.serving.Disturbance;
import org.openlora.benchmarks.serving.ServingBenchmark;
import org.openlora.benchmarks.serving.Target;
import org.openlora.benchmarks.serving.TargetOptions;
import org.openlora.server.problem.Problem;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `openlora bench`: loads a server and says how far from the machine's limit it is.
@Command(
        name = "openlora bench",
        description = "Loads a server with the named workloads, or with one of your own, and reports throughput and"
                + " latency against what the machine allows.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        subcommands = {
            KernelsCommand.class,
            TwinCommand.class,
            CeilingsCommand.class,
            SoakCommand.class,
            FleetCommand.class,
            FlusherCommand.class,
            AttributionCommand.class,
            IndexCommand.class,
            AnchorCommand.class
        })
public final class Bench implements Callable<Integer> {
    private static final int FAILURE = 1;
    private static final int USAGE = 2;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private TargetOptions target = new TargetOptions();

    @Mixin
    private OutputOptions output = new OutputOptions();

    @Option(
            names = "--workload",
            paramLabel = "NAME",
            split = ",",
            description = "Any of B1, W1, W2, W3, W4, W5; default: all that the server has adapters for.")
    private List<String> workloads = List.of();

    @Option(
            names = "--popularity",
            paramLabel = "P",
            description = "A workload of your own instead: ${COMPLETION-CANDIDATES}.")
    private @Nullable Popularity popularity;

    @Option(
            names = "--streams",
            paramLabel = "N",
            defaultValue = "8",
            description = "Of your own workload: closed loop of N streams; default ${DEFAULT-VALUE}.")
    private int streams = 8;

    @Option(
            names = "--rate",
            paramLabel = "R",
            description = "Of your own workload: open loop, Poisson arrivals, R requests a second, instead of streams.")
    private @Nullable Double rate;

    @Option(
            names = "--requests",
            paramLabel = "N",
            defaultValue = "64",
            description = "Of your own workload; default ${DEFAULT-VALUE}.")
    private int requests = 64;

    @Option(
            names = "--adapters",
            paramLabel = "N",
            description = "Of your own workload: how many of the server's adapters take part; default: all.")
    private @Nullable Integer adapters;

    @Option(
            names = "--scale",
            paramLabel = "S",
            defaultValue = "1",
            description = "Share of a named workload's requests; default ${DEFAULT-VALUE}.")
    private double scale = 1;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            defaultValue = "128",
            description = "New tokens of each request; default ${DEFAULT-VALUE}.")
    private int maxTokens = 128;

    @Option(
            names = "--reps",
            paramLabel = "N",
            defaultValue = "3",
            description = "Repetitions, interleaved; medians are reported. Default ${DEFAULT-VALUE}.")
    private int repetitions = 3;

    @Option(
            names = "--neighbour",
            paramLabel = "SHARE",
            description = "Repeats everything beside a process that uses this share of the machine.")
    private @Nullable Double neighbour;

    @Option(names = "--stall", description = "Repeats everything beside a client that does not read its answer.")
    private boolean stall;

    @Option(
            names = "--peak",
            paramLabel = "TYPE",
            defaultValue = "AUTO",
            description =
                    "Whose arithmetic peak bounds the limit: ${COMPLETION-CANDIDATES}; default auto, which is bf16"
                            + " where the processor multiplies it.")
    private Peak peak = Peak.AUTO;

    @Option(
            names = "--bytes-per-weight",
            paramLabel = "B",
            defaultValue = "2",
            description = "Of the served base, for the limit: 2 is bf16, about 1 is int8; default ${DEFAULT-VALUE}.")
    private double bytesPerWeight = 2;

    @Option(
            names = "--wait-quiet",
            paramLabel = "SECONDS",
            defaultValue = "20",
            description = "Waits this long at most, before each repetition, until others use less than 5 %% of the"
                    + " machine; default ${DEFAULT-VALUE}.")
    private int waitQuietSeconds = 20;

    private Bench() {}

    public static void main(String[] args) {
        System.exit(run(args));
    }

    /// Runs a command and returns its exit status.
    static int run(String... args) {
        return new CommandLine(new Bench())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .setParameterExceptionHandler(Bench::usageError)
                .setExecutionExceptionHandler(Bench::failure)
                .execute(args);
    }

    @Override
    public Integer call() throws InterruptedException {
        Path root = OutputOptions.root();
        PrintWriter out = spec.commandLine().getOut();
        Provenance provenance =
                Provenance.now(root, spec.commandLine().getParseResult().originalArgs());
        ResultsFolder results = new ResultsFolder(output.folder(), "serving", provenance);
        ServingReport report;
        try (Target server = Target.open(target, root)) {
            out.printf("%s with %d adapters%n", server.describe(), server.adapters());
            ServingBenchmark benchmark = new ServingBenchmark(
                    server,
                    new ServingBenchmark.Settings(
                            repetitions,
                            maxTokens,
                            waitQuietSeconds,
                            output.ceilingSeconds,
                            peak,
                            bytesPerWeight,
                            output.usesNative()),
                    out);
            report = benchmark.run(provenance, workloads(server, out), disturbances());
        }
        print(report, out);
        out.println(results.writeJson(report));
        out.println(results.writeSvg(ServingPlot.of(report)));
        boolean failed = report.workloads().stream()
                .flatMap(workload -> workload.repetitions().stream())
                .anyMatch(repetition -> repetition.load().failed() > 0);
        return failed ? FAILURE : CommandLine.ExitCode.OK;
    }

    private List<Workload> workloads(Target server, PrintWriter out) {
        if (popularity != null) {
            if (!workloads.isEmpty()) {
                throw new ParameterException(spec.commandLine(), "--workload and --popularity exclude each other");
            }
            int taking = adapters == null ? server.adapters() : adapters;
            Arrivals arrivals =
                    rate == null ? new Arrivals.ClosedLoop(streams) : new Arrivals.OpenLoop(rate, target.seed());
            return List.of(new Workload(
                    popularity.name().toLowerCase(Locale.ROOT),
                    arrivals,
                    popularity.choose(requests, taking, target.seed())));
        }
        List<Workload> chosen = new ArrayList<>();
        for (String name : workloads.isEmpty() ? Workload.NAMES : workloads) {
            Workload workload = Workload.named(name, scale);
            if (workload.adaptersNeeded() <= server.adapters()) {
                chosen.add(workload);
            } else if (workloads.isEmpty()) {
                out.printf(
                        "%s is left out: it needs %d adapters, the server offers %d%n",
                        name, workload.adaptersNeeded(), server.adapters());
            } else {
                throw new Problem(
                        "workload %s needs %d adapters, the server offers %d"
                                .formatted(name, workload.adaptersNeeded(), server.adapters()),
                        "name a folder with more adapters with --adapter-root");
            }
        }
        return chosen;
    }

    private List<Disturbance> disturbances() {
        List<Disturbance> disturbances = new ArrayList<>(List.of(new Disturbance.None()));
        if (neighbour != null) {
            disturbances.add(new Disturbance.NoisyNeighbour(neighbour));
        }
        if (stall) {
            disturbances.add(new Disturbance.StalledReader());
        }
        return disturbances;
    }

    private static void print(ServingReport report, PrintWriter out) {
        out.printf(
                "%n%-26s %9s %9s %9s %11s %11s %11s %11s%n",
                "median", "tok/s", "limit", "fraction", "TTFT p50", "TTFT p99", "ITL p50", "ITL p99");
        for (WorkloadReport workload : report.workloads()) {
            Median median = workload.median();
            Roofline.Limit limit = workload.limit();
            Double fraction = median.fraction();
            out.printf(
                    Locale.ROOT,
                    "%-26s %9.1f %9s %9s %8.0f ms %8.0f ms %8.1f ms %8.1f ms%n",
                    workload.name(),
                    median.tokensPerSecond(),
                    limit == null ? "-" : String.format(Locale.ROOT, "%.1f", limit.tokensPerSecond()),
                    fraction == null ? "-" : String.format(Locale.ROOT, "%.0f %%", 100 * fraction),
                    median.ttftP50Millis(),
                    median.ttftP99Millis(),
                    median.itlP50Millis(),
                    median.itlP99Millis());
        }
    }

    private static int usageError(ParameterException e, String[] args) {
        CommandLine command = e.getCommandLine();
        command.getErr()
                .printf(
                        "openlora: %s; see %s --help%n",
                        Problem.describe(e), command.getCommandSpec().qualifiedName());
        return USAGE;
    }

    private static int failure(Exception failure, CommandLine command, CommandLine.ParseResult parsed) {
        String what =
                switch (failure) {
                    case Problem problem -> Problem.describe(problem);
                    case IllegalArgumentException e -> Problem.describe(e);
                    default -> failure.getClass().getSimpleName() + ": " + Problem.describe(failure);
                };
        command.getErr().println("openlora: " + what);
        if (!(failure instanceof Problem) && !(failure instanceof IllegalArgumentException)) {
            failure.printStackTrace(command.getErr());
        }
        return FAILURE;
    }
}
