package org.openlora.engine.weights;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.OptionalInt;
import org.openlora.kernels.RopeScaling;

/// What a decoder-only transformer of the Llama family looks like: the numbers that the forward pass needs,
/// wherever they were read from (`config.json` or GGUF metadata).
///
/// All but the last two enter the base digest, as [#identity] writes them.
///
/// @param attentionBias whether the query, key and value projections have biases; see [#outputBias]
/// @param contextLength tokens that the model was made for
/// @param headDim width of one attention head; `heads * headDim` may differ from `hiddenSize`
/// @param slidingWindow how many of the last positions a token attends to, 0 for all
/// @param tiedEmbeddings whether the output head is the embedding matrix
/// @param eosTokenIds tokens that end a generation, in the order of the source; may be empty
/// @param bosTokenId token that starts a text, -1 for none; tokenizers add it only where they say so
public record ModelConfig(
        Architecture architecture,
        boolean attentionBias,
        int contextLength,
        int headDim,
        int heads,
        int hiddenSize,
        int intermediateSize,
        int kvHeads,
        int layers,
        double rmsNormEps,
        RopeScaling ropeScaling,
        double ropeTheta,
        int slidingWindow,
        boolean tiedEmbeddings,
        int vocabularySize,
        List<Integer> eosTokenIds,
        int bosTokenId) {
    static final int MAX_CONTEXT = 1 << 24;
    static final int MAX_WIDTH = 1 << 18;
    static final int MAX_VOCABULARY = 1 << 22;
    static final int MAX_LAYERS = 1024;
    static final int MAX_HEADS = 1024;
    static final int MAX_HEAD_DIM = 1024;

    /// Throws [IllegalArgumentException] that names the number out of range.
    public ModelConfig {
        inRange("context length", contextLength, 1, MAX_CONTEXT);
        inRange("head_dim", headDim, 2, MAX_HEAD_DIM);
        inRange("number of attention heads", heads, 1, MAX_HEADS);
        inRange("hidden size", hiddenSize, 1, MAX_WIDTH);
        inRange("intermediate size", intermediateSize, 1, MAX_WIDTH);
        inRange("number of key-value heads", kvHeads, 1, heads);
        inRange("number of layers", layers, 1, MAX_LAYERS);
        inRange("vocabulary size", vocabularySize, 1, MAX_VOCABULARY);
        inRange("sliding window", slidingWindow, 0, Integer.MAX_VALUE);
        inRange("BOS token id", bosTokenId, -1, vocabularySize - 1);
        if (headDim % 2 != 0) {
            throw new IllegalArgumentException("head_dim is %d; rotary embedding needs it even".formatted(headDim));
        }
        if (heads % kvHeads != 0) {
            throw new IllegalArgumentException(
                    "%d attention heads do not share %d key-value heads evenly".formatted(heads, kvHeads));
        }
        if (!(rmsNormEps > 0 && rmsNormEps < 1)) {
            throw new IllegalArgumentException("rms_norm_eps is %s; allowed are 0 < eps < 1".formatted(rmsNormEps));
        }
        if (!(ropeTheta > 1 && ropeTheta <= 1e15)) {
            throw new IllegalArgumentException("rope_theta is %s; allowed are 1 < theta <= 1e15".formatted(ropeTheta));
        }
        eosTokenIds = List.copyOf(eosTokenIds);
        for (int id : eosTokenIds) {
            inRange("EOS token id", id, 0, vocabularySize - 1);
        }
    }

    /// Width of all query heads together.
    public int querySize() {
        return heads * headDim;
    }

    /// Width of all key (or value) heads together.
    public int keyValueSize() {
        return kvHeads * headDim;
    }

    /// Whether the attention's output projection has a bias: where q, k and v have, except in Qwen2.
    public boolean outputBias() {
        return attentionBias && architecture != Architecture.QWEN2;
    }

    public OptionalInt bos() {
        return bosTokenId < 0 ? OptionalInt.empty() : OptionalInt.of(bosTokenId);
    }

    /// The part of the configuration that is in the base digest (docs/formats.md).
    public ObjectNode identity() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("architecture", architecture.id());
        json.put("attention_bias", attentionBias);
        json.put("context_length", contextLength);
        json.put("head_dim", headDim);
        json.put("heads", heads);
        json.put("hidden_act", "silu");
        json.put("hidden_size", hiddenSize);
        json.put("intermediate_size", intermediateSize);
        json.put("kv_heads", kvHeads);
        json.put("layers", layers);
        json.put("rms_norm_eps", rmsNormEps);
        json.set("rope_scaling", RopeScalings.identity(ropeScaling));
        json.put("rope_theta", ropeTheta);
        if (slidingWindow == 0) {
            json.putNull("sliding_window");
        } else {
            json.put("sliding_window", slidingWindow);
        }
        json.put("tied_embeddings", tiedEmbeddings);
        json.put("vocab_size", vocabularySize);
        return json;
    }

    private static void inRange(String what, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException("%s is %d; allowed are %d to %d".formatted(what, value, min, max));
        }
    }
}
