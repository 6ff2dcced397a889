"""A Llama model out of a GGUF file, as Transformers has it."""

import gguf
import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from common import bf16_round

LAYER_NAMES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
}
OTHER_NAMES = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}


def unpermuted(values: np.ndarray, heads: int) -> np.ndarray:
    """GGUF interleaves the rotary halves of each head, (heads, d/2, 2, in); Transformers has (heads, 2, d/2, in)."""
    rows, columns = values.shape
    return values.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def load_llama(reader: gguf.GGUFReader) -> LlamaForCausalLM:
    """Every tensor dequantised and rounded to bf16, computed with in float32."""
    def meta(key):
        return reader.fields[key].contents()

    heads, kv_heads = meta("llama.attention.head_count"), meta("llama.attention.head_count_kv")
    config = LlamaConfig(
        vocab_size=meta("llama.vocab_size"), hidden_size=meta("llama.embedding_length"),
        intermediate_size=meta("llama.feed_forward_length"), num_hidden_layers=meta("llama.block_count"),
        num_attention_heads=heads, num_key_value_heads=kv_heads, max_position_embeddings=meta("llama.context_length"),
        rms_norm_eps=meta("llama.attention.layer_norm_rms_epsilon"), tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": meta("llama.rope.freq_base")},
        bos_token_id=meta("tokenizer.ggml.bos_token_id"), eos_token_id=meta("tokenizer.ggml.eos_token_id"),
        attn_implementation="eager")
    state = {}
    for tensor in reader.tensors:
        values = bf16_round(gguf.dequantize(tensor.data, tensor.tensor_type))
        if tensor.name.startswith("blk."):
            _, layer, kind, _ = tensor.name.split(".")
            if kind in ("attn_q", "attn_k"):
                values = unpermuted(values, heads if kind == "attn_q" else kv_heads)
            name = f"model.layers.{layer}.{LAYER_NAMES[kind]}.weight"
        else:
            name = OTHER_NAMES[tensor.name]
        state[name] = torch.from_numpy(np.ascontiguousarray(values))
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model = LlamaForCausalLM(config).eval()
    model.load_state_dict(state, strict=True)
    return model
