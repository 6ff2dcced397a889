package org.openlora.engine.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.Digest;
import org.openlora.kernels.Bf16;
import org.openlora.kernels.Int8PanelKernel;
import org.openlora.kernels.PackedMatrix;
import org.openlora.kernels.WorkerPool;

class CachingPackerTest {
    private static final int OUTPUTS = 70;
    private static final int INPUTS = 200;
    private static final Digest BASE = digest("base");
    private static final WorkerPool POOL = new WorkerPool(1);
    private static final Int8PanelKernel KERNEL = new Int8PanelKernel(POOL);

    @TempDir
    private Path folder;

    @AfterAll
    static void closePool() {
        POOL.close();
    }

    @Test
    void pack_secondStart_readsTheSameBytesAndNoWeights() throws IOException {
        assertThat(start(BASE)).isEqualTo(2);
        assertThat(start(BASE)).isZero();
        assertThat(files()).hasSize(1);
    }

    @Test
    void pack_otherBase_hasAFileOfItsOwn() throws IOException {
        start(BASE);
        assertThat(start(digest("other"))).isEqualTo(2);
        assertThat(files()).hasSize(2);
    }

    /// Every kind of byte: length, header's digest, header, matrices.
    @Test
    void pack_fileWithAnyByteChanged_isRebuilt() throws IOException {
        start(BASE);
        Path file = files().getFirst();
        byte[] good = Files.readAllBytes(file);
        for (int at : new int[] {0, 7, 8, 39, 40, 200, good.length / 2, good.length - 1}) {
            byte[] bad = good.clone();
            bad[at] ^= 1;
            Files.write(file, bad);
            assertThat(start(BASE)).as("byte %s", at).isPositive();
            assertThat(files()).containsExactly(file);
            assertThat(Files.readAllBytes(file)).as("byte %s", at).isEqualTo(good);
        }
    }

    @Test
    void pack_fileCutShortOrForeign_isRebuilt() throws IOException {
        start(BASE);
        Path file = files().getFirst();
        byte[] good = Files.readAllBytes(file);
        for (int length : new int[] {0, 5, 41, good.length - 1}) {
            Files.write(file, Arrays.copyOf(good, length));
            assertThat(start(BASE)).as("%s bytes", length).isPositive();
            assertThat(Files.readAllBytes(file)).isEqualTo(good);
        }
        start(digest("other"));
        Path foreign =
                files().stream().filter(path -> !path.equals(file)).findFirst().orElseThrow();
        Files.write(file, Files.readAllBytes(foreign));
        assertThat(start(BASE)).isEqualTo(2);
        assertThat(Files.readAllBytes(file)).isEqualTo(good);
    }

    @Test
    void pack_folderThatCannotBeWritten_packsAllTheSame() throws IOException {
        Files.writeString(folder.resolve("weights"), "a file where the folder should be");
        assertThat(start(BASE)).isEqualTo(2);
        assertThat(start(BASE)).isEqualTo(2);
    }

    /// Loads a base of two matrices and checks their bytes.
    ///
    /// @return matrices whose weights were read
    private int start(Digest base) {
        int[] read = {0};
        try (Arena arena = Arena.ofShared();
                CachingPacker packer = new CachingPacker(folder.resolve("weights"), base, KERNEL)) {
            for (int i = 0; i < 2; i++) {
                int seed = i;
                PackedMatrix matrix = packer.pack(KERNEL, arena, "matrix " + i, OUTPUTS, INPUTS, reading -> {
                    read[0]++;
                    return weights(reading, seed);
                });
                PackedMatrix expected = KERNEL.pack(arena, weights(arena, seed), OUTPUTS, INPUTS);
                assertThat(Int8PanelKernel.bytes(matrix).mismatch(Int8PanelKernel.bytes(expected)))
                        .isEqualTo(-1);
            }
            packer.finish();
        }
        return read[0];
    }

    private List<Path> files() {
        try (Stream<Path> files = Files.list(folder.resolve("weights"))) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static MemorySegment weights(Arena arena, int seed) {
        MemorySegment weights = arena.allocate((long) OUTPUTS * INPUTS * Bf16.BYTES, 16);
        for (int i = 0; i < OUTPUTS * INPUTS; i++) {
            weights.setAtIndex(ValueLayout.JAVA_SHORT, i, Bf16.fromFloat((float) Math.sin(seed + i)));
        }
        return weights;
    }

    private static Digest digest(String text) {
        return Digest.sha256(text.getBytes(StandardCharsets.UTF_8));
    }
}
