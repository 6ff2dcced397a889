package org.openlora.engine.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openlora.kernels.RopeScaling;

class BaseCheckpointTest {
    @TempDir
    Path directory;

    static Stream<String> architectures() throws IOException {
        try (Stream<Path> all = Files.list(Golden.path("arch"))) {
            return all.map(path -> path.getFileName().toString()).sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("architectures")
    void open_checkpointOfTransformers_hasAllTensorsAndAStableDigest(String name) {
        try (BaseCheckpoint first = BaseCheckpoint.open(Golden.path("arch/" + name));
                BaseCheckpoint second = BaseCheckpoint.open(Golden.path("arch/" + name))) {
            assertThat(name).startsWith(first.config().architecture().id());
            for (ExpectedTensor tensor : ExpectedTensor.of(first.config())) {
                long values = tensor.shape().stream().reduce(1L, (a, b) -> a * b);
                assertThat(first.bf16(tensor.name()).byteSize()).isEqualTo(2 * values);
            }
            assertThat(first.f32("model.norm.weight")).hasSize(first.config().hiddenSize());
            assertThat(first.digest()).isEqualTo(second.digest());
            assertThat(first.has("lm_head.weight")).isNotEqualTo(first.config().tiedEmbeddings());
            assertThat(first.config().eosTokenIds()).containsExactly(2);
        }
    }

    /// The whole way round: written as converters do (bf16, their names and row order), read back to the same
    /// bits.
    @ParameterizedTest
    @MethodSource("architectures")
    void open_sameModelAsGguf_hasTheSameWeights(String name) {
        try (BaseCheckpoint source = BaseCheckpoint.open(Golden.path("arch/" + name))) {
            Path path = TinyGguf.converted(source).write(directory.resolve(name + ".gguf"));
            try (BaseCheckpoint gguf = BaseCheckpoint.open(path)) {
                assertThat(gguf.config().attentionBias())
                        .isEqualTo(source.config().attentionBias());
                assertThat(gguf.config().tiedEmbeddings())
                        .isEqualTo(source.config().tiedEmbeddings());
                for (ExpectedTensor tensor : ExpectedTensor.of(source.config())) {
                    assertThat(gguf.bf16(tensor.name()).toArray(ValueLayout.JAVA_BYTE))
                            .as(tensor.name())
                            .isEqualTo(source.bf16(tensor.name()).toArray(ValueLayout.JAVA_BYTE));
                }
                assertThat(gguf.digest()).isNotEqualTo(source.digest());
            }
        }
    }

    @Test
    void config_eitherFormOfTransformers_saysTheSame() {
        var llama3 = new RopeScaling.Llama3(8, 1, 4, 32);
        for (String name : List.of("llama3-rope", "llama3-rope-v4")) {
            ModelConfig config = config(name);
            assertThat(config.ropeScaling()).isEqualTo(llama3);
            assertThat(config.ropeTheta()).isEqualTo(500_000);
        }
        assertThat(config("llama-gqa-untied").ropeTheta()).isEqualTo(100_000);
        assertThat(config("mistral").slidingWindow()).isZero();
        assertThat(config("mistral-window").slidingWindow()).isEqualTo(9);
        assertThat(config("llama-head-dim").headDim()).isEqualTo(32);
        assertThat(config("qwen2-tied").attentionBias()).isTrue();
        assertThat(config("qwen2-tied").outputBias()).isFalse();
        assertThat(config("llama-attention-bias").outputBias()).isTrue();
        assertThat(config("qwen3-tied").attentionBias()).isFalse();
    }

    private static ModelConfig config(String name) {
        try (BaseCheckpoint checkpoint = BaseCheckpoint.open(Golden.path("arch/" + name))) {
            return checkpoint.config();
        }
    }

    @Test
    void identity_isTheFrozenForm() {
        assertThat(config("llama3-rope").identity().toString())
                .isEqualTo(
                        "{\"architecture\":\"llama\",\"attention_bias\":false,\"context_length\":256,\"head_dim\":16,"
                                + "\"heads\":4,\"hidden_act\":\"silu\",\"hidden_size\":64,\"intermediate_size\":96,\"kv_heads\":2,"
                                + "\"layers\":2,\"rms_norm_eps\":1.0E-5,\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0,"
                                + "\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,\"original_max_position_embeddings\":32},"
                                + "\"rope_theta\":500000.0,\"sliding_window\":null,\"tied_embeddings\":false,\"vocab_size\":160}");
    }

    static List<Arguments> refusedConfigs() {
        return List.of(
                refused(
                        "model_type gemma3 is not supported; supported are llama, mistral, qwen2, qwen3",
                        c -> c.put("model_type", "gemma3")),
                refused("architectures is [LlamaForSequenceClassification]", c -> c.putArray("architectures")
                        .add("LlamaForSequenceClassification")),
                refused("hidden_act gelu is not supported; silu is", c -> c.put("hidden_act", "gelu")),
                refused("mlp_bias true is not supported", c -> c.put("mlp_bias", true)),
                refused("quantization_config is not supported", c -> c.putObject("quantization_config")),
                refused("num_local_experts is not supported", c -> c.put("num_local_experts", 8)),
                refused("rope type yarn is not supported", c -> c.putObject("rope_parameters")
                        .put("rope_type", "yarn")),
                refused("rope type longrope is not supported", c -> {
                    c.remove("rope_parameters");
                    c.putObject("rope_scaling").put("type", "longrope");
                }),
                refused("rope factor must be given", c -> c.putObject("rope_parameters")
                        .put("rope_type", "linear")),
                refused("partial_rotary_factor other than 1", c -> c.put("partial_rotary_factor", 0.5)),
                refused("hidden_size is missing", c -> c.remove("hidden_size")),
                refused("vocab_size is \"many\", not a whole number", c -> c.put("vocab_size", "many")),
                refused("number of layers is 100000", c -> c.put("num_hidden_layers", 100_000)),
                refused(
                        "4 attention heads do not share 3 key-value heads evenly",
                        c -> c.put("num_key_value_heads", 3)),
                refused("rms_norm_eps is 0.0", c -> c.put("rms_norm_eps", 0.0)),
                refused("EOS token id is 160; allowed are 0 to 159", c -> c.put("eos_token_id", 160)),
                refused("head_dim is 15; rotary embedding needs it even", c -> c.put("head_dim", 15)),
                refused(
                        "tensor model.embed_tokens.weight has shape [160, 64]; config.json calls for [161, 64]",
                        c -> c.put("vocab_size", 161)),
                refused("tensor model.layers.0.self_attn.q_proj.bias is missing", c -> c.put("attention_bias", true)),
                refused("tensor model.layers.2.input_layernorm.weight is missing", c -> c.put("num_hidden_layers", 3)),
                refused(
                        "tensor model.layers.1.input_layernorm.weight is not part of",
                        c -> c.put("num_hidden_layers", 1)),
                refused("tensor lm_head.weight is missing", c -> c.put("tie_word_embeddings", false)));
    }

    private static Arguments refused(String message, Consumer<ObjectNode> change) {
        return Arguments.of(message, change);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refusedConfigs")
    void open_unsupportedOrWrongConfig_isRefusedByName(String message, Consumer<ObjectNode> change) throws IOException {
        Path source = Golden.path("arch/llama-tied");
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode config =
                (ObjectNode) mapper.readTree(source.resolve("config.json").toFile());
        change.accept(config);
        mapper.writeValue(directory.resolve("config.json").toFile(), config);
        Files.copy(source.resolve("model.safetensors"), directory.resolve("model.safetensors"));
        assertThatThrownBy(() -> BaseCheckpoint.open(directory))
                .isInstanceOf(ModelLoadException.class)
                .hasMessageContaining(message)
                .message()
                .doesNotContain("\n");
    }

    @Test
    void open_qwenWindow_isAllLayersOrRefused() throws IOException {
        Path source = Golden.path("arch/qwen2-tied");
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode config =
                (ObjectNode) mapper.readTree(source.resolve("config.json").toFile());
        config.put("use_sliding_window", true).put("sliding_window", 5).put("max_window_layers", 0);
        config.remove("layer_types");
        Files.copy(source.resolve("model.safetensors"), directory.resolve("model.safetensors"));
        mapper.writeValue(directory.resolve("config.json").toFile(), config);
        try (BaseCheckpoint checkpoint = BaseCheckpoint.open(directory)) {
            assertThat(checkpoint.config().slidingWindow()).isEqualTo(5);
        }
        config.put("max_window_layers", 1);
        mapper.writeValue(directory.resolve("config.json").toFile(), config);
        assertThatThrownBy(() -> BaseCheckpoint.open(directory))
                .hasMessageContaining("a sliding window in some layers");
    }

    @Test
    void open_generationConfig_choosesTheEndTokens() throws IOException {
        Path source = Golden.path("arch/llama-tied");
        Files.copy(source.resolve("model.safetensors"), directory.resolve("model.safetensors"));
        Files.copy(source.resolve("config.json"), directory.resolve("config.json"));
        Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\": [7, 9]}");
        try (BaseCheckpoint checkpoint = BaseCheckpoint.open(directory)) {
            assertThat(checkpoint.config().eosTokenIds()).containsExactly(7, 9);
        }
    }

    @Test
    void open_pickledWeights_areRefusedByName() throws IOException {
        Files.copy(Golden.path("arch/llama-tied/config.json"), directory.resolve("config.json"));
        Files.write(directory.resolve("pytorch_model.bin"), new byte[10]);
        assertThatThrownBy(() -> BaseCheckpoint.open(directory)).hasMessageContaining("pickle (pytorch_model.bin)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"nothing-here", "empty", "text.txt"})
    void open_noModel_isRefused(String name) throws IOException {
        Files.createDirectory(directory.resolve("empty"));
        Files.writeString(directory.resolve("text.txt"), "x");
        assertThatThrownBy(() -> BaseCheckpoint.open(directory.resolve(name)))
                .isInstanceOf(ModelLoadException.class)
                .hasMessageContaining(name);
    }

    static List<Arguments> refusedGgufs() {
        return List.of(
                Arguments.of("key llama.expert_count: mixtures of experts", (Consumer<GgufBytes>)
                        f -> f.u32("llama.expert_count", 8)),
                Arguments.of("key llama.rope.scaling.type is yarn", (Consumer<GgufBytes>)
                        f -> f.string("llama.rope.scaling.type", "yarn")),
                Arguments.of("key llama.rope.dimension_count is 4", (Consumer<GgufBytes>)
                        f -> f.u32("llama.rope.dimension_count", 4)),
                Arguments.of("tensor blk.0.ffn_gate_inp.weight is not part of a llama model", (Consumer<GgufBytes>)
                        f -> f.tensor("blk.0.ffn_gate_inp.weight", 0, new byte[4], 1)),
                Arguments.of(
                        "tensor output.weight has shape [1]; the metadata calls for [11, 16]",
                        (Consumer<GgufBytes>) f -> f.tensor("output.weight", 0, new byte[4], 1)),
                Arguments.of("tensor blk.0.attn_k.bias is missing", (Consumer<GgufBytes>)
                        f -> f.tensor("blk.0.attn_q.bias", 0, new byte[128], 32)),
                Arguments.of("tensor rope_freqs.weight: value 0 is 8.0", (Consumer<GgufBytes>)
                        f -> f.tensor("rope_freqs.weight", 0, floats(8, 8, 8, 8), 4)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refusedGgufs")
    void open_unsupportedGguf_isRefusedByName(String message, Consumer<GgufBytes> change) {
        GgufBytes file = TinyGguf.llama();
        change.accept(file);
        Path path = file.write(directory.resolve("x.gguf"));
        assertThatThrownBy(() -> BaseCheckpoint.open(path))
                .isInstanceOf(ModelLoadException.class)
                .hasMessageContaining(message);
    }

    @Test
    void open_ggufWithLlama3Divisors_findsTheScalingAgain() {
        float[] divisors = new float[4];
        for (int i = 0; i < divisors.length; i++) {
            // The converter's own formula, by wavelength.
            double wavelength = 2 * Math.PI * Math.pow(500_000, i / 4.0);
            double smooth = (8192 / wavelength - 1) / 3;
            divisors[i] =
                    (float) (wavelength < 8192 / 4.0 ? 1 : wavelength > 8192 ? 32 : 1 / ((1 - smooth) / 32 + smooth));
        }
        Path path = TinyGguf.llama(500_000)
                .tensor("rope_freqs.weight", 0, floats(divisors), 4)
                .write(directory.resolve("x.gguf"));
        try (BaseCheckpoint checkpoint = BaseCheckpoint.open(path)) {
            assertThat(checkpoint.config().ropeScaling()).isEqualTo(new RopeScaling.Llama3(32, 1, 4, 8192));
        }
    }

    @Test
    void bf16_confinedArena_hasTheSameValues() {
        Path path = TinyGguf.llama().write(directory.resolve("x.gguf"));
        try (BaseCheckpoint checkpoint = BaseCheckpoint.open(path);
                Arena confined = Arena.ofConfined()) {
            String name = "model.layers.0.self_attn.q_proj.weight";
            assertThat(checkpoint.bf16(name, confined).toArray(ValueLayout.JAVA_BYTE))
                    .isEqualTo(checkpoint.bf16(name).toArray(ValueLayout.JAVA_BYTE));
        }
    }

    private static byte[] floats(float... values) {
        byte[] bytes = new byte[4 * values.length];
        for (int i = 0; i < values.length; i++) {
            System.arraycopy(GgufBytes.le(4, Float.floatToRawIntBits(values[i])), 0, bytes, 4 * i, 4);
        }
        return bytes;
    }
}
