package org.openlora.engine.weights;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DequantizerTest {
    static List<JsonNode> tensors() {
        try {
            JsonNode all =
                    new ObjectMapper().readTree(Golden.path("gguf/types.json").toFile());
            return StreamSupport.stream(all.get("tensors").spliterator(), false).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("tensors")
    void expand_everyType_hasTheBitsOfTheGgufPackage(JsonNode expected) throws NoSuchAlgorithmException {
        try (GgufFile gguf = GgufFile.open(Golden.path("gguf/types.gguf"))) {
            GgufTensor tensor = java.util.Objects.requireNonNull(
                    gguf.tensor(expected.get("name").asText()));
            assertThat(tensor.type().name()).isEqualTo(expected.get("type").asText());
            assertThat(tensor.rows()).isEqualTo(expected.get("rows").asInt());
            float[] row = new float[expected.get("columns").asInt()];
            ByteBuffer all = ByteBuffer.allocate(tensor.rows() * row.length * 4).order(ByteOrder.LITTLE_ENDIAN);
            for (int r = 0; r < tensor.rows(); r++) {
                Dequantizer.expand(tensor.type(), gguf.data(tensor), tensor.sizeBytes() / tensor.rows() * r, row);
                for (float value : row) {
                    all.putFloat(value);
                }
            }
            byte[] sha256 = MessageDigest.getInstance("SHA-256").digest(all.array());
            assertThat(HexFormat.of().formatHex(sha256))
                    .isEqualTo(expected.get("f32Sha256").asText());
        }
    }

    @ParameterizedTest
    @MethodSource("tensors")
    void toBf16_everyType_hasTheRoundedBitsOfTheGgufPackage(JsonNode expected) {
        try (GgufFile gguf = GgufFile.open(Golden.path("gguf/types.gguf"));
                Arena arena = Arena.ofShared()) {
            GgufTensor tensor = java.util.Objects.requireNonNull(
                    gguf.tensor(expected.get("name").asText()));
            MemorySegment bf16 = arena.allocate(2L * tensor.rows() * tensor.columns(), 64);
            Dequantizer.toBf16(tensor.type(), gguf.data(tensor), tensor.rows(), tensor.columns(), row -> row, bf16);
            assertThat(HexFormat.of().formatHex(bf16.toArray(ValueLayout.JAVA_BYTE)))
                    .isEqualTo(expected.get("bf16Hex").asText());
        }
    }
}
