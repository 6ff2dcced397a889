package org.openlora.adapters.files;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HashesTest {
    @TempDir
    private Path folder;

    /// The check values of the catalogue of CRC algorithms, and what sha256sum and git hash-object say.
    @Test
    void hashes_ofTheDigitsOneToNine_areThePublishedOnes() throws IOException {
        Path file = Files.writeString(folder.resolve("digits"), "123456789");
        assertThat(Hashes.crc32(file)).isEqualTo("cbf43926");
        assertThat(Hashes.crc32c(file)).isEqualTo("e3069283");
        assertThat(Hashes.crc64Nvme(file)).isEqualTo("ae8b14860a799888");
        assertThat(Hashes.sha256(file)).isEqualTo("15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
        assertThat(Hashes.gitBlob(file)).isEqualTo("e2e107ac61ac259b87c544f6e7a4eb03422c6c21");
    }
}
