package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GoldenAdaptersTest {
    @Test
    void all_fixtures_areTheFourAdapters() {
        assertThat(GoldenAdapters.all())
                .extracting(GoldenAdapters.Adapter::name)
                .containsExactly("qv-r8", "all-linear-rslora-r16", "patterns-r4", "mlp-layers-r32");
    }

    @ParameterizedTest
    @MethodSource("org.openlora.engine.golden.GoldenAdapters#all")
    void write_everyAdapter_equalsThePythonGeneratorsFile(GoldenAdapters.Adapter adapter, @TempDir Path directory)
            throws IOException, NoSuchAlgorithmException {
        Path folder = GoldenAdapters.write(adapter, directory);

        byte[] written = Files.readAllBytes(folder.resolve("adapter_model.safetensors"));
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(written);
        assertThat(HexFormat.of().formatHex(hash)).isEqualTo(adapter.safetensorsSha256());
        assertThat(folder.resolve("adapter_config.json")).isNotEmptyFile();
    }
}
