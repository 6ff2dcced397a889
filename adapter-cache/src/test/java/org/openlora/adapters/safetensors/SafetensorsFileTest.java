package org.openlora.adapters.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.openlora.kernels.Bf16;

class SafetensorsFileTest {
    private static final float[] VALUES = {1, -2.5f, 0, 0.333f, 65504, -1e-7f};

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16"})
    void floats_ofEachReadableType_areTheStoredValues(DType dtype) {
        Path path = new SafetensorsWriter()
                .tensor("odd", DType.U8, new long[] {1}, new byte[1])
                .tensor("w", dtype, new long[] {2, 3}, VALUES)
                .write(folder.resolve("m.safetensors"));
        try (SafetensorsFile file = SafetensorsFile.open(path);
                Arena arena = Arena.ofConfined()) {
            assertThat(file.info("w").shape()).containsExactly(2L, 3L);
            float[] floats = file.floats("w");
            MemorySegment bf16 = file.bf16("w", arena);
            for (int i = 0; i < VALUES.length; i++) {
                float stored =
                        switch (dtype) {
                            case F16 -> Float.float16ToFloat(Float.floatToFloat16(VALUES[i]));
                            case BF16 -> Bf16.toFloat(Bf16.fromFloat(VALUES[i]));
                            default -> VALUES[i];
                        };
                assertThat(floats[i]).isEqualTo(stored);
                assertThat(bf16.getAtIndex(ValueLayout.JAVA_SHORT, i)).isEqualTo(Bf16.fromFloat(stored));
            }
        }
    }

    @Test
    void tensors_inAnyFileOrder_areSortedByUtf8Bytes() {
        Path path = new SafetensorsWriter()
                .tensor("b", DType.U8, new long[] {1}, new byte[1])
                .tensor("\uD83D\uDE00", DType.U8, new long[] {1}, new byte[1])
                .tensor("\uFF5E", DType.U8, new long[] {1}, new byte[1])
                .tensor("a", DType.U8, new long[] {0}, new byte[0])
                .tensor("B", DType.U8, new long[] {}, new byte[1])
                .write(folder.resolve("m.safetensors"));
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            assertThat(file.tensors().keySet()).containsExactly("B", "a", "b", "\uFF5E", "\uD83D\uDE00");
        }
    }

    @Test
    void data_afterClose_isRefused() {
        Path path = new SafetensorsWriter()
                .tensor("b", DType.U8, new long[] {1}, new byte[1])
                .write(folder.resolve("m.safetensors"));
        SafetensorsFile file = SafetensorsFile.open(path);
        MemorySegment data = file.data("b");
        file.close();
        file.close();
        assertThatThrownBy(() -> data.get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    }

    static Stream<Arguments> refusals() {
        String one = "\"t\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}";
        return Stream.of(
                refusal("no object", "[1]", 0, "JSON object"),
                refusal("nothing", "", 0, "JSON object"),
                refusal("broken JSON", "{\"t\":", 0, "not valid JSON"),
                refusal("second value", "{} {}", 0, "more after its JSON object"),
                refusal("duplicate key", "{" + one + "," + one + "}", 4, "Duplicate field 't'"),
                refusal("no tensor object", "{\"t\":3}", 0, "'t' must be an object"),
                refusal("unknown dtype", header("Q9", "[4]", "[0,4]"), 4, "'t' has unknown dtype 'Q9'; allowed: BOOL,"),
                refusal("dtype number", header("U8", "[4]", "[0,4]").replace("\"U8\"", "7"), 4, "unknown dtype"),
                refusal("missing member", "{\"t\":{\"dtype\":\"U8\",\"shape\":[4]}}", 4, "'t' must have dtype, shape"),
                refusal("unknown member", "{" + one.replace("shape", "form") + "}", 4, "'t' has unknown key 'form'"),
                refusal("negative dimension", header("U8", "[-4]", "[0,4]"), 4, "'t' shape must be a list of integers"),
                refusal("fraction", header("U8", "[4.0]", "[0,4]"), 4, "'t' shape must be a list of integers"),
                refusal("huge number", header("U8", "[99999999999999999999]", "[0,4]"), 4, "'t' shape must be"),
                refusal("nested", header("U8", "[[4]]", "[0,4]"), 4, "'t' shape must be"),
                refusal("deep", header("U8", "[[[[[[4]]]]]]", "[0,4]"), 4, "shape must be"),
                refusal("many dimensions", header("U8", "[1,1,1,1,1,1,1,1,4]", "[0,4]"), 4, "more than 8 entries"),
                refusal(
                        "overflow",
                        header("F32", "[4294967296,4294967296]", "[0,4]"),
                        4,
                        "'t' shape [4294967296, 4294967296] overflows"),
                refusal("size", header("F32", "[4]", "[0,4]"), 4, "'t' shape [4] of F32 takes 16 bytes"),
                refusal("descending", header("U8", "[4]", "[4,0]"), 4, "'t' data_offsets [4, 0] must ascend"),
                refusal("beyond", header("U8", "[5]", "[0,5]"), 4, "'t' data_offsets [0, 5] must ascend within"),
                refusal("negative offset", header("U8", "[4]", "[-4,0]"), 4, "'t' data_offsets must be"),
                refusal("three offsets", header("U8", "[4]", "[0,4,4]"), 4, "more than 2 entries"),
                refusal("one offset", header("U8", "[4]", "[0]"), 4, "must be [begin, end]"),
                refusal("trailing bytes", "{" + one + "}", 5, "1 bytes after the last tensor"),
                refusal(
                        "hole",
                        "{" + one + ",\"u\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[5,6]}}",
                        6,
                        "'u' leaves a hole of 1 bytes"),
                refusal(
                        "overlap",
                        "{" + one + ",\"u\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]}}",
                        5,
                        "'u' overlaps the tensor before it by 1 bytes"),
                refusal(
                        "same place",
                        "{" + one + ",\"u\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
                        4,
                        "overlaps the tensor before it by 4 bytes"),
                refusal("lone surrogate", "{\"\\ud800\":{}}", 0, "surrogate"),
                refusal("empty name", "{\"\":{}}", 0, "tensor name ''"),
                refusal("metadata number", "{\"__metadata__\":{\"a\":1}}", 0, "'a' must be a string"),
                refusal("metadata list", "{\"__metadata__\":[]}", 0, "must be an object of strings"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refusals")
    void open_ofALyingHeader_namesTheTensor(String name, String header, int dataBytes, String expected) {
        Path path = SafetensorsWriter.write(
                folder.resolve("m.safetensors"), SafetensorsWriter.withHeader(header, new byte[dataBytes]));
        assertThatThrownBy(() -> SafetensorsFile.open(path))
                .isInstanceOf(SafetensorsException.class)
                .hasMessageContaining(expected)
                .hasMessageStartingWith(path.toString())
                .message()
                .doesNotContain("\n");
    }

    @Test
    void open_ofAWrongLength_saysWhatIsAllowed() {
        assertRefused(new byte[7], "7 bytes are too few");
        assertRefused(lengthOnly(100, 50), "header of 100 bytes is longer than the file of 50 bytes");
        assertRefused(lengthOnly(-1, 50), "header of 18446744073709551615 bytes is longer than the file");
        assertRefused(lengthOnly(43, 50), "longer than the file");
        assertThatThrownBy(() -> SafetensorsFile.open(folder.resolve("none.safetensors")))
                .isInstanceOf(SafetensorsException.class)
                .hasMessageContaining("no such file");
    }

    @Test
    void open_ofEveryTruncation_isRefused() {
        byte[] whole = new SafetensorsWriter()
                .tensor("a", DType.F32, new long[] {2}, new float[2])
                .tensor("b", DType.F16, new long[] {3}, new float[3])
                .bytes();
        for (int size = 0; size < whole.length; size++) {
            byte[] cut = Arrays.copyOf(whole, size);
            Path path = SafetensorsWriter.write(folder.resolve("m.safetensors"), cut);
            assertThatThrownBy(() -> SafetensorsFile.open(path).close()).isInstanceOf(SafetensorsException.class);
        }
    }

    @Test
    void open_ofMutatedFiles_eitherReadsOrRefusesCleanly() {
        byte[] whole = new SafetensorsWriter()
                .tensor("model.layer.weight", DType.F32, new long[] {2, 3}, VALUES)
                .tensor("model.norm", DType.BF16, new long[] {6}, VALUES)
                .bytes();
        var random = new Random(20_260_101);
        int refused = 0;
        for (int round = 0; round < 4000; round++) {
            byte[] mutated = whole.clone();
            for (int i = random.nextInt(3); i >= 0; i--) {
                mutated[random.nextInt(mutated.length)] = (byte) random.nextInt(256);
            }
            Path path = SafetensorsWriter.write(folder.resolve("m.safetensors"), mutated);
            try (SafetensorsFile file = SafetensorsFile.open(path)) {
                for (String name : file.tensors().keySet()) {
                    assertThat(file.data(name).byteSize())
                            .isEqualTo(file.info(name).sizeBytes());
                }
            } catch (SafetensorsException e) {
                refused++;
                assertThat(e.getMessage()).doesNotContain("\n");
            }
        }
        assertThat(refused).isGreaterThan(1000);
    }

    private void assertRefused(byte[] bytes, String expected) {
        Path path = SafetensorsWriter.write(folder.resolve("m.safetensors"), bytes);
        assertThatThrownBy(() -> SafetensorsFile.open(path))
                .isInstanceOf(SafetensorsException.class)
                .hasMessageContaining(expected);
    }

    private static byte[] lengthOnly(long headerBytes, int fileBytes) {
        return ByteBuffer.allocate(fileBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(headerBytes)
                .array();
    }

    private static Arguments refusal(String name, String header, int dataBytes, String expected) {
        return arguments(name, header, dataBytes, expected);
    }

    private static String header(String dtype, String shape, String offsets) {
        return "{\"t\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}}".formatted(dtype, shape, offsets);
    }
}
