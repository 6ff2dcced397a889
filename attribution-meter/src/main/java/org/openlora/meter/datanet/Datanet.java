package org.openlora.meter.datanet;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// A version of a datanet, identified by its rows: payees, names, title and licence may change without touching
/// the digest, a row may not.
///
/// @param digest of the rows, in file order, with contributors named by their salted hashes
/// @param salt public; makes contributor hashes of different datanets unrelated
/// @param fingerprints per row, equal for rows that are copies of each other
public record Datanet(
        Bytes32 digest,
        String id,
        String version,
        String title,
        String licence,
        Bytes32 salt,
        List<Contributor> contributors,
        List<DatanetRow> rows,
        List<Bytes32> fingerprints) {
    /// The file that makes a folder a datanet.
    public static final String FILE_NAME = "datanet.yaml";

    public Datanet {
        contributors = List.copyOf(contributors);
        rows = List.copyOf(rows);
        fingerprints = List.copyOf(fingerprints);
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
        List<Bytes32> fingerprints = new ArrayList<>(rows.size());
        for (DatanetRow row : rows) {
            fingerprints.add(row.fingerprint());
        }
        Bytes32 digest = DatanetReader.digest(contributors, rows);
        return new Datanet(digest, id, version, title, licence, salt, contributors, rows, fingerprints);
    }

    /// Reads a folder with `datanet.yaml` and the rows file that it names.
    ///
    /// @throws IOException where a file cannot be read
    /// @throws org.openlora.meter.document.DocumentException naming file, line and field where a file breaks the
    ///     format
    public static Datanet read(Path folder) throws IOException {
        return DatanetReader.read(folder);
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
        return contributors.get(rows.get(row).contributor());
    }
}
