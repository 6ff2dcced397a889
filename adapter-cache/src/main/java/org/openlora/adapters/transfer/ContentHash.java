package org.openlora.adapters.transfer;

import java.io.IOException;
import java.nio.file.Path;
import org.openlora.adapters.files.Hashes;

/// A hash that a file must have.
///
/// @param hex in lower case
public record ContentHash(Algorithm algorithm, String hex) {
    /// In the order of their strength.
    public enum Algorithm {
        SHA256,
        /// What git calls a file's content.
        GIT_BLOB,
        /// Of ISO 3309, of RFC 3720, and that of NVM Express: S3's checksums against accidents.
        CRC64NVME,
        CRC32C,
        CRC32
    }

    boolean holdsFor(Path file) throws IOException {
        String actual =
                switch (algorithm) {
                    case SHA256 -> Hashes.sha256(file);
                    case GIT_BLOB -> Hashes.gitBlob(file);
                    case CRC64NVME -> Hashes.crc64Nvme(file);
                    case CRC32C -> Hashes.crc32c(file);
                    case CRC32 -> Hashes.crc32(file);
                };
        return actual.equals(hex);
    }
}
