package org.openlora.server.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.openlora.meter.chain.KeyRotation;
import org.openlora.meter.evm.Address;
import org.openlora.meter.keys.KeyPassword;
import org.openlora.meter.keys.Keystore;
import org.openlora.meter.keys.OperatorKeys;
import org.openlora.meter.keys.OperatorKeys.Accounts;
import org.openlora.meter.keys.OperatorKeys.Found;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import org.openlora.server.receipts.ChainLink;
import org.openlora.server.serving.LedgerSettings;
import org.openlora.server.serving.Operator;
import org.openlora.server.serving.PasswordPrompt;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `openlora key …`: the operator's key. No private key and no password is ever an argument, where every process of the
/// machine would see it.
@Command(
        name = "key",
        description = "Makes, imports, shows, encrypts and rotates the operator's key.",
        subcommands = {
            KeyCommand.New.class,
            KeyCommand.Import.class,
            KeyCommand.Show.class,
            KeyCommand.Encrypt.class,
            KeyCommand.Rotate.class,
        })
final class KeyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "say what to do: new, import, show, encrypt or rotate");
    }

    /// What all have in common.
    abstract static class Keyed implements Callable<Integer> {
        private static final JsonMapper JSON = new JsonMapper();

        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Option(names = "--json", description = "Prints one JSON object.")
        private boolean json;

        abstract void run(Installation installation, OperatorKeys keys) throws IOException;

        @Override
        public Integer call() {
            Installation installation = Environment.installation();
            try {
                run(installation, keys(installation));
                return ExitStatus.OK;
            } catch (IOException | IllegalArgumentException e) {
                throw new Problem(Problem.describe(e), "see docs/anchoring.md, Keys", e);
            }
        }

        OperatorKeys keys(Installation installation) {
            return Operator.keys(installation, Environment.variables());
        }

        PrintWriter out() {
            return spec.commandLine().getOut();
        }

        void say(String line) {
            if (!json) {
                out().println(line);
            }
        }

        void show(OperatorKeys keys) throws IOException {
            Optional<Found> found = keys.find();
            Optional<Accounts> accounts = keys.accounts();
            if (found.isEmpty()) {
                throw new Problem("this operator has no key yet", "make one with ./openlora key new");
            }
            Address account = found.get().key().address();
            String place =
                    switch (found.get().place()) {
                        case ENVIRONMENT -> OperatorKeys.ENVIRONMENT;
                        case KEYSTORE -> keys.keystore().toString();
                        case PLAIN_FILE -> keys.plain().toString();
                    };
            if (json) {
                ObjectNode node = JSON.createObjectNode()
                        .put("account", account.toString())
                        .put("place", place)
                        .put("kind", found.get().place().name().toLowerCase(Locale.ROOT));
                accounts.ifPresent(known -> {
                    node.put("registrant", known.registrant().toString());
                    known.signers().forEach(signer -> node.withArray("signers").add(signer.toString()));
                });
                out().println(text(node));
                return;
            }
            out().println("account      " + account);
            out().println("key          " + place);
            accounts.ifPresent(known -> {
                out().println("registrant   " + known.registrant());
                known.signers().forEach(signer -> out().println("has signed   " + signer));
            });
        }

        private static String text(ObjectNode node) {
            try {
                return JSON.writeValueAsString(node);
            } catch (JsonProcessingException e) {
                throw new IllegalStateException("a JSON tree in memory could not be written", e);
            }
        }
    }

    /// Asks twice for a new password where the environment gives none.
    private static Optional<KeyPassword> newPassword() {
        Optional<String> first = PasswordPrompt.read("New password of the operator's keystore: ");
        if (first.isPresent() && !first.equals(PasswordPrompt.read("The same again: "))) {
            throw new Problem("the two passwords differ", "try again");
        }
        return first.map(KeyPassword::of);
    }

    /// A command that stores a key under a password that is new.
    abstract static class Storing extends Keyed {
        @Option(names = "--plain", description = "Stores the key unencrypted, readable by you alone: for development.")
        boolean plain;

        @Override
        OperatorKeys keys(Installation installation) {
            return new OperatorKeys(installation.keys(), Environment.variables(), KeyCommand::newPassword);
        }
    }

    @Command(name = "new", description = "Makes the operator's key, encrypted under a password.")
    static final class New extends Storing {
        @Override
        void run(Installation installation, OperatorKeys keys) throws IOException {
            keys.create(OperatorKey.random(), !plain);
            show(super.keys(installation));
        }
    }

    @Command(
            name = "import",
            description = "Takes over a key: 64 hexadecimal digits, or a keystore file of another wallet.")
    static final class Import extends Storing {
        @Parameters(paramLabel = "FILE", description = "The file; - for standard input.")
        private String file = "";

        @Override
        void run(Installation installation, OperatorKeys keys) throws IOException {
            String text = file.equals("-")
                    ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
                    : Files.readString(Path.of(file));
            String origin = file.equals("-") ? "standard input" : file;
            OperatorKey key = text.stripLeading().startsWith("{")
                    ? Keystore.decrypt(text, passwordOf(origin), origin)
                    : OperatorKey.parse(text, origin);
            keys.create(key, !plain);
            show(keys);
        }

        private static KeyPassword passwordOf(String origin) throws IOException {
            return KeyPassword.of(Environment.variables())
                    .or(() ->
                            PasswordPrompt.read("Password of " + origin + ": ").map(KeyPassword::of))
                    .orElseThrow(() -> new Problem(
                            origin + " is a keystore and needs its password", "set " + KeyPassword.FILE_ENVIRONMENT));
        }
    }

    @Command(name = "show", description = "Shows the operator's accounts and where its key is; never the key.")
    static final class Show extends Keyed {
        @Override
        void run(Installation installation, OperatorKeys keys) throws IOException {
            show(keys);
        }
    }

    @Command(name = "encrypt", description = "Puts a plain key file into a keystore and removes the plain file.")
    static final class Encrypt extends Storing {
        @Override
        void run(Installation installation, OperatorKeys keys) throws IOException {
            keys.encrypt();
            show(keys);
        }
    }

    @Command(
            name = "rotate",
            description = "Puts a new key in the operator's place, on the chain and on the disk. Started again, it goes"
                    + " on where it was interrupted. The server must be stopped.")
    static final class Rotate extends Keyed {
        @Mixin
        private ServerOptions options = new ServerOptions();

        @Override
        void run(Installation installation, OperatorKeys keys) throws IOException {
            ServerConfig config = options.load(installation);
            Map<String, String> environment = Environment.variables();
            Operator operator = Operator.load(installation, config, environment);
            // Nobody may sign with the present key meanwhile.
            try (Ledger _ = Ledger.open(
                            LedgerSettings.location(installation, config, environment), operator.identity());
                    ChainLink link = ChainLink.open(
                                    config.chain(), installation.chain(), operator, environment, System.err::println)
                            .orElseThrow(() -> new Problem(
                                    "a key is rotated on a chain, and none could be started",
                                    "install Node.js 20 or newer, or set chain.endpoint"))) {
                KeyRotation rotation =
                        new KeyRotation(link.contract(), operator.identity().operatorId(), keys, this::say);
                rotation.retireOthers();
                Address next = rotation.nextAccount();
                if (link.fund(next)) {
                    say(next + " has got money for gas, which is worth nothing on this chain");
                }
                rotation.rotate();
            }
            show(keys);
        }
    }
}
