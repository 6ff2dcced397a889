package org.openlora.meter.datanet;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.openlora.meter.database.Database;
import org.openlora.meter.document.CanonicalJson;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.duplicates.Copies;
import org.openlora.meter.duplicates.RowId;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// The registry's tables, within a transaction.
final class RegistryTables {
    private static final int COPIES_PER_BATCH = 4_096;

    private final Connection connection;

    RegistryTables(Connection connection) {
        this.connection = connection;
    }

    /// A version's row, but for its contributors.
    record Version(
            long ordinal,
            Bytes32 digest,
            String id,
            String version,
            String title,
            String licence,
            Bytes32 salt,
            int rows,
            long rowBytes,
            Bytes32 merkleRoot,
            int copyCount,
            Bytes32 copiesDigest,
            long registeredAtMillis,
            Optional<Long> retiredAtMillis) {}

    /// Id of the last event; 0 for none.
    long head() throws SQLException {
        return Database.query(
                        connection, "SELECT coalesce(max(id), 0) AS id FROM datanet_event", row -> row.getLong("id"))
                .getFirst();
    }

    /// All versions in the order of their registration.
    List<Version> versions() throws SQLException {
        return Database.query(
                connection,
                "SELECT v.*, d.digest FROM datanet_version v JOIN datanet d ON d.ordinal = v.ordinal"
                        + " ORDER BY v.ordinal",
                RegistryTables::version);
    }

    private static Version version(ResultSet row) throws SQLException {
        long retired = row.getLong("retired_at");
        return new Version(
                row.getLong("ordinal"),
                Database.word(row, "digest"),
                row.getString("id"),
                row.getString("version"),
                row.getString("title"),
                row.getString("licence"),
                Database.word(row, "salt"),
                row.getInt("row_count"),
                row.getLong("row_bytes"),
                Database.word(row, "merkle_root"),
                row.getInt("copy_count"),
                Database.word(row, "copies_digest"),
                row.getLong("registered_at"),
                retired == 0 ? Optional.empty() : Optional.of(retired));
    }

    /// Contributors by ordinal, in their places.
    Map<Long, List<Contributor>> contributors() throws SQLException {
        Map<Long, List<Contributor>> contributors = new HashMap<>();
        Database.query(
                connection,
                "SELECT ordinal, hash, contributor_id, name, payee FROM datanet_contributor ORDER BY ordinal, place",
                row -> contributors
                        .computeIfAbsent(row.getLong("ordinal"), _ -> new ArrayList<>())
                        .add(new Contributor(
                                row.getString("contributor_id"),
                                Database.word(row, "hash"),
                                row.getString("name"),
                                Address.of(row.getBytes("payee")))));
        return contributors;
    }

    Copies copies(long ordinal) throws SQLException {
        Copies.Builder copies = new Copies.Builder();
        try (PreparedStatement statement = connection.prepareStatement(
                "SELECT c.row_place, d.digest, c.original_place FROM datanet_copy c"
                        + " JOIN datanet d ON d.ordinal = c.original_ordinal WHERE c.ordinal = ? ORDER BY c.row_place")) {
            statement.setLong(1, ordinal);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    copies.add(
                            row.getInt("row_place"),
                            new RowId(Database.word(row, "digest"), row.getInt("original_place")));
                }
            }
        }
        return copies.build();
    }

    /// Events in the order they happened; of one datanet where an ordinal is given.
    List<RegistryEvent> events(Optional<Long> ordinal) throws SQLException {
        return Database.query(
                connection,
                "SELECT e.id, e.at, d.digest, e.kind, e.body, e.hash FROM datanet_event e"
                        + " JOIN datanet d ON d.ordinal = e.ordinal"
                        + (ordinal.isPresent() ? " WHERE e.ordinal = " + ordinal.get() : "") + " ORDER BY e.id",
                row -> new RegistryEvent(
                        row.getLong("id"),
                        row.getLong("at"),
                        Database.word(row, "digest"),
                        RegistryEvent.Kind.valueOf(row.getString("kind")),
                        row.getString("body"),
                        Database.word(row, "hash")));
    }

    /// The place of a datanet in the order of registration; it gets the next one when it is new.
    long ordinal(Bytes32 digest) throws SQLException {
        Database.update(connection, "INSERT INTO datanet (digest) VALUES (?) ON CONFLICT (digest) DO NOTHING", digest);
        return Database.query(
                        connection,
                        "SELECT ordinal FROM datanet WHERE digest = ?",
                        row -> row.getLong("ordinal"),
                        digest)
                .getFirst();
    }

    /// Adds a version with its contributors and copies, and the event that says so.
    void insert(RegisteredDatanet entry, Copies copies) throws SQLException {
        Datanet datanet = entry.datanet();
        Database.update(
                connection,
                "INSERT INTO datanet_version (ordinal, id, version, title, licence, salt, row_count, row_bytes,"
                        + " merkle_root, copy_count, copies_digest, registered_at)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                entry.ordinal(),
                datanet.id(),
                datanet.version(),
                datanet.title(),
                datanet.licence(),
                datanet.salt(),
                datanet.rows().size(),
                entry.rowBytes(),
                entry.merkleRoot(),
                entry.copyCount(),
                entry.copiesDigest(),
                entry.registeredAtMillis());
        for (int place = 0; place < datanet.contributors().size(); place++) {
            insert(entry.ordinal(), place, datanet.contributors().get(place));
        }
        insert(entry.ordinal(), copies);
        ObjectNode contributors = JsonNodeFactory.instance.objectNode();
        datanet.contributors()
                .forEach(contributor -> contributors.put(
                        contributor.hash().toString(), contributor.payee().toString()));
        ObjectNode body = JsonNodeFactory.instance
                .objectNode()
                .put("copies", Sha256.text(entry.copiesDigest()))
                .put("id", datanet.id())
                .put("licence", datanet.licence())
                .put("merkleRoot", entry.merkleRoot().toString())
                .put("rows", datanet.rows().size())
                .put("salt", datanet.salt().toString())
                .put("title", datanet.title())
                .put("version", datanet.version());
        body.set("payees", contributors);
        append(entry.ordinal(), datanet.digest(), entry.registeredAtMillis(), RegistryEvent.Kind.REGISTERED, body);
    }

    void insert(long ordinal, int place, Contributor contributor) throws SQLException {
        Database.update(
                connection,
                "INSERT INTO datanet_contributor (ordinal, place, hash, contributor_id, name, payee)"
                        + " VALUES (?, ?, ?, ?, ?, ?)",
                ordinal,
                place,
                contributor.hash(),
                contributor.id(),
                contributor.name(),
                contributor.payee());
    }

    private void insert(long ordinal, Copies copies) throws SQLException {
        Map<Bytes32, Long> ordinals = new HashMap<>();
        try (PreparedStatement statement = connection.prepareStatement(
                "INSERT INTO datanet_copy (ordinal, row_place, original_ordinal, original_place)"
                        + " VALUES (?, ?, ?, ?)")) {
            for (int c = 0; c < copies.size(); c++) {
                RowId original = copies.original(c);
                Long originalOrdinal = ordinals.get(original.datanet());
                if (originalOrdinal == null) {
                    originalOrdinal = ordinal(original.datanet());
                    ordinals.put(original.datanet(), originalOrdinal);
                }
                statement.setLong(1, ordinal);
                statement.setLong(2, copies.row(c));
                statement.setLong(3, originalOrdinal);
                statement.setLong(4, original.row());
                statement.addBatch();
                if ((c + 1) % COPIES_PER_BATCH == 0) {
                    statement.executeBatch();
                }
            }
            statement.executeBatch();
        }
    }

    void setTitle(long ordinal, String title) throws SQLException {
        Database.update(connection, "UPDATE datanet_version SET title = ? WHERE ordinal = ?", title, ordinal);
    }

    void setLicence(long ordinal, String licence) throws SQLException {
        Database.update(connection, "UPDATE datanet_version SET licence = ? WHERE ordinal = ?", licence, ordinal);
    }

    void setName(long ordinal, Bytes32 contributor, String name) throws SQLException {
        Database.update(
                connection,
                "UPDATE datanet_contributor SET name = ? WHERE ordinal = ? AND hash = ?",
                name,
                ordinal,
                contributor);
    }

    /// In every version that names the contributor: the hash stands for one person.
    void setPayee(Bytes32 contributor, Address payee) throws SQLException {
        Database.update(connection, "UPDATE datanet_contributor SET payee = ? WHERE hash = ?", payee, contributor);
    }

    void setRetired(long ordinal, long atMillis) throws SQLException {
        Database.update(
                connection,
                "UPDATE datanet_version SET retired_at = ? WHERE ordinal = ? AND retired_at IS NULL",
                atMillis,
                ordinal);
    }

    /// Adds an event behind the last one.
    void append(long ordinal, Bytes32 datanet, long atMillis, RegistryEvent.Kind kind, ObjectNode body)
            throws SQLException {
        Bytes32 previous = Database.query(
                        connection,
                        "SELECT hash FROM datanet_event ORDER BY id DESC LIMIT 1",
                        row -> Database.word(row, "hash"))
                .stream()
                .findFirst()
                .orElse(Bytes32.ZERO);
        String json = new String(CanonicalJson.bytes(body), StandardCharsets.UTF_8);
        Database.update(
                connection,
                "INSERT INTO datanet_event (at, ordinal, kind, body, hash) VALUES (?, ?, ?, ?, ?)",
                atMillis,
                ordinal,
                kind.name(),
                json,
                RegistryEvent.hash(previous, atMillis, datanet, kind, json));
    }
}
