package org.openlora.engine.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class GgufFileTest {
    private static final int MUTATIONS = 3_000;

    @TempDir
    Path directory;

    @Test
    void open_everyKindOfValue_readsIt() {
        Path path = new GgufBytes()
                .u32("a.whole", -1)
                .f32("a.number", 1e-5f)
                .flag("a.flag", true)
                .string("a.text", "grüße")
                .strings("some.texts", List.of("x", ""))
                .i32s("some.wholes", List.of(-3, 4))
                .key("a.wide", 10, GgufBytes.le(8, 7))
                .key("a.byte", 1, GgufBytes.le(1, -5))
                .tensor("t", 0, new byte[24], 3, 2)
                .write(directory.resolve("x.gguf"));
        try (GgufFile gguf = GgufFile.open(path)) {
            GgufMetadata metadata = gguf.metadata();
            assertThat(metadata.number("a.whole")).hasValue(4294967295.0);
            assertThat(metadata.number("a.number")).hasValue(1e-5);
            assertThat(metadata.flag("a.flag", false)).isTrue();
            assertThat(metadata.string("a.text")).hasValue("grüße");
            assertThat(metadata.strings("some.texts")).hasValue(List.of("x", ""));
            assertThat(metadata.integers("some.wholes"))
                    .hasValueSatisfying(v -> assertThat(v).containsExactly(-3, 4));
            assertThat(metadata.integer("a.wide", 0, 10)).hasValue(7);
            assertThat(metadata.integer("a.byte", -10, 10)).hasValue(-5);
            assertThat(Objects.requireNonNull(gguf.tensor("t")).dimensions()).containsExactly(3L, 2L);
        }
    }

    static List<Arguments> lies() {
        byte[] none = new byte[0];
        return List.of(
                lie("GGUF version 9 is not supported; 2 and 3 are", file -> file.version = 9),
                lie("big-endian GGUF is not supported", file -> file.version = 0x03000000),
                lie("the number of tensors is 18446744073709551614; at most", file -> file.claimedTensors = -2),
                lie("the number of tensors is 99999, which does not fit", file -> file.claimedTensors = 99_999),
                lie("the number of keys is 1000000000000; at most", file -> file.claimedKeys = 1_000_000_000_000L),
                lie("key k stands twice", file -> file.u32("k", 1).u32("k", 2)),
                lie("key k has the unknown value type 77", file -> file.key("k", 77, none)),
                lie("key k is a boolean with the value 3", file -> file.key("k", 7, new byte[] {3})),
                lie("key k is an array of arrays", file -> file.key("k", 9, GgufBytes.le(12, 9))),
                lie("key k is an array of the unknown type 55", file -> file.key("k", 9, GgufBytes.le(12, 55))),
                lie(
                        "the length of k is 9000000, which does not fit",
                        file -> file.key(
                                "k", 9, GgufBytes.joined(List.of(GgufBytes.le(4, 10), GgufBytes.le(8, 9_000_000))))),
                lie("the length of the value of k is", file -> file.key("k", 8, GgufBytes.le(8, 1L << 60))),
                lie("key general.alignment is 12, not a multiple of 8", file -> file.u32("general.alignment", 12)),
                lie("tensor t has 5 dimensions; allowed are 1 to 4", file -> file.entry("t", 0, 0, 1, 1, 1, 1, 1)),
                lie("tensor t has 0 dimensions", file -> file.entry("t", 0, 0)),
                lie("tensor t has a dimension of 0", file -> file.entry("t", 0, 0, 4, 0)),
                lie("tensor t has a dimension of 18446744073709551615", file -> file.entry("t", 0, 0, -1)),
                lie(
                        "tensor t has more values than can be addressed",
                        file -> file.entry("t", 0, 0, 2_000_000_000, 2_000_000_000, 2_000_000_000)),
                lie("tensor t has type Q5_0; supported are F32", file -> file.entry("t", 6, 0, 32)),
                lie("tensor t has type number 99", file -> file.entry("t", 99, 0, 32)),
                lie("tensor t of type Q4_K has rows of 64 values", file -> file.entry("t", 12, 0, 64)),
                lie("tensor t starts at 7, not on the alignment of 32", file -> file.entry("t", 0, 7, 4)),
                lie("tensor t needs 16 bytes, and 16 of them lie beyond", file -> file.entry("t", 0, 1 << 20, 4)),
                lie(
                        "tensor t needs 16 bytes, and 16 of them lie beyond",
                        file -> file.entry("t", 0, Long.MAX_VALUE - 31, 4)),
                lie("tensor t stands twice", file -> file.tensor("t", 0, new byte[32], 8)
                        .tensor("t", 0, new byte[32], 8)),
                lie("tensor b overlaps tensor a", file -> file.tensor("a", 0, new byte[64], 16)
                        .entry("b", 0, 32, 8)));
    }

    private static Arguments lie(String message, Consumer<GgufBytes> change) {
        return Arguments.of(message, change);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("lies")
    void open_lyingHeader_isRefusedByName(String message, Consumer<GgufBytes> change) {
        GgufBytes file = new GgufBytes();
        change.accept(file);
        Path path = file.write(directory.resolve("lie.gguf"));
        assertThatThrownBy(() -> GgufFile.open(path))
                .isInstanceOf(ModelLoadException.class)
                .hasMessageContaining(message)
                .hasMessageStartingWith("lie.gguf: ");
    }

    @Test
    void open_anotherFormat_isRefused() throws IOException {
        Path path = Files.writeString(directory.resolve("x.gguf"), "PK and so on, long enough");
        assertThatThrownBy(() -> GgufFile.open(path)).hasMessage("x.gguf: not a GGUF file");
    }

    @Test
    void open_truncatedAtAnyByte_isRefused() throws IOException {
        byte[] whole = Files.readAllBytes(Golden.path("gguf/types.gguf"));
        Path path = directory.resolve("cut.gguf");
        for (int length = 0; length < whole.length; length += length < 1000 ? 7 : 1_997) {
            Files.write(path, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> GgufFile.open(path)).as("%d bytes", length).isInstanceOf(ModelLoadException.class);
        }
    }

    @Test
    void checkpoint_mutatedHeader_loadsOrFailsCleanly() throws IOException {
        byte[] whole = TinyGguf.llama().bytes();
        int headerBytes = new String(whole, StandardCharsets.ISO_8859_1).indexOf("output_norm.weight") + 100;
        Random random = new Random(7);
        Path path = directory.resolve("mutated.gguf");
        int refused = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] mutated = whole.clone();
            for (int change = random.nextInt(3); change >= 0; change--) {
                int at = random.nextInt(headerBytes);
                mutated[at] = random.nextBoolean()
                        ? (byte) random.nextInt(256)
                        : (byte) (mutated[at] ^ (1 << random.nextInt(8)));
            }
            Files.write(path, mutated);
            try (BaseCheckpoint checkpoint = BaseCheckpoint.open(path)) {
                assertThat(checkpoint.f32("model.norm.weight"))
                        .hasSize(checkpoint.config().hiddenSize());
            } catch (ModelLoadException e) {
                assertThat(e.getMessage()).isNotBlank().doesNotContain("\n");
                refused++;
            }
        }
        assertThat(refused).isBetween(MUTATIONS / 4, MUTATIONS);
    }
}
