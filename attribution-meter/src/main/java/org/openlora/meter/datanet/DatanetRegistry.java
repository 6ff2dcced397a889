package org.openlora.meter.datanet;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.openlora.meter.database.Database;
import org.openlora.meter.datanet.RowsWriter.Written;
import org.openlora.meter.document.DocumentException;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.duplicates.Copies;
import org.openlora.meter.duplicates.NearDuplicates;
import org.openlora.meter.duplicates.NearDuplicates.Registered;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.files.Progress;

/// The datanets that a lineage may name: which versions there are, in the order of their registration, which of
/// their rows are copies of earlier ones, who is paid, and what was retired. Kept in the ledger's database; the
/// rows are kept in a folder of the registry's own. Several processes may use one registry: each sees what the
/// others registered after [#refresh]. Safe for use by many threads.
public final class DatanetRegistry {
    private final Database database;
    private final DatanetStore store;
    private final InstantSource clock;
    private final RegistrationStep.Observer observer;
    private final Map<Bytes32, Copies> copies = new ConcurrentHashMap<>();
    private volatile Moment moment = new Moment(0, Map.of());

    /// What is registered, up to an event.
    private record Moment(long head, Map<Bytes32, RegisteredDatanet> byDigest) {
        List<RegisteredDatanet> entries() {
            return List.copyOf(byDigest.values());
        }
    }

    private DatanetRegistry(Database database, Path store, InstantSource clock, RegistrationStep.Observer observer) {
        this.database = database;
        this.store = new DatanetStore(store, observer);
        this.clock = clock;
        this.observer = observer;
    }

    /// The registry in a database.
    ///
    /// @param store folder of the rows; made when the first datanet is registered
    public static DatanetRegistry open(Database database, Path store, InstantSource clock) {
        return open(database, store, clock, step -> {});
    }

    /// The registry in a database, with an observer of registrations.
    public static DatanetRegistry open(
            Database database, Path store, InstantSource clock, RegistrationStep.Observer observer) {
        DatanetRegistry registry = new DatanetRegistry(database, store, clock, observer);
        registry.refresh();
        return registry;
    }

    /// Registers every sub-folder with a `datanet.yaml`, in the order of the folders' names.
    ///
    /// @return their entries, in that order
    /// @throws IOException where a folder cannot be read or the rows cannot be kept
    /// @throws DocumentException where a datanet breaks the format, or contradicts what is registered
    public List<RegisteredDatanet> registerAll(Path root, Progress progress) throws IOException {
        List<Path> folders;
        try (Stream<Path> entries = Files.list(root)) {
            folders = entries.filter(folder -> Files.isRegularFile(folder.resolve(Datanet.FILE_NAME)))
                    .sorted()
                    .toList();
        }
        List<RegisteredDatanet> registered = new ArrayList<>();
        for (Path folder : folders) {
            registered.add(register(folder, progress));
        }
        return registered;
    }

    /// Registers the datanet of a folder behind those that are there. One that is there already stays where it
    /// is; what its `datanet.yaml` says now of title, licence, names and payees becomes events.
    ///
    /// @throws IOException where the folder cannot be read or the rows cannot be kept
    /// @throws DocumentException where it breaks the format; where its id and version are registered with other
    ///     rows, its rows under another id or version, or one of its contributors with another payee by another
    ///     datanet
    public RegisteredDatanet register(Path folder, Progress progress) throws IOException {
        DatanetFolder source = DatanetFolder.open(folder);
        Bytes32 digest = source.digest(progress);
        return register(
                new Datanet(
                        digest,
                        source.id(),
                        source.version(),
                        source.title(),
                        source.licence(),
                        source.salt(),
                        source.contributors(),
                        List.of()),
                writer -> source.writeTo(writer, progress),
                progress);
    }

    /// Registers a datanet whose rows are at hand, as [#register(Path, Progress)] does.
    ///
    /// @throws UncheckedIOException where the rows cannot be kept
    public RegisteredDatanet register(Datanet datanet) {
        try {
            return register(
                    datanet,
                    writer -> {
                        for (DatanetRow row : datanet.rows()) {
                            writer.add(
                                    datanet.contributors()
                                            .get(row.contributor())
                                            .hash(),
                                    row.prompt(),
                                    row.text());
                        }
                    },
                    Progress.NONE);
        } catch (IOException e) {
            throw new UncheckedIOException("the rows of datanet '" + datanet.id() + "' cannot be kept", e);
        }
    }

    private RegisteredDatanet register(Datanet datanet, DatanetStore.Source rows, Progress progress)
            throws IOException {
        refresh();
        Optional<RegisteredDatanet> known = entry(datanet.digest());
        if (known.isPresent()) {
            requireSameName(known.get(), datanet);
            if (!DatanetStore.isWhole((StoredRows) known.get().datanet().rows())) {
                store.write(rows, datanet.contributors());
            }
            update(datanet);
        } else {
            Written written = store.write(rows, datanet.contributors());
            if (!written.digest().equals(datanet.digest())) {
                throw new DocumentException("the rows of datanet '" + datanet.id()
                        + "' changed while they were being registered: try again");
            }
            boolean registered = false;
            while (!registered) {
                // Whoever came between changes which rows are copies.
                registered = insert(datanet, written, moment, progress);
                refresh();
            }
        }
        observer.reached(RegistrationStep.COMMITTED);
        return entry(datanet.digest()).orElseThrow();
    }

    private static void requireSameName(RegisteredDatanet known, Datanet datanet) {
        Datanet present = known.datanet();
        if (!present.id().equals(datanet.id()) || !present.version().equals(datanet.version())) {
            throw new DocumentException("datanet " + name(datanet) + " has the same rows as " + name(present)
                    + ", which is registered: " + Sha256.text(datanet.digest()));
        }
    }

    private static String name(Datanet datanet) {
        return "'" + datanet.id() + "' version " + datanet.version();
    }

    /// Adds a version whose rows are in the store.
    ///
    /// @return false where the registry has changed since the moment
    private boolean insert(Datanet datanet, Written written, Moment seen, Progress progress) {
        StoredRows rows = store.rows(datanet.digest(), written.rows(), datanet.contributors());
        Copies found = NearDuplicates.find(registered(seen), rows, progress);
        long now = clock.instant().toEpochMilli();
        return database.write(connection -> {
            RegistryTables tables = new RegistryTables(connection);
            if (tables.head() != seen.head()) {
                return false;
            }
            requireConsistent(seen, datanet);
            tables.insert(
                    new RegisteredDatanet(
                            tables.ordinal(datanet.digest()),
                            withRows(datanet, rows),
                            written.merkleRoot(),
                            written.jsonBytes(),
                            found.size(),
                            found.digest(datanet.digest()),
                            now,
                            Optional.empty()),
                    found);
            updatePayees(tables, seen, datanet, now);
            observer.reached(RegistrationStep.BEFORE_COMMIT);
            return true;
        });
    }

    private List<Registered> registered(Moment seen) {
        return seen.entries().stream()
                .map(entry -> new Registered(entry.datanet().banded(), copies(entry)))
                .toList();
    }

    private static Datanet withRows(Datanet datanet, StoredRows rows) {
        return new Datanet(
                datanet.digest(),
                datanet.id(),
                datanet.version(),
                datanet.title(),
                datanet.licence(),
                datanet.salt(),
                datanet.contributors(),
                rows);
    }

    private static void requireConsistent(Moment seen, Datanet datanet) {
        for (RegisteredDatanet entry : seen.entries()) {
            Datanet present = entry.datanet();
            if (present.id().equals(datanet.id())) {
                if (present.version().equals(datanet.version())
                        && !present.digest().equals(datanet.digest())) {
                    throw new DocumentException("datanet " + name(datanet) + " is registered with other rows ("
                            + Sha256.text(present.digest()) + "): give these rows a version of their own");
                }
            } else {
                requireSamePayees(present, datanet);
            }
        }
    }

    /// A datanet may move its own contributors' payees, in all of its versions; never another datanet's.
    private static void requireSamePayees(Datanet present, Datanet datanet) {
        Map<Bytes32, Contributor> others = new LinkedHashMap<>();
        present.contributors().forEach(contributor -> others.put(contributor.hash(), contributor));
        for (Contributor contributor : datanet.contributors()) {
            Contributor other = others.get(contributor.hash());
            if (other != null && !other.payee().equals(contributor.payee())) {
                throw new DocumentException("contributor '" + contributor.id() + "' of datanet '" + datanet.id()
                        + "' is paid at " + other.payee() + " by datanet '" + present.id()
                        + "' of the same salt, not at " + contributor.payee() + ": give the datanet a salt of its own");
            }
        }
    }

    /// Makes events of what a registered datanet now says otherwise.
    private void update(Datanet datanet) {
        long now = clock.instant().toEpochMilli();
        boolean done = false;
        while (!done) {
            Moment seen = moment;
            done = database.write(connection -> {
                RegistryTables tables = new RegistryTables(connection);
                if (tables.head() != seen.head()) {
                    return false;
                }
                requireConsistent(seen, datanet);
                updateTexts(tables, seen, datanet, now);
                updatePayees(tables, seen, datanet, now);
                return true;
            });
            refresh();
        }
    }

    private static void updateTexts(RegistryTables tables, Moment seen, Datanet datanet, long now) throws SQLException {
        RegisteredDatanet entry = entry(seen, datanet.digest()).orElseThrow();
        Datanet present = entry.datanet();
        long ordinal = entry.ordinal();
        if (!present.title().equals(datanet.title())) {
            tables.setTitle(ordinal, datanet.title());
            tables.append(
                    ordinal, datanet.digest(), now, RegistryEvent.Kind.TITLE, change(present.title(), datanet.title()));
        }
        if (!present.licence().equals(datanet.licence())) {
            tables.setLicence(ordinal, datanet.licence());
            tables.append(
                    ordinal,
                    datanet.digest(),
                    now,
                    RegistryEvent.Kind.LICENCE,
                    change(present.licence(), datanet.licence()));
        }
        Map<Bytes32, Contributor> people = new LinkedHashMap<>();
        present.contributors().forEach(contributor -> people.put(contributor.hash(), contributor));
        int place = people.size();
        for (Contributor contributor : datanet.contributors()) {
            Contributor known = people.get(contributor.hash());
            if (known != null && known.name().equals(contributor.name())) {
                continue;
            }
            if (known == null) {
                tables.insert(ordinal, place++, contributor);
            } else {
                tables.setName(ordinal, contributor.hash(), contributor.name());
            }
            tables.append(
                    ordinal,
                    datanet.digest(),
                    now,
                    RegistryEvent.Kind.CONTRIBUTOR,
                    change(known == null ? "" : known.name(), contributor.name())
                            .put("contributor", contributor.hash().toString()));
        }
    }

    private static void updatePayees(RegistryTables tables, Moment seen, Datanet datanet, long now)
            throws SQLException {
        Map<Bytes32, Contributor> people = new LinkedHashMap<>();
        for (RegisteredDatanet entry : seen.entries()) {
            if (entry.datanet().id().equals(datanet.id())) {
                entry.datanet().contributors().forEach(contributor -> people.put(contributor.hash(), contributor));
            }
        }
        for (Contributor contributor : datanet.contributors()) {
            Contributor known = people.get(contributor.hash());
            if (known != null && !known.payee().equals(contributor.payee())) {
                tables.setPayee(contributor.hash(), contributor.payee());
                tables.append(
                        tables.ordinal(datanet.digest()),
                        datanet.digest(),
                        now,
                        RegistryEvent.Kind.PAYEE,
                        change(known.payee().toString(), contributor.payee().toString())
                                .put("contributor", contributor.hash().toString()));
            }
        }
    }

    private static ObjectNode change(String from, String to) {
        return JsonNodeFactory.instance.objectNode().put("from", from).put("to", to);
    }

    /// Retires a version: it stays known and auditable, and is neither searched nor credited for requests
    /// served from now on. Retiring a retired version changes nothing.
    ///
    /// @param actor who asks, for the record
    /// @param reason for the record
    /// @throws DocumentException where no such datanet is registered
    public RegisteredDatanet retire(Bytes32 digest, String actor, String reason) {
        refresh();
        RegisteredDatanet entry = entry(digest)
                .orElseThrow(() -> new DocumentException("no datanet " + Sha256.text(digest) + " is registered"));
        long now = clock.instant().toEpochMilli();
        database.write(connection -> {
            RegistryTables tables = new RegistryTables(connection);
            boolean active = tables.versions().stream()
                    .anyMatch(version -> version.digest().equals(digest)
                            && version.retiredAtMillis().isEmpty());
            if (active) {
                tables.setRetired(entry.ordinal(), now);
                tables.append(
                        entry.ordinal(),
                        digest,
                        now,
                        RegistryEvent.Kind.RETIRED,
                        JsonNodeFactory.instance
                                .objectNode()
                                .put("actor", actor)
                                .put("reason", reason));
            }
            return active;
        });
        refresh();
        return entry(digest).orElseThrow();
    }

    /// Takes up what other processes registered or retired since.
    ///
    /// @return whether there was anything
    public synchronized boolean refresh() {
        Moment seen = moment;
        Moment now = database.read(connection -> {
            RegistryTables tables = new RegistryTables(connection);
            long head = tables.head();
            return head == seen.head() ? seen : load(tables, head, seen);
        });
        moment = now;
        return now.head() != seen.head();
    }

    private Moment load(RegistryTables tables, long head, Moment seen) throws SQLException {
        Map<Long, List<Contributor>> contributors = tables.contributors();
        Map<Bytes32, RegisteredDatanet> entries = new LinkedHashMap<>();
        for (RegistryTables.Version version : tables.versions()) {
            List<Contributor> people = contributors.getOrDefault(version.ordinal(), List.of());
            entries.put(
                    version.digest(),
                    new RegisteredDatanet(
                            version.ordinal(),
                            new Datanet(
                                    version.digest(),
                                    version.id(),
                                    version.version(),
                                    version.title(),
                                    version.licence(),
                                    version.salt(),
                                    people,
                                    rows(version, people, seen)),
                            version.merkleRoot(),
                            version.rowBytes(),
                            version.copyCount(),
                            version.copiesDigest(),
                            version.registeredAtMillis(),
                            version.retiredAtMillis()));
        }
        return new Moment(head, entries);
    }

    /// Rows that are open stay open.
    private StoredRows rows(RegistryTables.Version version, List<Contributor> people, Moment seen) {
        return entry(seen, version.digest())
                .map(known -> (StoredRows) known.datanet().rows())
                .filter(rows -> rows.isBy(people))
                .orElseGet(() -> store.rows(version.digest(), version.rows(), people));
    }

    /// Changes with every event that this process has seen.
    public long head() {
        return moment.head();
    }

    /// A registered datanet, retired or not.
    public Optional<Datanet> find(Bytes32 digest) {
        return entry(digest).map(RegisteredDatanet::datanet);
    }

    /// What the registry knows of a datanet, retired or not.
    public Optional<RegisteredDatanet> entry(Bytes32 digest) {
        return entry(moment, digest);
    }

    private static Optional<RegisteredDatanet> entry(Moment moment, Bytes32 digest) {
        return Optional.ofNullable(moment.byDigest().get(digest));
    }

    /// All datanets, retired or not, in the order of their registration.
    public Collection<Datanet> all() {
        return moment.entries().stream().map(RegisteredDatanet::datanet).toList();
    }

    /// All that the registry knows, in the order of registration.
    public List<RegisteredDatanet> entries() {
        return moment.entries();
    }

    /// The copies among a datanet's rows.
    ///
    /// @throws DocumentException where no such datanet is registered
    public Copies copies(Bytes32 digest) {
        return copies(entry(digest)
                .orElseThrow(() -> new DocumentException("no datanet " + Sha256.text(digest) + " is registered")));
    }

    private Copies copies(RegisteredDatanet entry) {
        return copies.computeIfAbsent(
                entry.datanet().digest(),
                _ -> database.read(connection -> new RegistryTables(connection).copies(entry.ordinal())));
    }

    /// What happened to a datanet, in order.
    public List<RegistryEvent> events(RegisteredDatanet entry) {
        return database.read(connection -> new RegistryTables(connection).events(Optional.of(entry.ordinal())));
    }

    /// Checks that the events are those that were written, and that a datanet's rows, root and copies are those
    /// that were registered.
    ///
    /// @throws DocumentException naming the first thing that is not
    public void verify(RegisteredDatanet entry) {
        Bytes32 previous = Bytes32.ZERO;
        for (RegistryEvent event :
                database.read(connection -> new RegistryTables(connection).events(Optional.empty()))) {
            if (!event.follows(previous)) {
                throw new DocumentException("event " + event.id() + " of the registry is not what was written");
            }
            previous = event.hash();
        }
        Datanet datanet = entry.datanet();
        ((StoredRows) datanet.rows()).verify();
        if (!RowTree.of(datanet).root().equals(entry.merkleRoot())) {
            throw new DocumentException("datanet " + name(datanet) + " has another Merkle root than was registered");
        }
        if (!copies(entry).digest(datanet.digest()).equals(entry.copiesDigest())) {
            throw new DocumentException("datanet " + name(datanet) + " has other copies than were registered");
        }
    }
}
