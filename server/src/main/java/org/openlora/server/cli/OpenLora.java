package org.openlora.server.cli;

import io.grpc.StatusRuntimeException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.openlora.adapters.AdapterException;
import org.openlora.engine.EngineException;
import org.openlora.engine.weights.ModelLoadException;
import org.openlora.meter.accounting.entries.AccountingException;
import org.openlora.meter.chain.ChainException;
import org.openlora.server.problem.Problem;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/// `openlora`: the entry point of the command line.
@Command(
        name = "openlora",
        description = "Serves one base model with many LoRA adapters, and says who is paid for every token.",
        mixinStandardHelpOptions = true,
        versionProvider = VersionCommand.Provider.class,
        scope = ScopeType.INHERIT,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            QuickstartCommand.class,
            ServeCommand.class,
            GenerateCommand.class,
            ModelCommand.class,
            AdapterCommand.class,
            DatanetCommand.class,
            ReceiptsCommand.class,
            AuditCommand.class,
            DisputeCommand.class,
            TraceStoreCommand.class,
            PayoutCommand.class,
            ReconcileCommand.class,
            PeriodCommand.class,
            StatementCommand.class,
            KeyCommand.class,
            PriceCommand.class,
            TraceCommand.class,
            VersionCommand.class,
        },
        exitCodeListHeading = "%nExit status:%n",
        exitCodeList = {
            "0:All held.",
            "1:Something failed; standard error says what.",
            "2:The command line makes no sense.",
            "3:All held, but nothing was anchored because no chain could be started.",
        })
public final class OpenLora implements Runnable {
    private static final String LOG_LEVEL = "OPENLORA_LOG";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--debug",
            scope = ScopeType.INHERIT,
            description = "Shows stack traces of failures and logs of level DEBUG.")
    private boolean debug;

    private OpenLora() {}

    public static void main(String[] args) {
        chooseLogLevel(List.of(args));
        System.exit(run(args));
    }

    /// Runs a command and returns its exit status.
    static int run(String... args) {
        OpenLora openLora = new OpenLora();
        return new CommandLine(openLora)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .setParameterExceptionHandler(OpenLora::usageError)
                .setExecutionExceptionHandler((failure, command, parsed) -> openLora.failure(failure, command))
                .execute(args);
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "no command was given");
    }

    /// Before the first logger exists: logback.xml reads the property.
    private static void chooseLogLevel(List<String> args) {
        if (System.getenv(LOG_LEVEL) == null && System.getProperty(LOG_LEVEL) == null) {
            System.setProperty(
                    LOG_LEVEL, args.contains("--debug") ? "DEBUG" : args.contains("serve") ? "INFO" : "WARN");
        }
    }

    private static int usageError(ParameterException e, String[] args) {
        e.getCommandLine()
                .getErr()
                .printf(
                        "openlora: %s; see %s --help%n",
                        Problem.describe(e).replaceFirst("[.;]+$", ""),
                        e.getCommandLine().getCommandSpec().qualifiedName());
        return ExitStatus.USAGE;
    }

    private int failure(Exception failure, CommandLine command) {
        PrintWriter err = command.getErr();
        err.println("openlora: " + explain(failure));
        if (debug) {
            failure.printStackTrace(err);
        }
        return ExitStatus.FAILURE;
    }

    private static String explain(Throwable failure) {
        return switch (failure) {
            case Problem problem -> Problem.describe(problem);
            case StatusRuntimeException e
            when e.getStatus().getDescription() != null ->
                e.getStatus().getDescription() + "; the server answered "
                        + e.getStatus().getCode();
            case StatusRuntimeException e ->
                "the call failed with status %s; check the server"
                        .formatted(e.getStatus().getCode());
            case AdapterException e -> Problem.describe(e) + "; see openlora adapter list";
            case ModelLoadException e -> Problem.describe(e) + "; name another model with --model";
            case AccountingException e -> Problem.describe(e);
            case ChainException e -> Problem.describe(e) + "; check chain in openlora.yaml, then try again";
            case EngineException e -> Problem.describe(e) + "; change the request";
            default ->
                "%s: %s; run again with --debug to see where"
                        .formatted(failure.getClass().getSimpleName(), Problem.describe(failure));
        };
    }
}
