package org.openlora.engine.weights;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.openlora.kernels.RopeScaling;

/// Reads `config.json` (and the token ids of `generation_config.json`) as Transformers 4 or 5 wrote them, with
/// Transformers' defaults for what is absent. What the forward pass would not honour is refused by name.
final class HuggingFaceConfig {
    private static final int MISTRAL_DEFAULT_WINDOW = 4096;
    private static final int QWEN_DEFAULT_FULL_LAYERS = 28;

    /// Keys of other architectures' features that would change the result.
    private static final List<String> REFUSED_KEYS = List.of(
            "quantization_config",
            "num_local_experts",
            "num_experts",
            "n_routed_experts",
            "attn_logit_softcapping",
            "final_logit_softcapping",
            "logit_scale",
            "residual_multiplier",
            "embedding_multiplier");

    private HuggingFaceConfig() {}

    static ModelConfig read(Path directory) {
        Path path = directory.resolve("config.json");
        JsonConfig config = new JsonConfig(path.toString(), JsonFiles.readObject(path, JsonFiles.MAX_CONFIG_BYTES));
        Path generation = directory.resolve("generation_config.json");
        List<Integer> eos = config.integers("eos_token_id");
        if (Files.exists(generation)) {
            List<Integer> chosen = new JsonConfig(
                            generation.toString(), JsonFiles.readObject(generation, JsonFiles.MAX_CONFIG_BYTES))
                    .integers("eos_token_id");
            eos = chosen.isEmpty() ? eos : chosen;
        }
        try {
            return parse(config, eos);
        } catch (IllegalArgumentException e) {
            throw new ModelLoadException(path + ": " + e.getMessage(), e);
        }
    }

    private static ModelConfig parse(JsonConfig config, List<Integer> eos) {
        Architecture architecture = architecture(config);
        refuseUnsupported(config, architecture);
        int hiddenSize = config.requireInt("hidden_size");
        int heads = config.requireInt("num_attention_heads");
        int layers = config.requireInt("num_hidden_layers");
        JsonConfig rope = config.has("rope_parameters") ? config.object("rope_parameters") : config;
        List<Integer> bos = config.integers("bos_token_id");
        return new ModelConfig(
                architecture,
                config.flag("attention_bias", architecture == Architecture.QWEN2),
                config.requireInt("max_position_embeddings"),
                headDim(config, hiddenSize, heads),
                heads,
                hiddenSize,
                config.requireInt("intermediate_size"),
                architecture == Architecture.LLAMA
                        ? config.integer("num_key_value_heads", heads)
                        : config.requireInt("num_key_value_heads"),
                layers,
                config.number("rms_norm_eps", 1e-6),
                ropeScaling(config),
                rope.number("rope_theta", config.number("rope_theta", 10_000)),
                slidingWindow(config, architecture, layers),
                config.flag("tie_word_embeddings", false),
                config.requireInt("vocab_size"),
                eos,
                bos.isEmpty() ? -1 : bos.getFirst());
    }

    private static Architecture architecture(JsonConfig config) {
        String type = config.string("model_type", "none");
        Architecture architecture = Architecture.named(type)
                .orElseThrow(() -> config.failure(
                        "model_type %s is not supported; supported are %s".formatted(type, Architecture.allowed())));
        List<String> classes = config.strings("architectures");
        if (!classes.isEmpty() && !classes.equals(List.of(architecture.className()))) {
            throw config.failure("architectures is %s; for model_type %s it must be [%s]"
                    .formatted(classes, type, architecture.className()));
        }
        return architecture;
    }

    private static void refuseUnsupported(JsonConfig config, Architecture architecture) {
        for (String key : REFUSED_KEYS) {
            if (config.has(key)) {
                throw config.failure("%s is not supported".formatted(key));
            }
        }
        String activation = config.string("hidden_act", "silu");
        if (!activation.equals("silu")) {
            throw config.failure("hidden_act %s is not supported; silu is".formatted(activation));
        }
        if (config.flag("mlp_bias", false)) {
            throw config.failure("mlp_bias true is not supported");
        }
        if (architecture == Architecture.MISTRAL && config.flag("attention_bias", false)) {
            throw config.failure("attention_bias true does not exist in model_type mistral");
        }
        if (config.number("partial_rotary_factor", 1) != 1) {
            throw config.failure("partial_rotary_factor other than 1 is not supported");
        }
    }

    private static int headDim(JsonConfig config, int hiddenSize, int heads) {
        if (config.has("head_dim")) {
            return config.requireInt("head_dim");
        }
        if (heads < 1 || hiddenSize % heads != 0) {
            throw config.failure("hidden_size %d is no multiple of num_attention_heads %d, and head_dim is missing"
                    .formatted(hiddenSize, heads));
        }
        return hiddenSize / heads;
    }

    /// `rope_parameters` (Transformers 5) or `rope_scaling` (4, where the type was once under `type`).
    private static RopeScaling ropeScaling(JsonConfig config) {
        String key = config.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
        if (!config.has(key)) {
            return new RopeScaling.None();
        }
        JsonConfig rope = config.object(key);
        if (rope.has("full_attention") || rope.has("sliding_attention")) {
            throw config.failure("%s by layer type is not supported".formatted(key));
        }
        if (rope.number("partial_rotary_factor", 1) != 1) {
            throw config.failure("partial_rotary_factor other than 1 is not supported");
        }
        String type = rope.string("rope_type", rope.string("type", "default"));
        return switch (type) {
            case "default" -> new RopeScaling.None();
            case "linear" -> new RopeScaling.Linear(positive(rope, "factor"));
            case "llama3" ->
                new RopeScaling.Llama3(
                        positive(rope, "factor"),
                        positive(rope, "low_freq_factor"),
                        positive(rope, "high_freq_factor"),
                        rope.requireInt("original_max_position_embeddings"));
            default ->
                throw config.failure(
                        "rope type %s is not supported; supported are default, linear, llama3".formatted(type));
        };
    }

    private static double positive(JsonConfig rope, String key) {
        double value = rope.number(key, 0);
        if (!(value > 0 && value <= 1e6)) {
            throw rope.failure("rope %s must be given, above 0 and at most 1e6".formatted(key));
        }
        return value;
    }

    private static int slidingWindow(JsonConfig config, Architecture architecture, int layers) {
        return switch (architecture) {
            case LLAMA -> 0;
            case MISTRAL ->
                config.json().has("sliding_window") ? config.integer("sliding_window", 0) : MISTRAL_DEFAULT_WINDOW;
            case QWEN2, QWEN3 -> config.flag("use_sliding_window", false) ? qwenWindow(config, layers) : 0;
        };
    }

    /// Qwen windows the layers from `max_window_layers` on; here it is all layers or none.
    private static int qwenWindow(JsonConfig config, int layers) {
        int fullLayers = config.integer("max_window_layers", QWEN_DEFAULT_FULL_LAYERS);
        Set<String> types = new TreeSet<>(config.strings("layer_types"));
        if (types.isEmpty()) {
            types = fullLayers >= layers
                    ? Set.of("full_attention")
                    : fullLayers <= 0 ? Set.of("sliding_attention") : Set.of("full_attention", "sliding_attention");
        }
        if (types.equals(Set.of("full_attention"))) {
            return 0;
        }
        if (types.equals(Set.of("sliding_attention"))) {
            return config.requireInt("sliding_window");
        }
        throw config.failure("a sliding window in some layers only is not supported");
    }
}
