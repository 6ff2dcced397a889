package org.openlora.meter.datanet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.document.DocumentException;
import org.openlora.meter.duplicates.Copies;
import org.openlora.meter.duplicates.RowId;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Address;
import org.openlora.meter.files.Progress;

@ParameterizedClass
@EnumSource(TestDatabase.class)
class DatanetRegistryTest {
    private static final InstantSource CLOCK = InstantSource.fixed(Instant.ofEpochMilli(1_790_000_000_000L));
    private static final String TIDE = "The tide comes back to the grey harbour at dusk, and the boats rise with it.";

    private final Path folder;
    private final Database database;
    private final DatanetRegistry registry;

    DatanetRegistryTest(TestDatabase databases, @TempDir Path folder) {
        this.folder = folder;
        this.database = Database.open(databases.location(folder));
        this.registry = open();
    }

    @AfterEach
    void close() {
        database.close();
    }

    private DatanetRegistry open() {
        return DatanetRegistry.open(database, folder.resolve("datanets"), CLOCK);
    }

    /// A datanet whose contributors are `ada` and `bo`, in turns.
    private static Datanet datanet(String id, String version, String salt, String... texts) {
        List<Contributor> people = new ArrayList<>();
        for (String name : List.of("ada", "bo")) {
            people.add(new Contributor(
                    name, Contributor.hash(Fixtures.word(salt), name), name, Fixtures.address(salt + name)));
        }
        List<DatanetRow> rows = new ArrayList<>();
        for (String text : texts) {
            rows.add(new DatanetRow(rows.size() % 2, rows.size() % 3 == 0 ? "Why?" : null, text));
        }
        return Datanet.of(id, version, "Title", "CC0-1.0", Fixtures.word(salt), people, rows);
    }

    private static Datanet with(Datanet datanet, String licence, List<Contributor> people) {
        return new Datanet(
                datanet.digest(),
                datanet.id(),
                datanet.version(),
                datanet.title(),
                licence,
                datanet.salt(),
                people,
                datanet.rows());
    }

    private static List<RegistryEvent.Kind> kinds(DatanetRegistry registry, RegisteredDatanet entry) {
        return registry.events(entry).stream().map(RegistryEvent::kind).toList();
    }

    @Test
    void register_reopened_knowsEverything() {
        Datanet first = datanet("first", "1", "a", TIDE, "Bread rises twice.");
        Datanet second = datanet("second", "1", "b", "A gull sleeps.", TIDE.replace("grey", "gray"));
        registry.register(first);
        registry.register(second);

        DatanetRegistry reopened = open();
        assertThat(reopened.all()).extracting(Datanet::digest).containsExactly(first.digest(), second.digest());
        Datanet read = reopened.find(first.digest()).orElseThrow();
        assertThat(read.rows()).isEqualTo(first.rows());
        assertThat(read.contributors()).isEqualTo(first.contributors());
        assertThat(read.licence()).isEqualTo("CC0-1.0");
        assertThat(read.contributorOf(1).id()).isEqualTo("bo");
        RegisteredDatanet entry = reopened.entry(second.digest()).orElseThrow();
        assertThat(entry.isActive()).isTrue();
        assertThat(entry.registeredAtMillis()).isEqualTo(1_790_000_000_000L);
        assertThat(entry.merkleRoot()).isEqualTo(RowTree.of(second).root());
        Copies copies = reopened.copies(second.digest());
        assertThat(copies.size()).isEqualTo(1);
        assertThat(copies.originalOf(1)).contains(new RowId(first.digest(), 0));
        assertThat(entry.copiesDigest()).isEqualTo(copies.digest(second.digest()));
        reopened.entries().forEach(reopened::verify);
    }

    @Test
    void register_again_changesNothing() {
        Datanet datanet = datanet("first", "1", "a", TIDE);
        RegisteredDatanet entry = registry.register(datanet);
        long head = registry.head();
        assertThat(registry.register(datanet).ordinal()).isEqualTo(entry.ordinal());
        assertThat(registry.head()).isEqualTo(head);
        assertThat(kinds(registry, entry)).containsExactly(RegistryEvent.Kind.REGISTERED);
    }

    @Test
    void register_otherLicencePayeeAndPeople_becomesEvents() {
        Datanet datanet = datanet("first", "1", "a", TIDE);
        registry.register(datanet);
        Datanet later = datanet("first", "2", "a", "Something else.");
        registry.register(later);
        Address moved = Fixtures.address("ada's other account");
        List<Contributor> people = new ArrayList<>(datanet.contributors());
        Contributor ada = people.getFirst();
        people.set(0, new Contributor("ada", ada.hash(), "Ada Lovelace", moved));
        people.add(new Contributor("cy", Contributor.hash(datanet.salt(), "cy"), "Cy", Fixtures.address("cy")));

        RegisteredDatanet entry = registry.register(with(datanet, "CC-BY-4.0", people));

        assertThat(kinds(registry, entry))
                .containsExactly(
                        RegistryEvent.Kind.REGISTERED,
                        RegistryEvent.Kind.LICENCE,
                        RegistryEvent.Kind.CONTRIBUTOR,
                        RegistryEvent.Kind.CONTRIBUTOR,
                        RegistryEvent.Kind.PAYEE);
        assertThat(entry.datanet().licence()).isEqualTo("CC-BY-4.0");
        assertThat(entry.datanet().contributors()).isEqualTo(people);
        Datanet other = registry.find(later.digest()).orElseThrow();
        assertThat(other.contributors().getFirst().payee())
                .as("one person has one payee in all versions")
                .isEqualTo(moved);
        registry.verify(entry);
    }

    @Test
    void register_contradictions_areRefused() {
        Datanet datanet = datanet("first", "1", "a", TIDE);
        registry.register(datanet);
        assertThatThrownBy(() -> registry.register(datanet("first", "1", "a", "Other rows.")))
                .isInstanceOf(DocumentException.class)
                .hasMessageStartingWith("datanet 'first' version 1 is registered with other rows")
                .hasMessageEndingWith("give these rows a version of their own");
        assertThatThrownBy(() -> registry.register(datanet("second", "1", "a", TIDE)))
                .hasMessageStartingWith("datanet 'second' version 1 has the same rows as 'first' version 1");
        Datanet thief = datanet("thief", "1", "a", "Rows of somebody else.");
        List<Contributor> people = new ArrayList<>(thief.contributors());
        people.set(0, new Contributor("ada", people.getFirst().hash(), "ada", Fixtures.address("thief")));
        assertThatThrownBy(() -> registry.register(with(thief, "CC0-1.0", people)))
                .hasMessageContaining("by datanet 'first' of the same salt")
                .hasMessageEndingWith("give the datanet a salt of its own");
        assertThat(registry.entries()).hasSize(1);
    }

    @Test
    void retire_version_staysKnownAndIsNotActive() {
        Datanet datanet = datanet("first", "1", "a", TIDE);
        registry.register(datanet);
        DatanetRegistry other = open();
        RegisteredDatanet retired = registry.retire(datanet.digest(), "alice", "consent was withdrawn");
        assertThat(retired.retiredAtMillis()).contains(1_790_000_000_000L);
        assertThat(registry.find(datanet.digest())).isPresent();
        registry.retire(datanet.digest(), "bob", "again");
        registry.register(datanet);
        assertThat(registry.entry(datanet.digest()).orElseThrow().isActive()).isFalse();
        assertThat(registry.events(retired))
                .extracting(RegistryEvent::kind, RegistryEvent::body)
                .endsWith(org.assertj.core.groups.Tuple.tuple(
                        RegistryEvent.Kind.RETIRED, "{\"actor\":\"alice\",\"reason\":\"consent was withdrawn\"}"))
                .hasSize(2);
        assertThat(other.entry(datanet.digest()).orElseThrow().isActive()).isTrue();
        assertThat(other.refresh()).isTrue();
        assertThat(other.refresh()).isFalse();
        assertThat(other.entry(datanet.digest()).orElseThrow().isActive()).isFalse();
        assertThatThrownBy(() -> registry.retire(Fixtures.word("nothing"), "alice", "why"))
                .hasMessageContaining("is registered");
    }

    @Test
    void register_fromFolder_survivesTheFolder() throws IOException {
        Path source = writeFolder("poems", TIDE, "Leaves fall.");
        RegisteredDatanet entry = registry.register(source, Progress.NONE);
        assertThat(entry.datanet().digest()).isEqualTo(Datanet.read(source).digest());
        Files.delete(source.resolve("rows.jsonl"));
        Files.delete(source.resolve("datanet.yaml"));
        DatanetRegistry reopened = open();
        assertThat(reopened.find(entry.datanet().digest()).orElseThrow().rows())
                .extracting(DatanetRow::text)
                .containsExactly(TIDE, "Leaves fall.");
    }

    @Test
    void registerAll_severalFolders_inOrderOfTheirNames() throws IOException {
        writeFolder("b", "Text of b.");
        writeFolder("a", "Text of a.");
        assertThat(registry.registerAll(folder.resolve("sources"), Progress.NONE))
                .extracting(entry -> entry.datanet().id())
                .containsExactly("a", "b");
    }

    @Test
    void rows_damagedOrGone_areRefusedAndRepaired() throws IOException {
        Path source = writeFolder("poems", TIDE, "Leaves fall.", "Rain.");
        RegisteredDatanet entry = registry.register(source, Progress.NONE);
        Path stored = folder.resolve("datanets")
                .resolve(entry.datanet().digest().toString().substring(2));
        for (String name : List.of(StoredRows.JSON, StoredRows.TABLE)) {
            byte[] whole = Files.readAllBytes(stored.resolve(name));
            for (int at = 0; at < whole.length; at += 19) {
                byte[] damaged = whole.clone();
                damaged[at] ^= 4;
                Files.write(stored.resolve(name), damaged);
                List<DatanetRow> rows =
                        open().find(entry.datanet().digest()).orElseThrow().rows();
                assertThatThrownBy(() -> rows.get(0))
                        .as("%s, byte %d", name, at)
                        .isInstanceOf(DocumentException.class)
                        .hasMessageEndingWith("register the datanet's folder again");
            }
            open().register(source, Progress.NONE);
            assertThat(Files.readAllBytes(stored.resolve(name))).isEqualTo(whole);
            Files.delete(stored.resolve(name));
            List<DatanetRow> gone =
                    open().find(entry.datanet().digest()).orElseThrow().rows();
            assertThatThrownBy(() -> gone.get(0)).hasMessageContaining("are missing");
            open().register(source, Progress.NONE);
        }
        assertThat(open().find(entry.datanet().digest()).orElseThrow().rows()).hasSize(3);
    }

    @Test
    void verify_changedEventOrCopies_isFound() {
        Datanet first = datanet("first", "1", "a", TIDE);
        Datanet second = datanet("second", "1", "b", TIDE, TIDE + "!");
        registry.register(first);
        RegisteredDatanet entry = registry.register(second);
        registry.verify(entry);
        database.write(connection -> Database.update(
                connection, "DELETE FROM datanet_copy WHERE ordinal = ? AND row_place = 1", entry.ordinal()));
        assertThatThrownBy(() -> open().verify(entry)).hasMessageContaining("has other copies than were registered");
        database.write(connection ->
                Database.update(connection, "UPDATE datanet_event SET body = ? WHERE id = 1", "{\"id\":\"mine\"}"));
        assertThatThrownBy(() -> open().verify(entry)).hasMessage("event 1 of the registry is not what was written");
    }

    @Test
    void register_byManyAtOnce_givesEveryOneAPlaceAndOneOriginal() throws Exception {
        int count = 6;
        List<Future<RegisteredDatanet>> registered = new ArrayList<>();
        try (ExecutorService pool = Executors.newFixedThreadPool(count)) {
            for (int i = 0; i < count; i++) {
                Datanet datanet = datanet("net-" + i, "1", "salt " + i, TIDE + " " + i, "Row of " + i + " alone.");
                DatanetRegistry one = open();
                registered.add(pool.submit(() -> one.register(datanet)));
            }
        }
        for (Future<RegisteredDatanet> each : registered) {
            each.get();
        }
        DatanetRegistry reopened = open();
        assertThat(reopened.entries()).hasSize(count);
        RowId original = new RowId(reopened.entries().getFirst().datanet().digest(), 0);
        for (RegisteredDatanet entry : reopened.entries().subList(1, count)) {
            assertThat(reopened.copies(entry.datanet().digest()).originalOf(0)).contains(original);
            reopened.verify(entry);
        }
    }

    @Test
    void rows_largeDatanet_areReadOneAtATime() {
        Random random = new Random(21);
        String[] texts = new String[3_000];
        for (int i = 0; i < texts.length; i++) {
            texts[i] = Long.toString(random.nextLong(), 36) + " " + Long.toString(random.nextLong(), 36);
        }
        Datanet datanet = datanet("large", "1", "a", texts);
        registry.register(datanet);
        Datanet stored = open().find(datanet.digest()).orElseThrow();
        for (int i = 0; i < texts.length; i += 97) {
            assertThat(stored.rows().get(i)).isEqualTo(datanet.rows().get(i));
            assertThat(stored.contributorOf(i)).isEqualTo(datanet.contributorOf(i));
        }
        assertThatThrownBy(() -> stored.rows().get(texts.length)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    private Path writeFolder(String id, String... texts) throws IOException {
        Path source = Files.createDirectories(folder.resolve("sources").resolve(id));
        Files.writeString(source.resolve("datanet.yaml"), """
                id: %s
                version: 1
                title: Some texts
                licence: CC0-1.0
                salt: "%s"
                rows: rows.jsonl
                contributors:
                  - {id: ada, name: Ada, payee: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"}
                """.formatted(
                        id, Fixtures.word(id).toString().substring(2)));
        StringBuilder rows = new StringBuilder();
        for (String text : texts) {
            rows.append("{\"contributor\":\"ada\",\"text\":\"").append(text).append("\"}\n");
        }
        Files.writeString(source.resolve("rows.jsonl"), rows.toString());
        return source;
    }
}
