package org.openlora.benchmarks.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.openlora.benchmarks.load.Popularity;
import org.openlora.benchmarks.report.Provenance;
import org.openlora.benchmarks.report.ResultsFolder;
import org.openlora.benchmarks.serving.Soak;
import org.openlora.benchmarks.serving.Target;
import org.openlora.benchmarks.serving.TargetOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora bench soak`.
@Command(
        name = "soak",
        description = "Full load for minutes with random aborts; reports whether the server's memory stays flat.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class SoakCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private TargetOptions target = new TargetOptions();

    @Mixin
    private OutputOptions output = new OutputOptions();

    @Option(names = "--minutes", paramLabel = "M", defaultValue = "10", description = "Default ${DEFAULT-VALUE}.")
    private double minutes = 10;

    @Option(names = "--streams", paramLabel = "N", defaultValue = "8", description = "Default ${DEFAULT-VALUE}.")
    private int streams = 8;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            defaultValue = "128",
            description = "Of each request; default ${DEFAULT-VALUE}.")
    private int maxTokens = 128;

    @Option(
            names = "--abort",
            paramLabel = "SHARE",
            defaultValue = "0.3",
            description = "Of the requests that are given up halfway; default ${DEFAULT-VALUE}.")
    private double abortShare = 0.3;

    @Option(
            names = "--popularity",
            paramLabel = "P",
            defaultValue = "ZIPF",
            description = "Of the adapters: ${COMPLETION-CANDIDATES}; default zipf.")
    private Popularity popularity = Popularity.ZIPF;

    @Override
    public Integer call() throws InterruptedException {
        Path root = OutputOptions.root();
        PrintWriter out = spec.commandLine().getOut();
        Provenance provenance =
                Provenance.now(root, spec.root().commandLine().getParseResult().originalArgs());
        ResultsFolder results = new ResultsFolder(output.folder(), "soak", provenance);
        try (Target server = Target.open(target, root)) {
            Soak soak = new Soak(
                    server, new Soak.Settings(minutes, streams, maxTokens, abortShare, popularity, target.seed()));
            Soak.Report report = soak.run(provenance, out);
            Double growth = report.growthMebibytesPerMinute();
            if (growth != null) {
                out.printf(Locale.ROOT, "memory grew by %.2f MiB a minute in the second half%n", growth);
            }
            out.println(results.writeJson(report));
            return report.failed() == 0 && report.healthyAfterwards() ? 0 : 1;
        }
    }
}
