package org.openlora.engine.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A tensor that a configuration calls for, with its name in either source and its shape, outputs first.
///
/// @param permutedHeads how many attention heads' rows a llama GGUF holds in its own order, 0 for none
record ExpectedTensor(String name, String ggufName, List<Long> shape, int permutedHeads) {
    /// All tensors of a model, in the order of the forward pass.
    static List<ExpectedTensor> of(ModelConfig config) {
        List<ExpectedTensor> all = new ArrayList<>();
        all.add(plain("model.embed_tokens.weight", "token_embd.weight", config.vocabularySize(), config.hiddenSize()));
        for (int layer = 0; layer < config.layers(); layer++) {
            addLayer(all, config, "model.layers." + layer + ".", "blk." + layer + ".");
        }
        all.add(plain("model.norm.weight", "output_norm.weight", config.hiddenSize()));
        if (!config.tiedEmbeddings()) {
            all.add(plain("lm_head.weight", "output.weight", config.vocabularySize(), config.hiddenSize()));
        }
        return all;
    }

    private static void addLayer(List<ExpectedTensor> all, ModelConfig config, String name, String gguf) {
        int hidden = config.hiddenSize();
        int inner = config.intermediateSize();
        all.add(plain(name + "input_layernorm.weight", gguf + "attn_norm.weight", hidden));
        addProjection(all, config, name + "self_attn.q_proj", gguf + "attn_q", config.heads());
        addProjection(all, config, name + "self_attn.k_proj", gguf + "attn_k", config.kvHeads());
        all.add(plain(name + "self_attn.v_proj.weight", gguf + "attn_v.weight", config.keyValueSize(), hidden));
        if (config.attentionBias()) {
            all.add(plain(name + "self_attn.v_proj.bias", gguf + "attn_v.bias", config.keyValueSize()));
        }
        all.add(plain(name + "self_attn.o_proj.weight", gguf + "attn_output.weight", hidden, config.querySize()));
        if (config.outputBias()) {
            all.add(plain(name + "self_attn.o_proj.bias", gguf + "attn_output.bias", hidden));
        }
        if (config.architecture().normalisesHeads()) {
            all.add(plain(name + "self_attn.q_norm.weight", gguf + "attn_q_norm.weight", config.headDim()));
            all.add(plain(name + "self_attn.k_norm.weight", gguf + "attn_k_norm.weight", config.headDim()));
        }
        all.add(plain(name + "post_attention_layernorm.weight", gguf + "ffn_norm.weight", hidden));
        all.add(plain(name + "mlp.gate_proj.weight", gguf + "ffn_gate.weight", inner, hidden));
        all.add(plain(name + "mlp.up_proj.weight", gguf + "ffn_up.weight", inner, hidden));
        all.add(plain(name + "mlp.down_proj.weight", gguf + "ffn_down.weight", hidden, inner));
    }

    /// Query and key: the projections whose rows a llama GGUF holds in another order.
    private static void addProjection(
            List<ExpectedTensor> all, ModelConfig config, String name, String gguf, int heads) {
        int outputs = heads * config.headDim();
        all.add(new ExpectedTensor(
                name + ".weight", gguf + ".weight", List.of((long) outputs, (long) config.hiddenSize()), heads));
        if (config.attentionBias()) {
            all.add(new ExpectedTensor(name + ".bias", gguf + ".bias", List.of((long) outputs), heads));
        }
    }

    private static ExpectedTensor plain(String name, String ggufName, long... shape) {
        return new ExpectedTensor(name, ggufName, Arrays.stream(shape).boxed().toList(), 0);
    }
}
