package org.openlora.server.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.AuditEvent;
import org.openlora.meter.trace.TraceCounts;
import org.openlora.meter.trace.TraceStore;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.Operator;
import org.openlora.server.serving.RequestIds;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `openlora trace-store …`: the tokens that tenants let be kept.
@Command(
        name = "trace-store",
        description = "Counts and erases the tokens that tenants let be kept (trace: true in openlora.yaml).",
        subcommands = {TraceStoreCommand.Status.class, TraceStoreCommand.Erase.class})
final class TraceStoreCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "say what to do: status or erase");
    }

    /// A ledger beside whatever serves.
    private record Opened(AttachedLedger ledger, Operator operator, ServerConfig config) implements AutoCloseable {
        static Opened open(ServerOptions options) {
            Installation installation = Environment.installation();
            ServerConfig config = options.load(installation);
            Operator operator = Operator.load(installation, config, Environment.variables());
            return new Opened(new LedgerOptions().attach(installation, config), operator, config);
        }

        TraceStore traces() {
            return new TraceStore(ledger.database());
        }

        @Override
        public void close() {
            ledger.close();
        }
    }

    @Command(name = "status", description = "How many requests' tokens are kept, await their receipts and were erased.")
    static final class Status implements Callable<Integer> {
        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Mixin
        private ServerOptions options = new ServerOptions();

        @Option(names = "--json", description = "As JSON.")
        private boolean json;

        @Override
        public Integer call() {
            try (Opened opened = Opened.open(options)) {
                TraceCounts counts = opened.traces().counts();
                String text = json
                        ? new JsonMapper()
                                .createObjectNode()
                                .put("kept", counts.kept())
                                .put("awaiting", counts.awaiting())
                                .put("erased", counts.erased())
                                .toString()
                        : "kept      %d%nawaiting  %d%nerased    %d"
                                .formatted(counts.kept(), counts.awaiting(), counts.erased());
                spec.commandLine().getOut().println(text);
                return ExitStatus.OK;
            }
        }
    }

    @Command(
            name = "erase",
            description = "Erases kept tokens; receipts stay, with salted hashes alone. It stands in the audit trail.")
    static final class Erase implements Callable<Integer> {
        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Mixin
        private ServerOptions options = new ServerOptions();

        @ArgGroup(multiplicity = "1")
        private Which which = new Which();

        @Option(
                names = "--actor",
                paramLabel = "NAME",
                defaultValue = "${sys:user.name}",
                description = "Who does it (default: ${DEFAULT-VALUE}).")
        private String actor = "";

        @Option(names = "--json", description = "As JSON.")
        private boolean json;

        /// What is erased.
        static final class Which {
            @Option(names = "--expired", description = "Whatever was to be kept until now or earlier.")
            private boolean expired;

            @Option(names = "--tenant", paramLabel = "NAME", description = "Everything of a tenant.")
            private @Nullable String tenant;

            @Option(names = "--request", paramLabel = "ID", description = "One request, by its id or its client's.")
            private @Nullable String request;
        }

        @Override
        public Integer call() {
            try (Opened opened = Opened.open(options)) {
                long now = InstantSource.system().millis();
                int erased = erase(opened, now);
                spec.commandLine()
                        .getOut()
                        .println(json ? "{\"erased\":%d}".formatted(erased) : "erased %d".formatted(erased));
                return ExitStatus.OK;
            }
        }

        private int erase(Opened opened, long now) {
            TraceStore traces = opened.traces();
            if (which.expired) {
                return logged(opened, Bytes32.ZERO, "tokens whose time is over", traces.eraseExpired(now), now);
            }
            String tenant = which.tenant;
            if (tenant != null) {
                Bytes32 account = account(opened, tenant);
                return logged(opened, account, "tokens of tenant " + tenant, traces.eraseAccount(account, now), now);
            }
            Bytes32 id = RequestIds.find(
                    opened.operator(),
                    opened.config().tenants().getFirst().name(),
                    Objects.requireNonNull(which.request, "one of the three options is given"));
            return logged(opened, id, "tokens of a request", traces.eraseRequest(id, now) ? 1 : 0, now);
        }

        private static Bytes32 account(Opened opened, String tenant) {
            if (opened.config().tenants().stream().noneMatch(one -> one.name().equals(tenant))) {
                throw new Problem("there is no tenant %s".formatted(tenant), "name one of openlora.yaml");
            }
            return opened.operator().account(tenant);
        }

        private int logged(Opened opened, Bytes32 subject, String what, int erased, long now) {
            if (erased > 0) {
                opened.ledger()
                        .log(new AuditEvent(
                                now,
                                "trace-erased",
                                actor,
                                "",
                                subject,
                                what + ": " + erased + " traces erased",
                                "",
                                ""));
            }
            return erased;
        }
    }
}
