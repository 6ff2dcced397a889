package org.openlora.server.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.payout.PayoutBook.Kept;
import org.openlora.meter.payout.PayoutEntry;
import org.openlora.meter.payout.PayoutException;
import org.openlora.meter.payout.PayoutPool;
import org.openlora.meter.payout.PayoutRound;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.payouts.PayoutDesk;
import org.openlora.server.problem.Problem;
import org.openlora.server.receipts.ChainLink;
import org.openlora.server.serving.Operator;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/// `openlora payouts …`: from anchored receipts to tokens in payees' accounts. A server may be running beside it.
@Command(
        name = "payouts",
        description = "Pays payees what anchored receipts have earned them.",
        subcommands = {
            PayoutCommand.Open.class,
            PayoutCommand.Plan.class,
            PayoutCommand.Fund.class,
            PayoutCommand.Post.class,
            PayoutCommand.Status.class,
            PayoutCommand.Claim.class,
        })
final class PayoutCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(
                spec.commandLine(),
                "say what to do: " + String.join(", ", spec.subcommands().keySet()));
    }

    /// An account on the command line.
    static final class AddressConverter implements ITypeConverter<Address> {
        @Override
        public Address convert(String text) {
            try {
                return Address.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(Problem.describe(e));
            }
        }
    }

    /// What all of them have in common: a ledger, a chain, a token, and a way to say what was done.
    abstract static class AtTheDesk implements Callable<Integer> {
        private static final JsonMapper JSON = new JsonMapper();

        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Mixin
        private LedgerOptions options = new LedgerOptions();

        @Option(
                names = "--token",
                paramLabel = "ADDRESS",
                converter = AddressConverter.class,
                description =
                        "The ERC-20 to pay in; by default the ledger's only one, on a local chain one of no worth.")
        private @Nullable Address token;

        @Option(names = "--json", description = "Prints one JSON object.")
        private boolean json;

        private final ObjectNode said = JSON.createObjectNode();

        /// Does the work and says what was done with [#say].
        abstract int work(PayoutDesk desk, ServerConfig config, Installation installation);

        @Override
        public final Integer call() {
            Installation installation = Environment.installation();
            ServerConfig config = options.config(installation);
            int status = withDesk(installation, config, desk -> work(desk, config, installation));
            if (json) {
                out().println(said);
            }
            return status;
        }

        private int withDesk(Installation installation, ServerConfig config, ToIntFunction<PayoutDesk> work) {
            Map<String, String> environment = Environment.variables();
            Operator operator = Operator.load(installation, config, environment);
            try (AttachedLedger ledger = options.attach(installation, config);
                    ChainLink link = ChainLink.open(
                                    config.chain(), installation.chain(), operator, environment, System.err::println)
                            .orElse(null)) {
                if (link == null) {
                    say("posted", "nothing: no chain could be started");
                    return ExitStatus.NOT_ANCHORED;
                }
                return work.applyAsInt(PayoutDesk.open(
                        installation.home().resolve("payouts"),
                        ledger.database(),
                        link,
                        operator.identity().operatorId(),
                        operator.key(),
                        Optional.ofNullable(token),
                        config.chain().endpoint().isEmpty(),
                        InstantSource.system()));
            } catch (PayoutException e) {
                throw new Problem(Problem.describe(e), "nothing was sent", e);
            }
        }

        final PrintWriter out() {
            return spec.commandLine().getOut();
        }

        /// One fact, as a line or as a member of the JSON object.
        final void say(String name, String value) {
            if (json) {
                said.put(name, value);
            } else {
                out().printf("%-12s %s%n", name, value);
            }
        }

        final void say(String name, long value) {
            if (json) {
                said.put(name, value);
            } else {
                say(name, Long.toString(value));
            }
        }

        final void sayAmount(String name, PayoutDesk desk, BigInteger units) {
            if (json) {
                said.put(name + "Units", units.toString());
            } else {
                say(name, desk.token().text(units));
            }
        }

        /// A line of a list.
        final ObjectNode item(String list) {
            ArrayNode items = said.withArray(list);
            return items.addObject();
        }

        final boolean json() {
            return json;
        }

        final void sayRound(PayoutDesk desk, PayoutRound round) {
            say("round", round.number());
            say("root", round.tree().root().toString());
            say("dataHash", round.dataHash().toString());
            sayAmount("total", desk, round.totalUnits());
        }

        final void sayPayee(PayoutDesk desk, PayoutEntry entry, BigInteger claimed) {
            BigInteger carried = entry.carriedPico(desk.token());
            if (json) {
                item("payees")
                        .put("payee", entry.payee().toString())
                        .put("cumulativeUnits", entry.cumulativeUnits().toString())
                        .put("claimedUnits", claimed.toString())
                        .put("earnedPico", entry.earnedPico().toString())
                        .put("carriedPico", carried.toString());
            } else {
                out().printf(
                                "  %s  %24s  claimed %24s  carried %s pico%n",
                                entry.payee(),
                                desk.token().text(entry.cumulativeUnits()),
                                desk.token().text(claimed),
                                carried);
            }
        }
    }

    @Command(name = "open", description = "Opens the operator's pool for a token, once.")
    static final class Open extends AtTheDesk {
        @Option(
                names = "--guardian",
                required = true,
                paramLabel = "ADDRESS",
                converter = AddressConverter.class,
                description = "Who can stop a round before it is claimable. A key of its own, kept elsewhere.")
        private Address guardian = Address.ZERO;

        @Option(
                names = "--delay",
                paramLabel = "SECONDS",
                defaultValue = "86400",
                description =
                        "How long a round waits before it is claimable, 60 to 2592000; by default ${DEFAULT-VALUE}.")
        private int delaySeconds;

        @Override
        int work(PayoutDesk desk, ServerConfig config, Installation installation) {
            Optional<Bytes32> transaction = desk.openPool(guardian, delaySeconds);
            PayoutPool.State state = desk.pool().state();
            say("pool", desk.pool().id().toString());
            say("contract", desk.pool().contract().toString());
            say("token", desk.token().address().toString());
            say("guardian", state.guardian().toString());
            say("delay", state.activationDelaySeconds());
            say("transaction", transaction.map(Bytes32::toString).orElse("none: it was open"));
            return ExitStatus.OK;
        }
    }

    @Command(name = "plan", description = "Makes the next round of all receipts whose batches are on the chain.")
    static final class Plan extends AtTheDesk {
        @Override
        int work(PayoutDesk desk, ServerConfig config, Installation installation) {
            PayoutDesk.Planned planned = desk.plan(desk.members(installation.datanets()));
            if (planned.kept().isEmpty()) {
                say("planned", "nothing: nobody has earned another unit");
                return ExitStatus.OK;
            }
            PayoutRound round = planned.kept().get().round();
            sayRound(desk, round);
            sayAmount("missing", desk, planned.missingUnits());
            for (PayoutEntry entry : round.entries()) {
                sayPayee(desk, entry, desk.pool().claimed(entry.payee()));
            }
            return ExitStatus.OK;
        }
    }

    @Command(name = "fund", description = "Puts tokens of the operator's account into the pool.")
    static final class Fund extends AtTheDesk {
        @Option(
                names = "--amount",
                paramLabel = "TOKENS",
                description = "Whole tokens, as 12.5; by default what the planned round lacks.")
        private @Nullable BigDecimal amount;

        @Override
        int work(PayoutDesk desk, ServerConfig config, Installation installation) {
            sayAmount("funded", desk, desk.fund(Optional.ofNullable(amount)));
            sayAmount("deposited", desk, desk.pool().state().deposited());
            return ExitStatus.OK;
        }
    }

    @Command(name = "post", description = "Posts the planned round; once, however often it is run.")
    static final class Post extends AtTheDesk {
        @Override
        int work(PayoutDesk desk, ServerConfig config, Installation installation) {
            Optional<Kept> posted = desk.post();
            if (posted.isEmpty()) {
                say("posted", "nothing: no round waits");
                return ExitStatus.OK;
            }
            PayoutRound round = posted.get().round();
            sayRound(desk, round);
            say("file", desk.file(round).toString());
            say("transaction", posted.get().transaction().map(Bytes32::toString).orElse("an earlier run's"));
            say("claimable", claimableFrom(desk, round.number()));
            return ExitStatus.OK;
        }
    }

    private static String claimableFrom(PayoutDesk desk, long number) {
        return desk.pool()
                .round(number)
                .map(posted ->
                        Instant.ofEpochSecond(posted.activatesAtSeconds()).toString())
                .orElse("not posted");
    }

    @Command(name = "status", description = "Shows the pool, its rounds, and who has claimed how much.")
    static final class Status extends AtTheDesk {
        @Override
        int work(PayoutDesk desk, ServerConfig config, Installation installation) {
            PayoutPool.State state = desk.pool().state();
            say("pool", desk.pool().id().toString());
            say("contract", desk.pool().contract().toString());
            say("token", desk.token().address().toString());
            say("guardian", state.isOpen() ? state.guardian().toString() : "none: the pool is not open");
            sayAmount("deposited", desk, state.deposited());
            sayAmount("allocated", desk, state.allocated());
            sayAmount("claimed", desk, state.claimed());
            say("claimable", state.claimable());
            for (Kept kept : desk.rounds()) {
                sayKept(desk, kept);
            }
            desk.claimable().ifPresent(round -> round.leaves()
                    .forEach(entry -> sayPayee(desk, entry, desk.pool().claimed(entry.payee()))));
            return ExitStatus.OK;
        }

        private void sayKept(PayoutDesk desk, Kept kept) {
            PayoutRound round = kept.round();
            String from = claimableFrom(desk, round.number());
            if (json()) {
                item("rounds")
                        .put("number", round.number())
                        .put("state", kept.state().name())
                        .put("totalUnits", round.totalUnits().toString())
                        .put("root", round.tree().root().toString())
                        .put("claimableFrom", from);
            } else {
                out().printf(
                                "  round %d  %-8s  %s  claimable from %s%n",
                                round.number(), kept.state(), desk.token().text(round.totalUnits()), from);
            }
        }
    }

    @Command(
            name = "claim",
            description = "Pays payees what the claimable round gives them; the operator pays the gas.")
    static final class Claim extends AtTheDesk {
        @Parameters(
                arity = "0..*",
                paramLabel = "PAYEE",
                converter = AddressConverter.class,
                description = "Accounts to pay; everybody where none is named.")
        private List<Address> payees = new ArrayList<>();

        @Override
        int work(PayoutDesk desk, ServerConfig config, Installation installation) {
            List<PayoutDesk.Paid> paid = desk.claim(payees);
            BigInteger sum = BigInteger.ZERO;
            for (PayoutDesk.Paid payee : paid) {
                sum = sum.add(payee.units());
                sayPayee(desk, payee.entry(), payee.entry().cumulativeUnits());
            }
            sayAmount("paid", desk, sum);
            return ExitStatus.OK;
        }
    }
}
