package org.openlora.engine.weights;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.openlora.kernels.RopeScaling;

/// Reads a model's configuration from GGUF metadata and, where the format leaves it to them, from the tensors:
/// tied embeddings (no `output.weight`), attention biases, and Llama 3's rotary scaling (`rope_freqs.weight`).
final class GgufConfig {
    static final String ROPE_FREQUENCIES = "rope_freqs.weight";

    private static final int MAX_SIZE = Integer.MAX_VALUE - 8;
    private static final int LLAMA3_ORIGINAL_CONTEXT = 8192;
    private static final double FREQUENCY_TOLERANCE = 1e-4;

    private final GgufFile gguf;
    private final GgufMetadata metadata;
    private final Architecture architecture;

    private GgufConfig(GgufFile gguf, Architecture architecture) {
        this.gguf = gguf;
        this.metadata = gguf.metadata();
        this.architecture = architecture;
    }

    static ModelConfig read(GgufFile gguf) {
        String name = gguf.metadata().requireString("general.architecture");
        Architecture architecture =
                switch (name) {
                    case "llama" -> Architecture.LLAMA; // Mistral too: converters write it as llama
                    case "qwen2" -> Architecture.QWEN2;
                    case "qwen3" -> Architecture.QWEN3;
                    default ->
                        throw new ModelLoadException("%s: general.architecture %s is not supported; supported are %s"
                                .formatted(gguf.metadata().file(), name, "llama, qwen2, qwen3"));
                };
        try {
            return new GgufConfig(gguf, architecture).parse();
        } catch (IllegalArgumentException e) {
            throw new ModelLoadException(gguf.metadata().file() + ": " + e.getMessage(), e);
        }
    }

    private ModelConfig parse() {
        refuseUnsupported();
        int hiddenSize = require("embedding_length");
        int heads = require("attention.head_count");
        int headDim = headDim(hiddenSize, heads);
        double theta = metadata.number(key("rope.freq_base")).orElse(10_000);
        return new ModelConfig(
                architecture,
                gguf.tensor("blk.0.attn_q.bias") != null,
                require("context_length"),
                headDim,
                heads,
                hiddenSize,
                require("feed_forward_length"),
                optional("attention.head_count_kv").orElse(heads),
                require("block_count"),
                metadata.number(key("attention.layer_norm_rms_epsilon"))
                        .orElseThrow(() -> metadata.missing(key("attention.layer_norm_rms_epsilon"))),
                ropeScaling(headDim, theta),
                theta,
                optional("attention.sliding_window").orElse(0),
                gguf.tensor("output.weight") == null,
                vocabularySize(),
                eosTokenIds(),
                metadata.integer("tokenizer.ggml.bos_token_id", 0, MAX_SIZE).orElse(-1));
    }

    private String key(String name) {
        return architecture.id() + "." + name;
    }

    private int require(String name) {
        return metadata.requireInteger(key(name), 1, MAX_SIZE);
    }

    private OptionalInt optional(String name) {
        return metadata.integer(key(name), 0, MAX_SIZE);
    }

    private void refuseUnsupported() {
        if (optional("expert_count").orElse(0) > 0) {
            throw failure("key %s: mixtures of experts are not supported".formatted(key("expert_count")));
        }
        String scaling = metadata.string(key("rope.scaling.type")).orElse("none");
        if (!scaling.equals("none") && !scaling.equals("linear")) {
            throw failure("key %s is %s; supported are none, linear".formatted(key("rope.scaling.type"), scaling));
        }
        if (metadata.has(key("rope.scale_linear"))) {
            throw failure("key %s is obsolete and not supported".formatted(key("rope.scale_linear")));
        }
    }

    private int headDim(int hiddenSize, int heads) {
        OptionalInt keyLength = optional("attention.key_length");
        if (keyLength.isEmpty() && hiddenSize % heads != 0) {
            throw failure("key %s is missing, and %d is no multiple of %d heads"
                    .formatted(key("attention.key_length"), hiddenSize, heads));
        }
        int headDim = keyLength.orElse(hiddenSize / heads);
        requireEqual("attention.value_length", headDim);
        requireEqual("rope.dimension_count", headDim);
        return headDim;
    }

    private void requireEqual(String name, int headDim) {
        int value = optional(name).orElse(headDim);
        if (value != headDim) {
            throw failure("key %s is %d; only the whole head of %d is supported".formatted(key(name), value, headDim));
        }
    }

    private int vocabularySize() {
        GgufTensor embedding = gguf.tensor("token_embd.weight");
        if (embedding == null) {
            throw failure("tensor token_embd.weight is missing");
        }
        return embedding.rows();
    }

    private List<Integer> eosTokenIds() {
        List<Integer> ids = new ArrayList<>();
        for (String name : List.of("eos_token_id", "eot_token_id")) {
            OptionalInt id = metadata.integer("tokenizer.ggml." + name, 0, MAX_SIZE);
            if (id.isPresent() && !ids.contains(id.getAsInt())) {
                ids.add(id.getAsInt());
            }
        }
        return ids;
    }

    private RopeScaling ropeScaling(int headDim, double theta) {
        GgufTensor divisors = gguf.tensor(ROPE_FREQUENCIES);
        boolean linear =
                metadata.string(key("rope.scaling.type")).orElse("none").equals("linear");
        if (linear && divisors != null) {
            throw failure("key %s is linear, and tensor %s is there: only one of them is supported"
                    .formatted(key("rope.scaling.type"), ROPE_FREQUENCIES));
        }
        if (divisors != null) {
            return llama3(divisors, headDim, theta);
        }
        double factor = metadata.number(key("rope.scaling.factor")).orElse(1);
        return linear && factor != 1 ? new RopeScaling.Linear(factor) : new RopeScaling.None();
    }

    /// Converters write Llama 3's scaling as the divisor of each frequency. Its parameters are found again: the
    /// largest divisor is the factor, the others are those of every Llama 3 release; divisors that these do not
    /// give are refused.
    private RopeScaling llama3(GgufTensor tensor, int headDim, double theta) {
        if (tensor.type() != GgufType.F32 || tensor.rows() != 1 || tensor.columns() != headDim / 2) {
            throw failure("tensor %s is not %d values of F32".formatted(ROPE_FREQUENCIES, headDim / 2));
        }
        float[] divisors = new float[tensor.columns()];
        Dequantizer.expand(GgufType.F32, gguf.data(tensor), 0, divisors);
        double largest = 1;
        for (float divisor : divisors) {
            largest = Math.max(largest, divisor);
        }
        if (!(largest > 1 && largest < 1e6)) {
            throw failure("tensor %s does not hold the divisors of llama3 scaling".formatted(ROPE_FREQUENCIES));
        }
        var scaling = new RopeScaling.Llama3(largest, 1, 4, LLAMA3_ORIGINAL_CONTEXT);
        for (int i = 0; i < divisors.length; i++) {
            double calledFor = divisor(scaling, Math.pow(theta, -2.0 * i / headDim));
            if (!(Math.abs(divisors[i] - calledFor) <= FREQUENCY_TOLERANCE * calledFor)) {
                throw failure("tensor %s: value %d is %s, where llama3 scaling by %s would have %s"
                        .formatted(ROPE_FREQUENCIES, i, divisors[i], largest, calledFor));
            }
        }
        return scaling;
    }

    private static double divisor(RopeScaling.Llama3 scaling, double frequency) {
        double turns = scaling.originalMaxPositions() * frequency / (2 * Math.PI);
        if (turns > scaling.highFrequencyFactor()) {
            return 1;
        }
        if (turns < scaling.lowFrequencyFactor()) {
            return scaling.factor();
        }
        double smooth =
                (turns - scaling.lowFrequencyFactor()) / (scaling.highFrequencyFactor() - scaling.lowFrequencyFactor());
        return 1 / ((1 - smooth) / scaling.factor() + smooth);
    }

    private ModelLoadException failure(String message) {
        return new ModelLoadException(metadata.file() + ": " + message);
    }
}
