package org.openlora.benchmarks.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.openlora.benchmarks.anchoring.AnchorRun;
import org.openlora.benchmarks.report.AnchorReport;
import org.openlora.benchmarks.report.Provenance;
import org.openlora.benchmarks.report.ResultsFolder;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora bench anchor`.
@Command(
        name = "anchor",
        description = "Makes signed receipts, seals and anchors them on a local chain, and verifies one of them by the"
                + " contract and by JavaScript.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class AnchorCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private OutputOptions output = new OutputOptions();

    @Option(
            names = "--receipts",
            paramLabel = "N",
            defaultValue = "100000",
            description = "Default ${DEFAULT-VALUE}; a batch holds 100000 at most.")
    private int receipts = 100_000;

    @Override
    public Integer call() throws IOException {
        if (receipts < 1) {
            throw new Problem("--receipts is %d".formatted(receipts), "allowed is 1 and more");
        }
        PrintWriter out = spec.commandLine().getOut();
        Provenance provenance = Provenance.now(
                OutputOptions.root(), spec.root().commandLine().getParseResult().originalArgs());
        ResultsFolder results = new ResultsFolder(output.folder(), "anchor", provenance);
        Path folder = Files.createTempDirectory("openlora-anchor-");
        AnchorRun.Result result = new AnchorRun(OutputOptions.root(), folder, out).run(receipts);
        out.printf(
                Locale.ROOT,
                "%d batches, %,d gas for the last, %,d bytes in its file, proof of %d words in %.1f ms%n",
                result.batches(),
                result.gas(),
                result.batchBytes(),
                result.proofWords(),
                result.proofMillis());
        out.println(results.writeJson(new AnchorReport(provenance, result)));
        return result.contractVerifies() && result.contractRefusesAnother() ? 0 : 1;
    }
}
