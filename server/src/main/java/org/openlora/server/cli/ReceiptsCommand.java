package org.openlora.server.cli;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.openlora.api.v1.GetReceiptRequest;
import org.openlora.api.v1.ListReceiptsRequest;
import org.openlora.api.v1.ListReceiptsResponse;
import org.openlora.api.v1.Receipt;
import org.openlora.api.v1.ReceiptCheck;
import org.openlora.api.v1.ReceiptsGrpc;
import org.openlora.api.v1.VerifyReceiptRequest;
import org.openlora.api.v1.VerifyReceiptResponse;
import org.openlora.meter.ledger.Ledger;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import org.openlora.server.receipts.ChainLink;
import org.openlora.server.receipts.LedgerView;
import org.openlora.server.receipts.ReceiptDesk;
import org.openlora.server.serving.LedgerSettings;
import org.openlora.server.serving.Operator;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `openlora receipts …`: asks a running server, or reads the ledger itself where none is running.
@Command(
        name = "receipts",
        description = "Lists, shows, verifies, exports and anchors receipts.",
        subcommands = {
            ReceiptsCommand.ListReceipts.class,
            ReceiptsCommand.Show.class,
            ReceiptsCommand.Verify.class,
            ReceiptsExportCommand.class,
            AnchorCommand.class,
        })
final class ReceiptsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "say what to do: list, show, verify, export or anchor");
    }

    /// The desk of a running server, or our own.
    sealed interface Desk {
        record Remote(ReceiptsGrpc.ReceiptsBlockingStub stub) implements Desk {}

        record Local(ReceiptDesk desk, String tenant) implements Desk {}

        default Receipt get(String requestId) {
            GetReceiptRequest request =
                    GetReceiptRequest.newBuilder().setRequestId(requestId).build();
            return switch (this) {
                case Remote(var stub) -> stub.getReceipt(request);
                case Local(var desk, var tenant) -> desk.get(request, tenant);
            };
        }

        default ListReceiptsResponse list(ListReceiptsRequest request) {
            return switch (this) {
                case Remote(var stub) -> stub.listReceipts(request);
                case Local(var desk, var tenant) -> desk.list(request, tenant);
            };
        }

        default VerifyReceiptResponse verify(VerifyReceiptRequest request) {
            return switch (this) {
                case Remote(var stub) -> stub.verifyReceipt(request);
                case Local(var desk, var tenant) -> desk.verify(request, tenant);
            };
        }
    }

    /// What the three commands share that read.
    abstract static class Asking implements Callable<Integer> {
        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Mixin
        private ServerOptions serverOptions = new ServerOptions();

        @Mixin
        private ClientOptions clientOptions = new ClientOptions();

        PrintWriter out() {
            return spec.commandLine().getOut();
        }

        int ask(Function<Desk, Integer> question) {
            Installation installation = Environment.installation();
            ServerConfig config = serverOptions.load(installation);
            Optional<ClientOptions.Found> found = clientOptions.find(config);
            if (found.isPresent()) {
                return question.apply(
                        new Desk.Remote(clientOptions.receipts(found.get().address())));
            }
            LedgerSettings.requireLedger(installation, config);
            Map<String, String> environment = Environment.variables();
            Operator operator = Operator.load(installation, config, environment);
            try (Ledger ledger =
                    Ledger.open(LedgerSettings.location(installation, config, environment), operator.identity())) {
                ReceiptDesk desk = new ReceiptDesk(
                        LedgerView.of(ledger),
                        operator,
                        () -> ChainLink.open(
                                config.chain(), installation.chain(), operator, environment, System.err::println));
                return question.apply(
                        new Desk.Local(desk, config.tenants().getFirst().name()));
            }
        }
    }

    @Command(name = "list", description = "Lists receipts by sequence number.")
    static final class ListReceipts extends Asking {
        @Option(names = "--from", paramLabel = "SEQ", description = "First sequence number.")
        private @Nullable Long from;

        @Option(names = "--limit", paramLabel = "N", description = "Most receipts to list.")
        private @Nullable Integer limit;

        @Option(names = "--json", description = "Prints each receipt as a line of canonical JSON.")
        private boolean json;

        @Override
        public Integer call() {
            ListReceiptsRequest.Builder request = ListReceiptsRequest.newBuilder();
            if (from != null) {
                request.setFromSeq(from);
            }
            if (limit != null) {
                request.setLimit(limit);
            }
            return ask(desk -> {
                ListReceiptsResponse response = desk.list(request.build());
                if (json) {
                    response.getReceiptsList().forEach(receipt -> out().println(receipt.getCanonicalJson()));
                    return ExitStatus.OK;
                }
                response.getReceiptsList().forEach(receipt -> out().printf(
                                "%6d  %s  %18d pico  %s%n",
                                receipt.getSeq(),
                                receipt.getRequestId(),
                                receipt.getPricePico(),
                                receipt.hasInclusion()
                                        ? "batch " + receipt.getInclusion().getBatch()
                                        : "open"));
                if (response.hasNextSeq()) {
                    out().printf("more from --from %d%n", response.getNextSeq());
                }
                return ExitStatus.OK;
            });
        }
    }

    @Command(name = "show", description = "Prints a receipt as canonical JSON, with domain and signature.")
    static final class Show extends Asking {
        @Parameters(paramLabel = "REQUEST-ID", description = "The id of the request.")
        private String requestId = "";

        @Override
        public Integer call() {
            return ask(desk -> {
                out().println(desk.get(requestId).getCanonicalJson());
                return ExitStatus.OK;
            });
        }
    }

    @Command(name = "verify", description = "Checks a receipt against signature, payments, batch and chain.")
    static final class Verify extends Asking {
        @Parameters(paramLabel = "REQUEST-ID-or-FILE", description = "The id of a request, or a file that show wrote.")
        private String receipt = "";

        @Override
        public Integer call() {
            VerifyReceiptRequest request = request();
            return ask(desk -> {
                VerifyReceiptResponse response = desk.verify(request);
                boolean skipped = false;
                for (ReceiptCheck check : response.getChecksList()) {
                    String outcome =
                            switch (check.getOutcome()) {
                                case OUTCOME_HOLDS -> "holds";
                                case OUTCOME_FAILS -> "FAILS";
                                default -> "not checked";
                            };
                    skipped |= check.getOutcome() == ReceiptCheck.Outcome.OUTCOME_SKIPPED;
                    out().printf("%-10s %-12s %s%n", check.getName(), outcome, check.getDetail());
                }
                if (!response.getValid()) {
                    throw new Problem("the receipt does not hold", "see the checks above");
                }
                return skipped ? ExitStatus.NOT_ANCHORED : ExitStatus.OK;
            });
        }

        private VerifyReceiptRequest request() {
            Path file = Path.of(receipt);
            VerifyReceiptRequest.Builder request = VerifyReceiptRequest.newBuilder();
            if (!Files.isRegularFile(file)) {
                return request.setRequestId(receipt).build();
            }
            try {
                return request.setPresented(
                                ByteString.copyFromUtf8(Files.readString(file).strip()))
                        .build();
            } catch (IOException e) {
                throw new Problem(
                        "%s cannot be read: %s".formatted(file, Problem.describe(e)), "name a readable file", e);
            }
        }
    }
}
