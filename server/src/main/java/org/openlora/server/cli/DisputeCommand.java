package org.openlora.server.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.dispute.Dispute;
import org.openlora.meter.dispute.Disputes;
import org.openlora.meter.evm.Bytes32;
import org.openlora.server.audit.TextFile;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `openlora dispute …`: receipts that are challenged, and what became of it.
@Command(
        name = "dispute",
        description = "Puts receipts in dispute and settles them by computing them again.",
        subcommands = {
            DisputeCommand.Open.class,
            DisputeCommand.Resolve.class,
            DisputeCommand.ListDisputes.class,
            DisputeCommand.Show.class,
        })
final class DisputeCommand implements Callable<Integer> {
    private static final JsonMapper JSON = new JsonMapper();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "say what to do: open, resolve, list or show");
    }

    /// What the commands share.
    abstract static class Disputing implements Callable<Integer> {
        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Mixin
        private ServerOptions options = new ServerOptions();

        @Option(names = "--json", description = "As JSON.")
        private boolean json;

        PrintWriter out() {
            return spec.commandLine().getOut();
        }

        /// @param replay whether answers are drawn again
        <T> T with(boolean replay, Function<OpenedAudit, T> work) {
            try (OpenedAudit opened = OpenedAudit.open(options, replay)) {
                return work.apply(opened);
            } catch (NoSuchElementException e) {
                throw new Problem(Problem.describe(e), "see openlora dispute list and openlora receipts list", e);
            } catch (IllegalStateException e) {
                throw new Problem(Problem.describe(e), "give the text: openlora dispute open ID --text FILE", e);
            }
        }

        int show(List<Dispute> disputes) {
            if (json) {
                ArrayNode array = JSON.createArrayNode();
                disputes.forEach(dispute -> array.add(node(dispute)));
                out().println(pretty(array));
            } else {
                disputes.forEach(dispute -> out().println(line(dispute)));
            }
            return ExitStatus.OK;
        }

        int show(Dispute dispute) {
            out().println(json ? pretty(node(dispute)) : line(dispute));
            Dispute.Resolution resolution = dispute.resolution();
            if (!json && resolution != null) {
                out().println(resolution.finding());
            }
            return ExitStatus.OK;
        }
    }

    static Bytes32 id(String text) {
        try {
            return Bytes32.parse(text);
        } catch (IllegalArgumentException e) {
            throw new Problem("%s is no dispute's id".formatted(text), "write 0x and 64 hexadecimal digits", e);
        }
    }

    static String line(Dispute dispute) {
        return "%s  %-8s  receipt %d, opened %s by %s: %s"
                .formatted(
                        dispute.id(),
                        dispute.state().name().toLowerCase(Locale.ROOT),
                        dispute.seq(),
                        Instant.ofEpochMilli(dispute.openedAtMillis()),
                        dispute.openedBy(),
                        dispute.reason());
    }

    static ObjectNode node(Dispute dispute) {
        ObjectNode node = JSON.createObjectNode()
                .put("id", dispute.id().toString())
                .put("state", dispute.state().name().toLowerCase(Locale.ROOT))
                .put("seq", Long.toString(dispute.seq()))
                .put("receipt", dispute.receipt().toString())
                .put("reason", dispute.reason())
                .put("openedBy", dispute.openedBy())
                .put("openedAt", Instant.ofEpochMilli(dispute.openedAtMillis()).toString());
        Dispute.Resolution resolution = dispute.resolution();
        if (resolution != null) {
            node.put("resolvedBy", resolution.actor())
                    .put(
                            "resolvedAt",
                            Instant.ofEpochMilli(resolution.atMillis()).toString());
            putIfThere(node, "credit", resolution.credit());
            putIfThere(node, "debit", resolution.debit());
            try {
                node.set("finding", JSON.readTree(resolution.finding()));
            } catch (JsonProcessingException e) {
                throw new IllegalStateException("the finding of dispute " + dispute.id() + " is no JSON", e);
            }
        }
        return node;
    }

    private static void putIfThere(ObjectNode node, String name, @Nullable Bytes32 word) {
        if (word != null) {
            node.put(name, word.toString());
        }
    }

    static String pretty(Object node) {
        try {
            return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a dispute cannot be written", e);
        }
    }

    @Command(name = "open", description = "Puts a receipt in dispute.")
    static final class Open extends Disputing {
        @Parameters(paramLabel = "RECEIPT", description = "Its number, or the id of its request.")
        private String receipt = "";

        @Option(names = "--reason", required = true, paramLabel = "TEXT", description = "Why.")
        private String reason = "";

        @Option(
                names = "--text",
                paramLabel = "FILE",
                description = "The tokens, as {\"prompt\": [ids], \"output\": [ids]}, where they are not kept.")
        private @Nullable Path text;

        @Option(
                names = "--actor",
                paramLabel = "NAME",
                defaultValue = "${sys:user.name}",
                description = "Who opens it (default: ${DEFAULT-VALUE}).")
        private String actor = "";

        @Override
        public Integer call() {
            return with(
                    false,
                    opened -> show(opened.disputes()
                            .open(
                                    opened.seq(receipt),
                                    reason,
                                    actor,
                                    text == null ? null : TextFile.read(text, opened.desk()::encode),
                                    InstantSource.system().millis())));
        }
    }

    @Command(
            name = "resolve",
            description = "Computes the receipt again: a credit of what was too much, or a rejection.")
    static final class Resolve extends Disputing {
        @Parameters(paramLabel = "DISPUTE", description = "Its id.")
        private String dispute = "";

        @Option(names = "--no-replay", description = "Does not open the model, so the answer is not drawn again.")
        private boolean noReplay;

        @Option(
                names = "--actor",
                paramLabel = "NAME",
                defaultValue = "${sys:user.name}",
                description = "Who resolves it (default: ${DEFAULT-VALUE}).")
        private String actor = "";

        @Override
        public Integer call() {
            return with(
                    !noReplay,
                    opened -> show(opened.disputes()
                            .resolve(id(dispute), actor, InstantSource.system().millis())));
        }
    }

    @Command(name = "list", description = "All disputes, the newest first.")
    static final class ListDisputes extends Disputing {
        @Option(names = "--state", paramLabel = "STATE", description = "Only these: open, credited or rejected.")
        private Dispute.@Nullable State state;

        @Override
        public Integer call() {
            return with(false, opened -> show(opened.disputes().list(state)));
        }
    }

    @Command(name = "show", description = "One dispute with what was found.")
    static final class Show extends Disputing {
        @Parameters(paramLabel = "DISPUTE", description = "Its id.")
        private String dispute = "";

        @Override
        public Integer call() {
            return with(false, opened -> {
                Disputes disputes = opened.disputes();
                return show(disputes.find(id(dispute))
                        .orElseThrow(() -> new NoSuchElementException("there is no dispute " + dispute)));
            });
        }
    }
}
