package org.openlora.benchmarks.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.openlora.adapters.BaseWeights;
import org.openlora.benchmarks.fleet.Fleet;
import org.openlora.benchmarks.fleet.FleetBenchmark;
import org.openlora.benchmarks.fleet.FleetSettings;
import org.openlora.benchmarks.fleet.FleetSpec;
import org.openlora.benchmarks.fleet.FleetWriter;
import org.openlora.benchmarks.fleet.Room;
import org.openlora.benchmarks.load.Prompts;
import org.openlora.benchmarks.report.FleetPlot;
import org.openlora.benchmarks.report.FleetReport;
import org.openlora.benchmarks.report.FleetReport.ColdStarts;
import org.openlora.benchmarks.report.FleetReport.Memory;
import org.openlora.benchmarks.report.FleetReport.Verdict;
import org.openlora.benchmarks.report.Provenance;
import org.openlora.benchmarks.report.ResultsFolder;
import org.openlora.engine.model.LlamaModel;
import org.openlora.engine.weights.BaseCheckpoint;
import org.openlora.kernels.LoraLayout;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora bench fleet`.
@Command(
        name = "fleet",
        description = "Thousands of generated adapters on one server: checks every answer against the adapter's own,"
                + " and measures what loading beside running answers, registering and cold starts cost.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class FleetCommand implements Callable<Integer> {
    private static final int PROMPT_POOL = 64;
    private static final String BUNDLED = "models/openlora-tiny";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private OutputOptions output = new OutputOptions();

    @Option(
            names = "--model",
            paramLabel = "DIR-or-GGUF",
            description = "The base: a Hugging Face folder or a .gguf file; default: the bundled model.")
    private Path model = Path.of("");

    @Option(
            names = "--fleet",
            paramLabel = "DIR",
            required = true,
            description = "Folder of the generated adapters and the servers' homes; used again when it holds them.")
    private Path folder = Path.of("");

    @Option(
            names = "--adapters",
            paramLabel = "N",
            defaultValue = "5000",
            description = "Registered adapters; default ${DEFAULT-VALUE}.")
    private int adapters = 5000;

    @Option(
            names = "--ranks",
            paramLabel = "MIN-MAX",
            defaultValue = "4-64",
            description = "Of the adapters; default ${DEFAULT-VALUE}.")
    private String ranks = "4-64";

    @Option(
            names = "--targets",
            paramLabel = "MODULE",
            split = ",",
            description = "Modules that each adapter changes; default: all seven projections.")
    private List<String> targets = FleetSpec.ALL_LINEAR;

    @Option(
            names = "--device-slots",
            paramLabel = "N",
            defaultValue = "16",
            description = "Room on the device, in adapters; default ${DEFAULT-VALUE}.")
    private int deviceSlots = 16;

    @Option(
            names = "--host-adapters",
            paramLabel = "N",
            defaultValue = "200",
            description = "Room in memory, in adapters of the mean size; default ${DEFAULT-VALUE}.")
    private int hostAdapters = 200;

    @Option(
            names = "--streams",
            paramLabel = "N",
            defaultValue = "16",
            description = "Closed loops over the whole fleet; default ${DEFAULT-VALUE}.")
    private int streams = 16;

    @Option(
            names = "--requests",
            paramLabel = "N",
            defaultValue = "600",
            description = "Of those loops, Zipf(1.0); every answer is checked. Default ${DEFAULT-VALUE}.")
    private int requests = 600;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            defaultValue = "32",
            description = "New tokens of each request; default ${DEFAULT-VALUE}.")
    private int maxTokens = 32;

    @Option(
            names = "--prompt-tokens",
            paramLabel = "N",
            defaultValue = "32",
            description = "Of each request; default ${DEFAULT-VALUE}.")
    private int promptTokens = 32;

    @Option(
            names = "--reps",
            paramLabel = "N",
            defaultValue = "4",
            description = "Of each comparison, its sides in turn; default ${DEFAULT-VALUE}.")
    private int repetitions = 4;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "15",
            description = "Of each side of the comparison of stalls; default ${DEFAULT-VALUE}.")
    private double seconds = 15;

    @Option(
            names = "--resident-streams",
            paramLabel = "N",
            defaultValue = "8",
            description = "Answers whose latency is watched while others load; default ${DEFAULT-VALUE}.")
    private int residentStreams = 8;

    @Option(
            names = "--cold-rate",
            paramLabel = "R",
            defaultValue = "10",
            description = "Cold loads a second beside them; default ${DEFAULT-VALUE}.")
    private double coldRate = 10;

    @Option(
            names = "--cold-starts",
            paramLabel = "N",
            defaultValue = "40",
            description = "Requests alone on the server, of each kind; default ${DEFAULT-VALUE}.")
    private int coldStarts = 40;

    @Option(
            names = "--few",
            paramLabel = "N",
            defaultValue = "16",
            description = "Registered adapters that all are compared with; default ${DEFAULT-VALUE}.")
    private int few = 16;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Of everything drawn at random.")
    private long seed = 1;

    @Override
    public Integer call() throws InterruptedException {
        Path root = OutputOptions.root();
        PrintWriter out = spec.commandLine().getOut();
        Provenance provenance =
                Provenance.now(root, spec.root().commandLine().getParseResult().originalArgs());
        ResultsFolder results = new ResultsFolder(output.folder(), "fleet", provenance);
        Path base = model.toString().isEmpty() ? root.resolve(BUNDLED) : model;
        FleetSettings settings = new FleetSettings(
                streams, requests, maxTokens, repetitions, seconds, residentStreams, coldRate, coldStarts, few, seed);
        Fleet all;
        Fleet some;
        Prompts prompts;
        try (BaseCheckpoint checkpoint = BaseCheckpoint.open(base)) {
            BaseWeights shapes = LlamaModel.adaptableModules(checkpoint, LoraLayout.RANK_ROWS);
            FleetSpec fleet = spec(shapes);
            FleetWriter writer = new FleetWriter(shapes, out);
            all = writer.write(fleet, folder.resolve("adapters"));
            some = writer.write(fleet.first(few), folder.resolve("adapters-few"));
            prompts = Prompts.random(
                    PROMPT_POOL, promptTokens, promptTokens, checkpoint.config().vocabularySize(), seed);
        }
        FleetReport report = new FleetBenchmark(settings, prompts, out)
                .run(
                        provenance,
                        new FleetBenchmark.Place(root, base.toString(), home(), folder.resolve("server.log")),
                        all,
                        some,
                        Room.of(all, deviceSlots, hostAdapters));
        print(report, out);
        out.println(results.writeJson(report));
        out.println(results.writeSvg(FleetPlot.of(report)));
        return report.verdicts().getFirst().held() ? 0 : 1;
    }

    private FleetSpec spec(BaseWeights shapes) {
        String[] range = ranks.split("-", 2);
        try {
            int least = Integer.parseInt(range[0]);
            int most = range.length == 1 ? least : Integer.parseInt(range[1]);
            return new FleetSpec(shapes.digest(), adapters, least, most, targets, seed);
        } catch (NumberFormatException e) {
            throw new Problem("--ranks is " + ranks, "write a number or two, such as 4-64", e);
        }
    }

    /// Empty each time: the first start is measured too.
    private Path home() {
        try {
            return Files.createTempDirectory(folder, "homes-");
        } catch (IOException e) {
            throw new Problem(
                    "%s cannot be written: %s".formatted(folder, Problem.describe(e)), "name another --fleet", e);
        }
    }

    private static void print(FleetReport report, PrintWriter out) {
        ColdStarts starts = report.coldStarts();
        out.printf(
                Locale.ROOT,
                "%nready: %.1f s, again %.1f s%n",
                report.startup().firstSeconds(),
                report.startup().againSeconds());
        out.printf(
                Locale.ROOT,
                "cold start, rank %d: decode step %.2f ms; first token %.2f ms resident, %.2f ms from memory (%+.1f"
                        + " steps), %.2f ms from disk (%+.1f steps)%n",
                starts.rank(),
                starts.step().p50Millis(),
                starts.resident().p50Millis(),
                starts.host().p50Millis(),
                starts.hostSteps(),
                starts.disk().p50Millis(),
                starts.diskSteps());
        Memory memory = report.memory();
        out.printf(
                Locale.ROOT,
                "memory: %.0f MiB before any adapter, %.0f MiB room for adapters, peak %.0f MiB (%+.0f MiB besides)%n",
                memory.beforeMebibytes(),
                memory.adapterMebibytes(),
                memory.peakMebibytes(),
                memory.otherMebibytes());
        for (Verdict verdict : report.verdicts()) {
            out.printf("%s  %s: %s%n", verdict.held() ? "held  " : "BROKEN", verdict.promise(), verdict.figure());
        }
    }
}
