package org.openlora.adapters.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.openlora.adapters.peft.AdapterFixture.BASE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.Digest;

/// Ten thousand adapters that cannot be read: whoever reads one of their files fails.
class RegistrySizeTest {
    private static final int ADAPTERS = 10_000;
    private static final String ME = "me";

    @TempDir
    Path parent;

    @Test
    void lookUp_amongTenThousand_readsNothing() throws IOException {
        try (RegistryFixture fixture = new RegistryFixture(parent)) {
            register(fixture);
            try (AdapterRegistry registry = fixture.open()) {
                assertThat(registry.stats()).isEqualTo(new RegistryStats(ADAPTERS, 0, 0));
                assertThat(fixture.taken(RegistryStep.CONTENT_READ)).isZero();
                assertThat(fixture.taken(RegistryStep.QUERY))
                        .as("one for folders, one for registered names")
                        .isEqualTo(2);
                for (int i = 0; i < ADAPTERS; i++) {
                    AdapterVersion version = registry.find(ME, name(i));
                    assertThat(version.digest()).isEqualTo(digest(i));
                    assertThat(registry.find(ME, digest(i))).isSameAs(version);
                    assertThat(registry.size(digest(i)).bytes()).isEqualTo(1000 + i);
                }
                assertThatThrownBy(() -> registry.find(ME, "a-1234x"))
                        .isInstanceOf(AdapterException.class)
                        .hasMessageStartingWith("no adapter 'a-1234x'; registered, nearest first: 'a-1234', ")
                        .hasMessageEndingWith(" and 9990 more");
                registry.rescan();
                assertThat(fixture.taken(RegistryStep.QUERY)).isZero();
                assertThat(fixture.taken(RegistryStep.CONTENT_READ)).isZero();
                assertThat(fixture.taken(RegistryStep.BEFORE_COMMIT)).isZero();
            }
        }
    }

    /// Records folders as if they had been read.
    private static void register(RegistryFixture fixture) throws IOException {
        List<FolderState> states = new ArrayList<>();
        for (int i = 0; i < ADAPTERS; i++) {
            Path folder = Files.createDirectory(fixture.root.resolve(name(i)));
            Files.writeString(folder.resolve("adapter_config.json"), "no JSON");
            states.add(new FolderState.Sound(
                    name(i),
                    FolderListing.of(folder, BASE).fingerprint(),
                    new FoundAdapter(digest(i), null, new AdapterSize(1000 + i, 100), 8)));
        }
        Path file = Files.createDirectories(fixture.state).resolve(BASE.digest().hex() + ".db");
        try (RegistryDatabase database = RegistryDatabase.open(file, step -> {})) {
            database.recordFolders(fixture.root.toRealPath(), states, List.of(), RegistryFixture.BEGIN);
        }
    }

    private static String name(int i) {
        return "a-" + i;
    }

    private static Digest digest(int i) {
        return Digest.sha256(ByteBuffer.allocate(Integer.BYTES).putInt(i).array());
    }
}
