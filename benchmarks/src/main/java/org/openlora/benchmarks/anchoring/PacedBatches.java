package org.openlora.benchmarks.anchoring;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.chain.SealedBatches;
import org.openlora.meter.evm.Bytes32;

/// Sealed batches that come into sight one after the other, as a campaign goes on. How many is in a file, so that a
/// flusher in another process sees the same.
record PacedBatches(SealedBatches all, Path visible) implements SealedBatches {
    static void show(Path visible, long batches) {
        try {
            Path temporary = visible.resolveSibling(visible.getFileName() + ".tmp");
            Files.writeString(temporary, Long.toString(batches));
            Files.move(temporary, visible, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public long last() {
        try {
            return Long.parseLong(Files.readString(visible));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Optional<BatchHeader> batch(long number) {
        return number > last() ? Optional.empty() : all.batch(number);
    }

    /// Not paced: what is on the chain was in sight when it was sent.
    @Override
    public Optional<Bytes32> head(long number) {
        return all.head(number);
    }
}
