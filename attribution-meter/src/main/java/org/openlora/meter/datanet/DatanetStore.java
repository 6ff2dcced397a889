package org.openlora.meter.datanet;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.openlora.meter.datanet.RowsWriter.Written;
import org.openlora.meter.document.DocumentException;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.files.Lock;
import org.openlora.meter.files.StagedFolder;

/// The registry's own copies of datanets' rows, `<datanet digest>/` each: audits need them when the folders
/// that they were registered from are long gone. A copy is whole or absent whenever the machine stops.
final class DatanetStore {
    private final Path root;
    private final RegistrationStep.Observer observer;

    /// Gives rows to a writer.
    @FunctionalInterface
    interface Source {
        void writeTo(RowsWriter writer) throws IOException;
    }

    DatanetStore(Path root, RegistrationStep.Observer observer) {
        this.root = root;
        this.observer = observer;
    }

    /// Copies rows into their place. A copy that stands there whole is kept, another replaced.
    Written write(Source source, List<Contributor> contributors) throws IOException {
        try (Lock _ = StagedFolder.lock(root);
                StagedFolder staged = StagedFolder.begin(root)) {
            Written written;
            try (RowsWriter writer = new RowsWriter(staged.path())) {
                source.writeTo(writer);
                written = writer.finish();
            }
            observer.reached(RegistrationStep.ROWS_WRITTEN);
            if (!isWhole(new StoredRows(folder(written.digest()), written.digest(), written.rows(), contributors))) {
                staged.publish(folder(written.digest()));
            }
            observer.reached(RegistrationStep.ROWS_PUBLISHED);
            return written;
        }
    }

    /// Whether rows are there and verify.
    static boolean isWhole(StoredRows rows) {
        try {
            rows.verify();
            return true;
        } catch (DocumentException e) {
            return false;
        }
    }

    /// The rows of a datanet, which are opened when first looked at.
    StoredRows rows(Bytes32 digest, int size, List<Contributor> contributors) {
        return new StoredRows(folder(digest), digest, size, contributors);
    }

    private Path folder(Bytes32 digest) {
        return root.resolve(digest.toString().substring(2));
    }
}
