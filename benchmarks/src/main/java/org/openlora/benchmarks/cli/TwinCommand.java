package org.openlora.benchmarks.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.openlora.benchmarks.kernels.DenseLayer;
import org.openlora.benchmarks.kernels.TwinSuite;
import org.openlora.benchmarks.report.Provenance;
import org.openlora.benchmarks.report.ResultsFolder;
import org.openlora.benchmarks.report.TwinReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora bench twin`.
@Command(
        name = "twin",
        description = "Judges the Java kernels of dense layers by the same loops in C, alternating in one process.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class TwinCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private OutputOptions output = new OutputOptions();

    @Option(
            names = "--layer",
            paramLabel = "L",
            split = ",",
            defaultValue = "SMOLLM2_GATE_UP,SMOLLM2_DOWN,LLAMA1B_GATE_UP",
            description = "Any of ${COMPLETION-CANDIDATES}; default ${DEFAULT-VALUE}.")
    private List<DenseLayer> layers = List.of();

    @Option(
            names = "--rows",
            paramLabel = "N",
            split = ",",
            defaultValue = "1,8,32,128",
            description = "Batch sizes; default ${DEFAULT-VALUE}.")
    private List<Integer> rows = List.of();

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "2",
            description = "Of each comparison; default ${DEFAULT-VALUE}.")
    private double seconds = 2;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        Provenance provenance = Provenance.now(
                OutputOptions.root(), spec.root().commandLine().getParseResult().originalArgs());
        ResultsFolder results = new ResultsFolder(output.folder(), "twin", provenance);
        TwinReport report = new TwinReport(provenance, TwinSuite.run(layers, rows, seconds));
        out.printf("%-18s %6s %12s %12s %12s%n", "layer", "rows", "Java", "C", "Java of C");
        for (TwinReport.Pair pair : report.pairs()) {
            out.printf(
                    Locale.ROOT,
                    "%-18s %6d %9.1f us %9.1f us %10.0f %%%n",
                    pair.layer(),
                    pair.rows(),
                    pair.javaNanos() / 1e3,
                    pair.cNanos() / 1e3,
                    100 * pair.javaSpeedOfC());
        }
        out.println(results.writeJson(report));
        return 0;
    }
}
