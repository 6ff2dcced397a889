package org.openlora.server.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.datanet.Contributor;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.datanet.DatanetRegistry;
import org.openlora.meter.datanet.RegisteredDatanet;
import org.openlora.meter.datanet.RegistryEvent;
import org.openlora.meter.datanet.RowTree;
import org.openlora.meter.document.DocumentException;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.merkle.MerkleTree;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.LedgerSettings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `openlora datanet …`: the registry of datanets in the ledger's database. A running server takes up what
/// changes here within seconds.
@Command(
        name = "datanet",
        description = "Registers, lists, shows, retires and counts datanets.",
        subcommands = {
            DatanetCommand.Register.class,
            DatanetCommand.ListDatanets.class,
            DatanetCommand.Show.class,
            DatanetCommand.Retire.class,
            DatanetCommand.Stats.class,
        })
final class DatanetCommand implements Callable<Integer> {
    private static final JsonMapper JSON = new JsonMapper();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(
                spec.commandLine(),
                "say what to do: " + String.join(", ", spec.subcommands().keySet()));
    }

    /// What the commands have in common: the registry, and two ways to print.
    abstract static class OnRegistry implements Callable<Integer> {
        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Option(names = "--json", description = "Prints JSON, one object a line.")
        private boolean json;

        final PrintWriter out() {
            return spec.commandLine().getOut();
        }

        final boolean json() {
            return json;
        }

        private static LedgerLocation location(Installation installation) {
            return LedgerSettings.location(
                    installation, ConfigLoader.load(installation, null), Environment.variables());
        }

        @Override
        public final Integer call() {
            Installation installation = Environment.installation();
            try {
                Files.createDirectories(installation.ledger());
                try (Database database = Database.open(location(installation).database())) {
                    run(DatanetRegistry.open(database, installation.datanets(), InstantSource.system()), installation);
                }
                return ExitStatus.OK;
            } catch (DocumentException e) {
                throw new Problem(Problem.describe(e), "correct it and try again", e);
            } catch (LedgerException e) {
                throw new Problem(Problem.describe(e), "or set OPENLORA_HOME to another folder", e);
            } catch (IOException | UncheckedIOException e) {
                throw new Problem(
                        "a file cannot be used: " + Problem.describe(e), "check that it is there and may be used", e);
            }
        }

        abstract void run(DatanetRegistry registry, Installation installation) throws IOException;

        /// The datanet that a digest, `id@version`, or the id of one version names.
        static RegisteredDatanet find(DatanetRegistry registry, String name) {
            List<RegisteredDatanet> found = registry.entries().stream()
                    .filter(entry -> isNamed(entry.datanet(), name))
                    .toList();
            if (found.size() > 1) {
                throw new Problem(
                        "datanet %s has several versions".formatted(name),
                        "name one: "
                                + found.stream()
                                        .map(entry -> fullName(entry.datanet()))
                                        .collect(Collectors.joining(", ")));
            }
            return found.stream()
                    .findFirst()
                    .orElseThrow(() -> new Problem(
                            "no datanet %s is registered".formatted(name),
                            "name one of openlora datanet list by id, id@version or digest"));
        }

        private static boolean isNamed(Datanet datanet, String name) {
            return name.equals(datanet.id())
                    || name.equals(fullName(datanet))
                    || name.equals(Sha256.text(datanet.digest()));
        }

        static String fullName(Datanet datanet) {
            return datanet.id() + "@" + datanet.version();
        }

        static ObjectNode summary(RegisteredDatanet entry) {
            Datanet datanet = entry.datanet();
            ObjectNode node = JSON.createObjectNode()
                    .put("id", datanet.id())
                    .put("version", datanet.version())
                    .put("title", datanet.title())
                    .put("licence", datanet.licence())
                    .put("digest", Sha256.text(datanet.digest()))
                    .put("merkleRoot", entry.merkleRoot().toString())
                    .put("rows", datanet.rows().size())
                    .put("copies", entry.copyCount())
                    .put("copiesDigest", Sha256.text(entry.copiesDigest()))
                    .put("contributors", datanet.contributors().size())
                    .put("ordinal", entry.ordinal())
                    .put("registeredAt", instant(entry.registeredAtMillis()));
            entry.retiredAtMillis().ifPresent(millis -> node.put("retiredAt", instant(millis)));
            return node;
        }

        static String instant(long millis) {
            return Instant.ofEpochMilli(millis).toString();
        }

        static String state(RegisteredDatanet entry) {
            return entry.retiredAtMillis()
                    .map(millis -> "retired " + instant(millis))
                    .orElse("active");
        }
    }

    @Command(
            name = "register",
            description = "Registers the datanets of folders, or takes up what their datanet.yaml changed.")
    static final class Register extends OnRegistry {
        @Parameters(arity = "1..*", paramLabel = "FOLDER", description = "A folder with a datanet.yaml.")
        private List<Path> folders = List.of();

        @Override
        void run(DatanetRegistry registry, Installation installation) throws IOException {
            for (Path folder : folders) {
                long before = registry.head();
                RegisteredDatanet entry;
                try (RegistrationProgress progress = new RegistrationProgress(folder.toString())) {
                    entry = registry.register(folder, progress);
                }
                boolean changed = registry.head() != before;
                if (json()) {
                    out().println(summary(entry).put("changed", changed));
                } else {
                    out().printf(
                                    "%-24s %s  %d rows, %d of them copies, %s%n",
                                    fullName(entry.datanet()),
                                    Sha256.text(entry.datanet().digest()),
                                    entry.datanet().rows().size(),
                                    entry.copyCount(),
                                    changed ? "registered" : "as it was registered");
                }
                if (!entry.isActive()) {
                    System.err.println("note: " + fullName(entry.datanet()) + " is " + state(entry)
                            + ": it is neither searched nor credited");
                }
            }
        }
    }

    @Command(name = "list", description = "Lists the registered datanets in the order of their registration.")
    static final class ListDatanets extends OnRegistry {
        @Override
        void run(DatanetRegistry registry, Installation installation) {
            for (RegisteredDatanet entry : registry.entries()) {
                if (json()) {
                    out().println(summary(entry));
                } else {
                    Datanet datanet = entry.datanet();
                    out().printf(
                                    "%-24s %s %8d rows %6d copies %4d people  %-14s %s%n",
                                    fullName(datanet),
                                    Sha256.text(datanet.digest()),
                                    datanet.rows().size(),
                                    entry.copyCount(),
                                    datanet.contributors().size(),
                                    datanet.licence(),
                                    state(entry));
                }
            }
            if (registry.entries().isEmpty() && !json()) {
                out().println("no datanet is registered");
            }
        }
    }

    @Command(name = "show", description = "Shows a datanet: what identifies it, who is paid, and what happened to it.")
    static final class Show extends OnRegistry {
        @Parameters(paramLabel = "DATANET", description = "An id, id@version or digest of openlora datanet list.")
        private String name = "";

        @Option(
                names = "--row",
                paramLabel = "NUMBER",
                description = "Shows this row, from 0, with the proof that it stands under the Merkle root.")
        private @Nullable Integer row;

        @Option(names = "--verify", description = "Checks rows, root, copies and events against each other first.")
        private boolean verify;

        @Override
        void run(DatanetRegistry registry, Installation installation) {
            RegisteredDatanet entry = find(registry, name);
            if (verify) {
                registry.verify(entry);
            }
            OptionalInt number = row == null ? OptionalInt.empty() : OptionalInt.of(row);
            if (number.isPresent()
                    && (number.getAsInt() < 0
                            || number.getAsInt() >= entry.datanet().rows().size())) {
                throw new Problem(
                        "datanet %s has no row %d".formatted(name, number.getAsInt()),
                        "name one from 0 to " + (entry.datanet().rows().size() - 1));
            }
            ObjectNode node = whole(registry, entry);
            number.ifPresent(n -> node.set("row", proven(registry, entry, n)));
            if (verify) {
                node.put("verified", true);
            }
            out().println(json() ? node.toString() : node.toPrettyString());
        }

        private static ObjectNode whole(DatanetRegistry registry, RegisteredDatanet entry) {
            Datanet datanet = entry.datanet();
            ObjectNode node = summary(entry).put("salt", datanet.salt().toString());
            ArrayNode people = node.putArray("people");
            for (Contributor contributor : datanet.contributors()) {
                people.addObject()
                        .put("id", contributor.id())
                        .put("name", contributor.name())
                        .put("hash", contributor.hash().toString())
                        .put("payee", contributor.payee().toString());
            }
            ArrayNode events = node.putArray("events");
            for (RegistryEvent event : registry.events(entry)) {
                events.addObject()
                        .put("at", instant(event.atMillis()))
                        .put("kind", event.kind().name())
                        .put("body", event.body())
                        .put("hash", event.hash().toString());
            }
            return node;
        }

        private static ObjectNode proven(DatanetRegistry registry, RegisteredDatanet entry, int number) {
            Datanet datanet = entry.datanet();
            MerkleTree tree = RowTree.of(datanet);
            ObjectNode node = JSON.createObjectNode()
                    .put("number", number)
                    .put("contributor", datanet.contributorOf(number).id());
            Optional.ofNullable(datanet.rows().get(number).prompt()).ifPresent(prompt -> node.put("prompt", prompt));
            node.put("text", datanet.rows().get(number).text());
            registry.copies(datanet.digest()).originalOf(number).ifPresent(original -> node.putObject("copyOf")
                    .put("datanet", Sha256.text(original.datanet()))
                    .put("row", original.row()));
            ArrayNode leaf = node.putArray("leaf");
            RowTree.columns(datanet, number).forEach(leaf::add);
            ArrayNode proof = node.putArray("proof");
            tree.proof(number).siblings().stream().map(Bytes32::toString).forEach(proof::add);
            return node;
        }
    }

    @Command(
            name = "retire",
            description = "Retires a version: still auditable, no longer searched or credited. It cannot be undone.")
    static final class Retire extends OnRegistry {
        @Parameters(paramLabel = "DATANET", description = "An id, id@version or digest of openlora datanet list.")
        private String name = "";

        @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why, for the record.")
        private String reason = "";

        @Option(names = "--actor", paramLabel = "NAME", description = "Who retires it; the system's user without it.")
        private String actor = System.getProperty("user.name", "");

        @Override
        void run(DatanetRegistry registry, Installation installation) {
            if (reason.isBlank() || actor.isBlank()) {
                throw new Problem("reason and actor must not be blank", "say who retires the datanet and why");
            }
            RegisteredDatanet entry =
                    registry.retire(find(registry, name).datanet().digest(), actor, reason);
            if (json()) {
                out().println(summary(entry));
            } else {
                out().printf("%s is %s%n", fullName(entry.datanet()), state(entry));
            }
        }
    }

    @Command(name = "stats", description = "Counts what is registered, and the disk that rows and indices take.")
    static final class Stats extends OnRegistry {
        @Override
        void run(DatanetRegistry registry, Installation installation) throws IOException {
            List<RegisteredDatanet> entries = registry.entries();
            ObjectNode node = JSON.createObjectNode()
                    .put(
                            "datanets",
                            entries.stream()
                                    .map(e -> e.datanet().id())
                                    .distinct()
                                    .count())
                    .put("versions", entries.size())
                    .put(
                            "active",
                            entries.stream().filter(RegisteredDatanet::isActive).count())
                    .put(
                            "rows",
                            entries.stream()
                                    .mapToLong(e -> e.datanet().rows().size())
                                    .sum())
                    .put(
                            "copies",
                            entries.stream()
                                    .mapToLong(RegisteredDatanet::copyCount)
                                    .sum())
                    .put(
                            "contributors",
                            entries.stream()
                                    .flatMap(e -> e.datanet().contributors().stream())
                                    .map(Contributor::hash)
                                    .distinct()
                                    .count())
                    .put(
                            "rowBytes",
                            entries.stream()
                                    .mapToLong(RegisteredDatanet::rowBytes)
                                    .sum())
                    .put("storeBytes", bytesBelow(installation.datanets()))
                    .put("indexBytes", bytesBelow(installation.indices()));
            if (json()) {
                out().println(node);
            } else {
                node.properties().forEach(field -> out().printf("%-12s %s%n", field.getKey(), field.getValue()));
            }
        }

        private static long bytesBelow(Path folder) throws IOException {
            if (!Files.isDirectory(folder)) {
                return 0;
            }
            try (Stream<Path> files = Files.walk(folder)) {
                long bytes = 0;
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    bytes += Files.size(file);
                }
                return bytes;
            }
        }
    }
}
