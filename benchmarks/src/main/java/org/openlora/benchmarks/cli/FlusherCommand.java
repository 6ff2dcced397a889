package org.openlora.benchmarks.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.openlora.benchmarks.anchoring.FaultCampaign;
import org.openlora.benchmarks.anchoring.FaultCampaign.Outcome;
import org.openlora.benchmarks.report.FlusherReport;
import org.openlora.benchmarks.report.Provenance;
import org.openlora.benchmarks.report.ResultsFolder;
import org.openlora.meter.chain.AnvilBinary;
import org.openlora.server.config.Installation;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora bench flusher`.
@Command(
        name = "flusher",
        description = "Campaigns of faults against what brings batches on chain: each batch must land exactly once.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class FlusherCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private OutputOptions output = new OutputOptions();

    @Option(names = "--brief", description = "A few of each fault, in place of minutes of them.")
    private boolean brief;

    @Option(
            names = "--campaign",
            paramLabel = "TEXT",
            defaultValue = "",
            description = "Only campaigns whose name holds this text.")
    private String only = "";

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Default ${DEFAULT-VALUE}.")
    private long seed = 1;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        Provenance provenance = Provenance.now(
                OutputOptions.root(), spec.root().commandLine().getParseResult().originalArgs());
        ResultsFolder results = new ResultsFolder(output.folder(), "flusher", provenance);
        Path folder = Files.createTempDirectory("openlora-flusher-");
        List<Outcome> outcomes = new ArrayList<>();
        out.printf("%-40s %7s %12s %8s  %s%n", "campaign", "batches", "transactions", "seconds", "result");
        for (Map.Entry<String, FaultCampaign.Run> run :
                new FaultCampaign(anvil(), folder, seed).all(brief).entrySet()) {
            if (!run.getKey().contains(only)) {
                continue;
            }
            Outcome outcome = run.getValue().run();
            outcomes.add(outcome);
            out.printf(
                    Locale.ROOT,
                    "%-40s %7d %12d %8.1f  %s %s%n",
                    outcome.campaign(),
                    outcome.batches(),
                    outcome.operatorTransactions(),
                    outcome.seconds(),
                    outcome.exactlyOnce() ? "exactly once" : "WRONG " + outcome.violations(),
                    outcome.disturbances());
        }
        out.println(results.writeJson(new FlusherReport(provenance, seed, outcomes)));
        return outcomes.stream().allMatch(Outcome::exactlyOnce) ? 0 : 1;
    }

    /// The program that the local chain uses, brought by npm where it is missing.
    static Path anvil() throws IOException {
        Path folder = Installation.current(System.getenv()).chain();
        Files.createDirectories(folder);
        return AnvilBinary.find(folder, System.getenv(), System.err::println)
                .orElseThrow(
                        () -> new Problem("there is no anvil", "install Node.js 20 or newer, or set OPENLORA_ANVIL"));
    }
}
