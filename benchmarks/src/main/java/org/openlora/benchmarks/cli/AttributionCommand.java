package org.openlora.benchmarks.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.openlora.adapters.BaseWeights;
import org.openlora.benchmarks.attribution.AttributionBenchmark;
import org.openlora.benchmarks.attribution.AttributionReport;
import org.openlora.benchmarks.attribution.AttributionSettings;
import org.openlora.benchmarks.fleet.Fleet;
import org.openlora.benchmarks.fleet.FleetSpec;
import org.openlora.benchmarks.fleet.FleetWriter;
import org.openlora.benchmarks.load.Prompts;
import org.openlora.benchmarks.report.Provenance;
import org.openlora.benchmarks.report.ResultsFolder;
import org.openlora.engine.model.LlamaModel;
import org.openlora.engine.weights.BaseCheckpoint;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora bench attribution`.
@Command(
        name = "attribution",
        description = "The same requests with scoring on and held, in pairs on one server: what attribution costs in"
                + " tokens a second, and in processor time by the threads' own clocks.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class AttributionCommand implements Callable<Integer> {
    private static final String BUNDLED = "models/openlora-tiny";
    private static final int RANK = 16;

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
            names = "--work",
            paramLabel = "DIR",
            required = true,
            description = "Folder for generated adapters, datanets and the server's state.")
    private Path work = Path.of("");

    @Option(names = "--adapters", paramLabel = "N", defaultValue = "8", description = "Default ${DEFAULT-VALUE}.")
    private int adapters = 8;

    @Option(
            names = "--streams",
            paramLabel = "N",
            defaultValue = "16",
            description = "Answers that grow at once; default ${DEFAULT-VALUE}.")
    private int streams = 16;

    @Option(
            names = "--pairs",
            paramLabel = "N",
            defaultValue = "6",
            description = "Of runs with scoring on and held; 6 give an interval of 97 %% confidence. Default"
                    + " ${DEFAULT-VALUE}.")
    private int pairs = 6;

    @Option(
            names = "--requests",
            paramLabel = "N",
            defaultValue = "64",
            description = "Of each run; default ${DEFAULT-VALUE}.")
    private int requests = 64;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            defaultValue = "128",
            description = "New tokens of each request; default ${DEFAULT-VALUE}.")
    private int maxTokens = 128;

    @Option(
            names = "--prompt-tokens",
            paramLabel = "N",
            defaultValue = "64",
            description = "Of each request; default ${DEFAULT-VALUE}.")
    private int promptTokens = 64;

    @Option(
            names = "--corpus-tokens",
            paramLabel = "N",
            defaultValue = "5000000",
            description = "Of all datanets together, about; default ${DEFAULT-VALUE}.")
    private long corpusTokens = 5_000_000;

    @Option(
            names = "--recorded",
            paramLabel = "SHARE",
            defaultValue = "0.5",
            description = "Of the requests whose answers stand in the datanets; default ${DEFAULT-VALUE}.")
    private double recorded = 0.5;

    @Option(names = "--provisional", description = "Growing answers are attributed too, in every stream.")
    private boolean provisional;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Of everything drawn at random.")
    private long seed = 1;

    @Override
    public Integer call() {
        Path root = OutputOptions.root();
        PrintWriter out = spec.commandLine().getOut();
        Provenance provenance =
                Provenance.now(root, spec.root().commandLine().getParseResult().originalArgs());
        ResultsFolder results = new ResultsFolder(output.folder(), "attribution", provenance);
        Path base = (model.toString().isEmpty() ? root.resolve(BUNDLED) : model).toAbsolutePath();
        Path folder = folder();
        AttributionSettings settings = new AttributionSettings(
                adapters, streams, pairs, requests, maxTokens, promptTokens, corpusTokens, recorded, provisional, seed);
        Fleet fleet;
        Prompts prompts;
        int vocabulary;
        try (BaseCheckpoint checkpoint = BaseCheckpoint.open(base)) {
            BaseWeights shapes = LlamaModel.adaptableModules(checkpoint);
            fleet = new FleetWriter(shapes, out)
                    .write(
                            new FleetSpec(shapes.digest(), adapters, RANK, RANK, FleetSpec.ALL_LINEAR, seed),
                            folder.resolve("adapters"));
            vocabulary = checkpoint.config().vocabularySize();
            prompts = Prompts.random(requests, promptTokens, promptTokens, vocabulary, seed);
        }
        AttributionReport report = new AttributionBenchmark(settings, prompts, vocabulary, out)
                .run(provenance, new AttributionBenchmark.Place(root, base, folder), fleet);
        print(report, out);
        out.println(results.writeJson(report));
        return 0;
    }

    private Path folder() {
        try {
            return Files.createDirectories(work.toAbsolutePath());
        } catch (IOException e) {
            throw new Problem(
                    "%s cannot be made: %s".formatted(work, Problem.describe(e)), "name another folder with --work", e);
        }
    }

    private static void print(AttributionReport report, PrintWriter out) {
        out.printf(
                Locale.ROOT,
                "%n%d streams, %d adapters, %.2f M corpus tokens, %.0f %% of the tokens by evidence%s%n",
                report.streams(),
                report.adapters(),
                report.corpusTokens() / 1e6,
                100 * report.evidenceShare(),
                report.provisional() ? ", attributed while they grew too" : "");
        out.printf(
                Locale.ROOT,
                "throughput lost: median %.2f %%, %.2f to %.2f %% with %.0f %% confidence over %d pairs%n",
                100 * report.loss().median(),
                100 * report.loss().low(),
                100 * report.loss().high(),
                100 * report.loss().confidence(),
                report.loss().losses().size());
        out.printf(
                Locale.ROOT,
                "processor time: attribution %.3f %% of serving's; scoring and pricing %.2f us a generated token%n",
                100 * report.cpuShare(),
                report.scoringMicrosPerToken());
    }
}
