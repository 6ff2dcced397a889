package org.openlora.adapters.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsCheckpointTest {
    @TempDir
    Path folder;

    @Test
    void open_ofShards_isOneSource() throws IOException {
        shard("m-1.safetensors", "a", 1);
        shard("m-2.safetensors", "b", 2);
        index("{\"weight_map\":{\"b\":\"m-2.safetensors\",\"a\":\"m-1.safetensors\"}}");
        try (SafetensorsCheckpoint checkpoint = SafetensorsCheckpoint.open(folder, "model")) {
            assertThat(checkpoint.tensors().keySet()).containsExactly("a", "b");
            assertThat(checkpoint.floats("b")).containsExactly(2);
        }
        assertThat(SafetensorsCheckpoint.files(folder, "model"))
                .extracting(file -> file.getFileName().toString())
                .containsExactly("model.safetensors.index.json", "m-1.safetensors", "m-2.safetensors");
    }

    @Test
    void open_ofASingleFile_needsNoIndex() {
        shard("model.safetensors", "a", 1);
        try (SafetensorsCheckpoint checkpoint = SafetensorsCheckpoint.open(folder, "model")) {
            assertThat(checkpoint.floats("a")).containsExactly(1);
            assertThatThrownBy(() -> checkpoint.data("x"))
                    .isInstanceOf(SafetensorsException.class)
                    .hasMessageContaining("no tensor 'x' among the 1 stored");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"weight_map\":{\"a\":\"../m-1.safetensors\"}} | plain file name",
                "{\"weight_map\":{\"a\":\"/etc/m-1.safetensors\"}} | plain file name",
                "{\"weight_map\":{\"a\":\"..\\\\m-1.safetensors\"}} | plain file name",
                "{\"weight_map\":{\"a\":\"pytorch_model.bin\"}} | plain file name",
                "{\"weight_map\":{\"a\":7}} | plain file name",
                "{\"weight_map\":{}} | weight_map must be",
                "[] | weight_map must be",
                "{\"weight_map\":{\"a\":\"m-1.safetensors\",\"a\":\"m-1.safetensors\"}} | Duplicate",
                "{\"weight_map\":{\"a\":\"m-3.safetensors\"}} | shard 'm-3.safetensors' is missing",
                "{\"weight_map\":{\"a\":\"m-1.safetensors\",\"c\":\"m-1.safetensors\"}} | tensor 'c' is not in its shard",
                "{\"weight_map\":{\"a\":\"m-2.safetensors\"}} | tensor 'a' is not in its shard",
                "{\"weight_map\":{\"b\":\"m-2.safetensors\"}} ignored | not a readable JSON index",
            })
    void open_ofAWrongIndex_isRefused(String index, String expected) throws IOException {
        shard("m-1.safetensors", "a", 1);
        shard("m-2.safetensors", "b", 2);
        index(index);
        assertThatThrownBy(() -> SafetensorsCheckpoint.open(folder, "model"))
                .isInstanceOf(SafetensorsException.class)
                .hasMessageContaining(expected);
    }

    @Test
    void open_ofAShardWithMoreThanTheIndexLists_isRefused() throws IOException {
        new SafetensorsWriter()
                .tensor("a", DType.F32, new long[] {1}, new float[1])
                .tensor("extra", DType.F32, new long[] {1}, new float[1])
                .write(folder.resolve("m-1.safetensors"));
        index("{\"weight_map\":{\"a\":\"m-1.safetensors\"}}");
        assertThatThrownBy(() -> SafetensorsCheckpoint.open(folder, "model"))
                .hasMessageContaining("holds tensor 'extra', which the index does not list");
    }

    @Test
    void open_ofAnEmptyFolder_namesBothForms() {
        assertThatThrownBy(() -> SafetensorsCheckpoint.open(folder, "model"))
                .isInstanceOf(SafetensorsException.class)
                .hasMessageContaining("neither model.safetensors nor model.safetensors.index.json");
    }

    private void shard(String file, String tensor, float value) {
        new SafetensorsWriter()
                .tensor(tensor, DType.F32, new long[] {1}, new float[] {value})
                .write(folder.resolve(file));
    }

    private void index(String json) throws IOException {
        Files.writeString(folder.resolve("model.safetensors.index.json"), json);
    }
}
