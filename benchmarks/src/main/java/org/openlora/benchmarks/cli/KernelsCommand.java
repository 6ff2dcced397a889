package org.openlora.benchmarks.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.openlora.benchmarks.kernels.KernelSuite;
import org.openlora.benchmarks.report.KernelReport;
import org.openlora.benchmarks.report.Provenance;
import org.openlora.benchmarks.report.ResultsFolder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `openlora bench kernels`.
@Command(
        name = "kernels",
        description = "Measures single kernels by JMH, each fork between two measurements of the machine's ceilings.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class KernelsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private OutputOptions output = new OutputOptions();

    @Parameters(
            arity = "0..1",
            paramLabel = "REGEX",
            defaultValue = "",
            description = "Benchmarks to run, such as decodeGemv or lora; default: all.")
    private String include = "";

    @Option(
            names = {"-p", "--param"},
            paramLabel = "NAME=A,B",
            description = "Values of a parameter instead of its defaults, such as rows=8,128.")
    private Map<String, String> parameters = new LinkedHashMap<>();

    @Option(names = "--forks", paramLabel = "N", defaultValue = "5", description = "Default ${DEFAULT-VALUE}.")
    private int forks = 5;

    @Option(
            names = "--warm-up",
            paramLabel = "N",
            defaultValue = "3",
            description = "Iterations; default ${DEFAULT-VALUE}.")
    private int warmUpIterations = 3;

    @Option(names = "--iterations", paramLabel = "N", defaultValue = "3", description = "Default ${DEFAULT-VALUE}.")
    private int iterations = 3;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "1",
            description = "Of each iteration; default ${DEFAULT-VALUE}.")
    private double seconds = 1;

    @Override
    public Integer call() {
        Path root = OutputOptions.root();
        PrintWriter out = spec.commandLine().getOut();
        Provenance provenance =
                Provenance.now(root, spec.root().commandLine().getParseResult().originalArgs());
        ResultsFolder results = new ResultsFolder(output.folder(), "kernels", provenance);
        Map<String, String[]> values = new LinkedHashMap<>();
        parameters.forEach((name, list) -> values.put(name, list.split(",")));
        KernelReport report = KernelSuite.run(
                provenance,
                new KernelSuite.Settings(
                        include,
                        values,
                        forks,
                        warmUpIterations,
                        iterations,
                        seconds,
                        output.ceilingSeconds,
                        output.usesNative()));
        print(report, out);
        out.println(results.writeJson(report));
        return 0;
    }

    private static void print(KernelReport report, PrintWriter out) {
        out.printf(
                "%n%-60s %12s %28s %30s%n",
                "median over %d forks (fraction of the ceiling: worst to best)".formatted(report.forks()),
                "time",
                "memory",
                "arithmetic");
        for (KernelReport.Kernel kernel : report.kernels()) {
            out.printf(
                    Locale.ROOT,
                    "%-60s %9.1f us %28s %30s%n",
                    kernel.name() + " " + kernel.parameters(),
                    kernel.nanosPerOperation().median() / 1e3,
                    describe(kernel.memory()),
                    describe(kernel.compute()));
        }
    }

    private static String describe(KernelReport.@Nullable Rate rate) {
        return rate == null
                ? ""
                : String.format(
                        Locale.ROOT,
                        "%.1f %s %.0f %% (%.0f-%.0f)",
                        rate.rate().median(),
                        rate.unit(),
                        100 * rate.fraction().median(),
                        100 * rate.fraction().min(),
                        100 * rate.fraction().max());
    }
}
