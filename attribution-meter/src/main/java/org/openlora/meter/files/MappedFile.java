package org.openlora.meter.files;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// Reads files through the page cache: what is looked at is in memory as long as there is room, and nothing of
/// it is on the heap.
public final class MappedFile {
    private static final int PIECE_BYTES = 1 << 20;

    private MappedFile() {}

    /// Maps a whole file, to be read. The mapping goes when nobody holds the segment any more, so readers on
    /// other threads need not be waited for.
    public static MemorySegment map(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
        }
    }

    /// The plain SHA-256 of a segment.
    public static Bytes32 sha256(MemorySegment segment) {
        MessageDigest digest = Sha256.plain();
        update(digest, segment);
        return Bytes32.of(digest.digest());
    }

    /// Feeds a segment to a digest.
    public static void update(MessageDigest digest, MemorySegment segment) {
        for (long from = 0; from < segment.byteSize(); from += PIECE_BYTES) {
            digest.update(segment.asSlice(from, Math.min(PIECE_BYTES, segment.byteSize() - from))
                    .asByteBuffer());
        }
    }
}
