package org.openlora.meter.datanet;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.duplicates.BandedRows;
import org.openlora.meter.evm.Bytes32;

/// A version of a datanet, identified by its rows: payees, names, title and licence may change without touching
/// the digest, a row may not.
///
/// @param digest of the rows, in file order, with contributors named by their salted hashes
/// @param salt public; makes contributor hashes of different datanets unrelated
/// @param rows of a registered datanet they stay in a file, and each is read when it is asked for
public record Datanet(
        Bytes32 digest,
        String id,
        String version,
        String title,
        String licence,
        Bytes32 salt,
        List<Contributor> contributors,
        List<DatanetRow> rows) {
    /// The file that makes a folder a datanet.
    public static final String FILE_NAME = "datanet.yaml";

    static final String DIGEST_DOMAIN = "openlora/datanet/v1";

    public Datanet {
        contributors = List.copyOf(contributors);
        rows = rows instanceof StoredRows ? rows : List.copyOf(rows);
    }

    /// Builds a datanet from its parts and computes the digest.
    public static Datanet of(
            String id,
            String version,
            String title,
            String licence,
            Bytes32 salt,
            List<Contributor> contributors,
            List<DatanetRow> rows) {
        return new Datanet(digest(contributors, rows), id, version, title, licence, salt, contributors, rows);
    }

    /// Reads a folder with `datanet.yaml` and the rows file that it names, all of it into memory.
    ///
    /// @throws IOException where a file cannot be read
    /// @throws org.openlora.meter.document.DocumentException naming file, line and field where a file breaks the
    ///     format
    public static Datanet read(Path folder) throws IOException {
        return DatanetFolder.open(folder).read();
    }

    /// SHA-256 of `lp("openlora/datanet/v1")` and, for each row in file order, its canonical JSON and a line
    /// feed.
    private static Bytes32 digest(List<Contributor> contributors, List<DatanetRow> rows) {
        MessageDigest digest = digestOfRows();
        for (DatanetRow row : rows) {
            Bytes32 contributor = contributors.get(row.contributor()).hash();
            digest.update(new RowJson(contributor, row.prompt(), row.text()).bytes());
            digest.update((byte) '\n');
        }
        return Bytes32.of(digest.digest());
    }

    /// A digest to which the rows' canonical bytes are to be given.
    static MessageDigest digestOfRows() {
        byte[] domain = DIGEST_DOMAIN.getBytes(StandardCharsets.UTF_8);
        MessageDigest digest = Sha256.plain();
        digest.update(ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(domain.length)
                .flip());
        digest.update(domain);
        return digest;
    }

    /// The root of what evidence is searched in: this datanet as one tokenizer cuts it.
    public Bytes32 corpusRoot(Bytes32 tokenizerDigest) {
        return corpusRoot(digest, tokenizerDigest);
    }

    /// SHA-256 of `lp("openlora/corpus/v1") ‖ datanet digest ‖ tokenizer digest`.
    public static Bytes32 corpusRoot(Bytes32 datanetDigest, Bytes32 tokenizerDigest) {
        return Sha256.domain("openlora/corpus/v1")
                .word(datanetDigest)
                .word(tokenizerDigest)
                .digest();
    }

    /// The contributor who wrote a row.
    public Contributor contributorOf(int row) {
        return contributors.get(
                rows instanceof StoredRows stored
                        ? stored.contributor(row)
                        : rows.get(row).contributor());
    }

    /// The rows as near-duplicates are looked for among them.
    public BandedRows banded() {
        return rows instanceof StoredRows stored ? stored : new MemoryBands(digest, rows);
    }
}
