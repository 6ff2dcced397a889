package org.openlora.meter.index;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.openlora.meter.files.Lock;
import org.openlora.meter.files.Progress;
import org.openlora.meter.files.StagedFolder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The folder of indices, `<corpus root>/suffix.index` each: built when first needed, whole or absent whenever
/// the machine stops, verified when opened, mapped and so shared by all that open them, in this process and
/// others. They hold nothing that cannot be built again: the folder may be deleted while no server runs.
public final class IndexStore {
    private static final Logger LOG = LoggerFactory.getLogger(IndexStore.class);
    private static final String FILE = "suffix.index";

    private final Path root;

    /// @param root made where it is not
    public IndexStore(Path root) {
        this.root = root;
    }

    /// The index of a corpus, built from its rows where there is none that can be used. Several processes that
    /// need the same one wait for the first.
    ///
    /// @param rows asked for only where the index has to be built
    /// @throws UncheckedIOException where the folder cannot be read or written
    /// @throws IllegalArgumentException where the rows cannot be indexed
    public SuffixIndex open(IndexKey key, RowTokens rows, Progress progress) {
        try {
            Optional<SuffixIndex> present = present(key);
            return present.isPresent() ? present.get() : build(key, rows, progress);
        } catch (IOException e) {
            throw new UncheckedIOException("the index " + folder(key) + " cannot be used: " + e.getMessage(), e);
        }
    }

    /// Where the index of a corpus is, or would be.
    public Path file(IndexKey key) {
        return folder(key).resolve(FILE);
    }

    private Path folder(IndexKey key) {
        return root.resolve(key.root().toString().substring(2));
    }

    private Optional<SuffixIndex> present(IndexKey key) throws IOException {
        if (!Files.isRegularFile(file(key))) {
            return Optional.empty();
        }
        try {
            return Optional.of(IndexFile.open(file(key), key));
        } catch (IndexFile.UnusableException e) {
            LOG.warn("the index {} {}: building it again", file(key), e.getMessage());
            return Optional.empty();
        }
    }

    private SuffixIndex build(IndexKey key, RowTokens rows, Progress progress) throws IOException {
        try (Lock _ = StagedFolder.lock(root)) {
            Optional<SuffixIndex> meanwhile = present(key);
            if (meanwhile.isPresent()) {
                return meanwhile.get();
            }
            long start = System.nanoTime();
            IndexArrays arrays = IndexArrays.build(rows, progress);
            try (StagedFolder staged = StagedFolder.begin(root)) {
                IndexFile.write(staged.path().resolve(FILE), key, arrays);
                staged.publish(folder(key));
            }
            LOG.info(
                    "index of {} rows and {} tokens built in {} ms: {} bytes in {}",
                    arrays.rowStarts().length,
                    arrays.reversed().length - arrays.rowStarts().length,
                    (System.nanoTime() - start) / 1_000_000,
                    Files.size(file(key)),
                    file(key));
            try {
                return IndexFile.open(file(key), key);
            } catch (IndexFile.UnusableException e) {
                throw new IOException("just written, it " + e.getMessage() + ": check the disk", e);
            }
        }
    }
}
