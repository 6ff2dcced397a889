package org.openlora.server.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.files.DurableFiles;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import org.openlora.server.quickstart.Quickstart;
import org.openlora.server.quickstart.QuickstartReport;
import org.openlora.server.quickstart.Terminal;
import org.openlora.server.receipts.ChainLink;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora quickstart`.
@Command(
        name = "quickstart",
        description =
                "Serves a mixed batch, shows who wrote and who earned what, seals, anchors and verifies receipts.")
final class QuickstartCommand implements Callable<Integer> {
    private static final String STANDARD_OUTPUT = "-";
    private static final DateTimeFormatter RUN_NAME = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss-SSS");

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private ServerOptions options = new ServerOptions();

    @Option(
            names = "--json",
            arity = "0..1",
            fallbackValue = STANDARD_OUTPUT,
            paramLabel = "FILE",
            description = "Writes what was done as JSON to a file; without one to standard output.")
    private @Nullable String json;

    @Option(names = "--keep", description = "Keeps the ledger and keys that the run made.")
    private boolean keep;

    @Override
    public Integer call() throws IOException {
        Installation installation = Environment.installation();
        ServerConfig config = options.load(installation).withPort(0).withoutSettling();
        Installation state = installation.withHome(installation
                .home()
                .resolve("quickstart")
                .resolve(LocalDateTime.now(ZoneOffset.UTC).format(RUN_NAME)));
        try {
            QuickstartReport report = run(config, installation, state);
            if (keep) {
                // The receipts are on the chain of the home above: commands on the kept ledger ask that one.
                Files.createSymbolicLink(state.chain(), installation.chain());
            }
            finish(report, state);
            return report.anchored() ? ExitStatus.OK : ExitStatus.NOT_ANCHORED;
        } finally {
            if (!keep) {
                delete(state.home());
            }
        }
    }

    private QuickstartReport run(ServerConfig config, Installation installation, Installation state) {
        Map<String, String> environment = Environment.variables();
        try (RunningServer server = RunningServer.start(config, state, installation.chain())) {
            ClientOptions client = new ClientOptions();
            return new Quickstart(
                            server.stack(),
                            config.tenants().getFirst(),
                            () -> client.inference(server.listener().address()),
                            () -> ChainLink.open(
                                    config.chain(),
                                    installation.chain(),
                                    server.stack().operator(),
                                    environment,
                                    System.err::println),
                            Duration.ofSeconds(config.chain().landingLimitSeconds()),
                            terminal())
                    .run(installation.root().resolve("examples/prompts.yaml"));
        }
    }

    /// With JSON on standard output, people are shown the rest on standard error.
    private Terminal terminal() {
        return STANDARD_OUTPUT.equals(json)
                ? new Terminal(spec.commandLine().getErr(), 0)
                : new Terminal(spec.commandLine().getOut(), Environment.outputColumns());
    }

    private void finish(QuickstartReport report, Installation state) throws IOException {
        if (json != null) {
            if (json.equals(STANDARD_OUTPUT)) {
                spec.commandLine().getOut().println(report.toJson());
            } else {
                write(Path.of(json).toAbsolutePath(), report.toJson() + "\n");
            }
        }
        PrintWriter out = terminal().out();
        out.printf("%nDone in %.1f s. What to try next:%n", report.seconds());
        out.println("  ./openlora serve                       the same behind gRPC, until you end it");
        out.println("  ./openlora generate --adapter NAME --prompt TEXT");
        out.println("  ./openlora quickstart --model smollm2-135m-instruct-q4_1");
        out.println(
                keep
                        ? "  OPENLORA_HOME=%s ./openlora receipts list".formatted(state.home())
                        : "  ./openlora quickstart --keep           keeps the ledger, for ./openlora receipts");
        if (!report.anchored()) {
            out.println("Nothing was anchored: install Node.js (npm brings anvil), or name a chain in openlora.yaml.");
        }
        out.flush();
    }

    private static void write(Path file, String text) throws IOException {
        Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
        try {
            Files.writeString(temporary, text);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new Problem("%s cannot be written: %s".formatted(file, Problem.describe(e)), "name another file", e);
        }
    }

    private static void delete(Path folder) {
        try {
            DurableFiles.deleteFolder(folder);
        } catch (IOException e) {
            throw new UncheckedIOException("the quickstart's folder %s cannot be removed".formatted(folder), e);
        }
    }
}
