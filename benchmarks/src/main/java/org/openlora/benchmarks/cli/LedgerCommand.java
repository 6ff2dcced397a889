package org.openlora.benchmarks.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openlora.benchmarks.ledger.LedgerBenchmark;
import org.openlora.benchmarks.report.LedgerReport;
import org.openlora.benchmarks.report.Provenance;
import org.openlora.benchmarks.report.ResultsFolder;
import org.openlora.meter.database.DatabaseLocation.PostgresServer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora bench ledger`.
@Command(
        name = "ledger",
        description = "Signed receipts a second that a ledger takes in, from usage row to receipt on the disk, and how"
                + " long sealing and verifying them takes.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class LedgerCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private OutputOptions output = new OutputOptions();

    @Option(
            names = "--receipts",
            paramLabel = "N",
            defaultValue = "100000",
            description = "Of each run; default ${DEFAULT-VALUE}.")
    private int receipts = 100_000;

    @Option(
            names = "--warm-up",
            paramLabel = "N",
            defaultValue = "20000",
            description = "Receipts of a ledger before, which is thrown away; default ${DEFAULT-VALUE}.")
    private int warmUp = 20_000;

    @Option(
            names = "--at-once",
            paramLabel = "N",
            defaultValue = "2048",
            description = "Rows under way at any moment; default ${DEFAULT-VALUE}.")
    private int atOnce = 2048;

    @Option(
            names = "--prompt-tokens",
            paramLabel = "N",
            defaultValue = "64",
            description = "Of each row; default ${DEFAULT-VALUE}.")
    private int promptTokens = 64;

    @Option(
            names = "--output-tokens",
            paramLabel = "N",
            split = ",",
            defaultValue = "16,128",
            description = "Of each row, half of them a piece of a datanet; one run for each. Default ${DEFAULT-VALUE}.")
    private List<Integer> outputTokens = List.of();

    @Option(
            names = "--postgres",
            paramLabel = "URL",
            description =
                    "Fills an empty database of this server as well: jdbc:postgresql://host:port/database. One run,"
                            + " of the first number of output tokens.")
    private @Nullable String postgres;

    @Option(
            names = "--postgres-user",
            paramLabel = "NAME",
            defaultValue = "openlora",
            description =
                    "Who it is filled as; default ${DEFAULT-VALUE}. The password is read from OPENLORA_DB_PASSWORD.")
    private String postgresUser = "openlora";

    @Option(
            names = "--folder",
            paramLabel = "DIR",
            description = "Where the ledgers are made, on the disk that is measured, and deleted again; default: the"
                    + " temporary folder.")
    private @Nullable Path folder;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        Path root = OutputOptions.root();
        Provenance provenance =
                Provenance.now(root, spec.root().commandLine().getParseResult().originalArgs());
        ResultsFolder results = new ResultsFolder(output.folder(), "ledger", provenance);
        List<LedgerReport.Run> runs = new ArrayList<>();
        head(out);
        for (int tokens : outputTokens) {
            runs.add(print(out, inFolder(at -> benchmark(root, tokens).sqlite(at))));
        }
        if (postgres != null) {
            PostgresServer server = new PostgresServer(
                    postgres, postgresUser, System.getenv().getOrDefault("OPENLORA_DB_PASSWORD", ""));
            runs.add(print(
                    out, inFolder(at -> benchmark(root, outputTokens.getFirst()).postgres(at, server))));
        }
        out.println(results.writeJson(new LedgerReport(provenance, atOnce, runs)));
        return 0;
    }

    private LedgerBenchmark benchmark(Path root, int tokens) {
        return new LedgerBenchmark(root, new LedgerBenchmark.Settings(receipts, warmUp, atOnce, promptTokens, tokens));
    }

    @FunctionalInterface
    private interface Filling {
        LedgerReport.Run at(Path folder) throws IOException;
    }

    private LedgerReport.Run inFolder(Filling filling) throws IOException {
        Path parent = folder == null ? Path.of(System.getProperty("java.io.tmpdir")) : folder;
        Path made = Files.createTempDirectory(Files.createDirectories(parent), "ledger-");
        try {
            return filling.at(made);
        } finally {
            try (Stream<Path> files = Files.walk(made)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private static void head(PrintWriter out) {
        out.printf(
                "%-11s %7s %9s %11s %11s %8s %9s %9s %9s %7s%n",
                "database",
                "output",
                "receipts",
                "receipts/s",
                "commits/s",
                "a group",
                "CPU each",
                "seal",
                "verify",
                "others");
    }

    private static LedgerReport.Run print(PrintWriter out, LedgerReport.Run run) {
        out.printf(
                Locale.ROOT,
                "%-11s %7d %9d %11.0f %11.0f %8.0f %6.0f us %7.2f s %7.2f s %5.0f %%%n",
                run.database(),
                run.outputTokens(),
                run.receipts(),
                run.receiptsPerSecond(),
                run.commitsPerSecond(),
                (double) run.receipts() / run.commits(),
                1e6 * run.processorSeconds() / run.receipts(),
                run.sealSeconds(),
                run.verifySeconds(),
                100 * run.othersShare());
        run.threadSeconds()
                .forEach((thread, seconds) ->
                        out.printf(Locale.ROOT, "  %-28s %6.0f us%n", thread, 1e6 * seconds / run.receipts()));
        return run;
    }
}
