package org.openlora.benchmarks.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.openlora.benchmarks.attribution.IndexBenchmark;
import org.openlora.benchmarks.attribution.IndexReport;
import org.openlora.benchmarks.report.Provenance;
import org.openlora.benchmarks.report.ResultsFolder;
import org.openlora.meter.files.Progress;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora bench index`.
@Command(
        name = "index",
        description = "Builds suffix indices of synthetic corpora on the disk and searches them for responses.",
        mixinStandardHelpOptions = true)
final class IndexCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private OutputOptions output = new OutputOptions();

    @Option(
            names = "--tokens",
            split = ",",
            paramLabel = "N",
            defaultValue = "5000000,16000000",
            description = "Sizes of the corpora; default ${DEFAULT-VALUE}.")
    private List<Long> tokens = List.of();

    @Option(
            names = "--responses",
            paramLabel = "N",
            defaultValue = "400",
            description = "Responses of 256 tokens in each repetition; default ${DEFAULT-VALUE}.")
    private int responses = 400;

    @Option(names = "--reps", paramLabel = "N", defaultValue = "5", description = "Default ${DEFAULT-VALUE}.")
    private int repetitions = 5;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        Provenance provenance = Provenance.now(
                OutputOptions.root(), spec.commandLine().getParseResult().originalArgs());
        List<IndexReport.Size> sizes = new ArrayList<>();
        try {
            Path folder = Files.createTempDirectory("openlora-bench-index");
            try {
                for (long size : tokens) {
                    sizes.add(new IndexBenchmark(folder, responses, repetitions).measure(size, Progress.NONE));
                    print(out, sizes.getLast());
                }
            } finally {
                delete(folder);
            }
        } catch (IOException e) {
            throw new Problem("the index cannot be written: " + Problem.describe(e), "free some disk space", e);
        }
        out.println(new ResultsFolder(output.folder(), "index", provenance)
                .writeJson(new IndexReport(provenance, sizes)));
        return 0;
    }

    private static void print(PrintWriter out, IndexReport.Size size) {
        out.printf(
                Locale.ROOT,
                "%,d tokens in %,d rows: %.2f bytes per token, built in %.1f s, opened in %.2f s; search %.2f us and"
                        + " evidence %.2f us per generated token, %.1f pieces per response; heap %d MiB%n",
                size.tokens(),
                size.rows(),
                size.bytesPerToken(),
                size.buildSeconds(),
                size.openSeconds(),
                size.searchMicrosPerToken(),
                size.evidenceMicrosPerToken(),
                size.piecesPerResponse(),
                size.heapMebibytes());
        out.flush();
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.toList().reversed()) {
                Files.delete(file);
            }
        }
    }
}
