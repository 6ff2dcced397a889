"""gguf/llama.gguf: a whole tiny Llama model in which the quantised types are mixed as real files mix them."""

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from tokenizers import pre_tokenizers

from common import FIXTURES, bf16_round, greedy, significant, use_deterministic_torch, write_json
from gguf_llama import load_llama

OUT = FIXTURES / "gguf"
HIDDEN, FEED_FORWARD, HEADS, KV_HEADS, LAYERS = 256, 256, 4, 2, 2
STEPS = 24
PROMPT_LENGTHS = (7, 41)
MERGES = ["Ġ t", "h e", "i n", "e r", "a n", "Ġt he", "o n", "Ġ a", "r e", "Ġ s", "i t",
          "Ġ Ġ", "a t", "in g", "Ġa n", "n d"]

# The types of each layer's matrices.
LAYER_TYPES = [
    {"attn_q": Type.Q4_K, "attn_k": Type.Q4_K, "attn_v": Type.Q6_K, "attn_output": Type.Q5_K,
     "ffn_gate": Type.Q4_K, "ffn_up": Type.Q5_K, "ffn_down": Type.Q6_K},
    {"attn_q": Type.Q4_1, "attn_k": Type.Q8_0, "attn_v": Type.F16, "attn_output": Type.Q4_0,
     "ffn_gate": Type.Q8_0, "ffn_up": Type.Q4_0, "ffn_down": Type.BF16},
]


def matrix(random: np.random.Generator, rows: int, columns: int, kind: Type) -> np.ndarray:
    """Encoded weights with a deviation of about 0.06: random blocks for the K types, which gguf cannot quantise."""
    if kind in (Type.Q4_K, Type.Q5_K, Type.Q6_K):
        block_size, type_size = gguf.GGML_QUANT_SIZES[kind]
        blocks = random.integers(0, 256, (rows * columns // block_size, type_size), dtype=np.uint8)
        half = {Type.Q4_K: 2.2e-4, Type.Q5_K: 1.1e-4, Type.Q6_K: 4.5e-5}[kind]
        scale = (half * random.uniform(0.7, 1.3, len(blocks))).astype(np.float16)
        if kind == Type.Q6_K:
            blocks[:, 208:210] = scale.view(np.uint8).reshape(-1, 2)
        else:
            mean = np.float16(7.5 if kind == Type.Q4_K else 15.5)  # of the quants: the minima take it away again
            blocks[:, 0:2] = scale.view(np.uint8).reshape(-1, 2)
            blocks[:, 2:4] = (scale * mean).view(np.uint8).reshape(-1, 2)
        return blocks.reshape(rows, columns // block_size * type_size)
    values = random.standard_normal((rows, columns)).astype(np.float32) * np.float32(0.06)
    return values if kind == Type.F32 else gguf.quantize(values, kind)


def tokens() -> tuple:
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    texts = special + sorted(pre_tokenizers.ByteLevel.alphabet()) + [merge.replace(" ", "") for merge in MERGES]
    return texts, [gguf.TokenType.CONTROL] * len(special) + [gguf.TokenType.NORMAL] * (len(texts) - len(special))


def write(path) -> None:
    random = np.random.Generator(np.random.PCG64(20251))
    texts, types = tokens()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("a tiny random Llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(256)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(texts))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(texts)
    writer.add_token_types(types)
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template("{% for message in messages %}"
                             "{{ '<|im_start|>' + message['role'] + '\n' + message['content']"
                             " + '<|im_end|>\n' }}{% endfor %}"
                             "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")

    def add(name: str, rows: int, columns: int, kind: Type) -> None:
        writer.add_tensor(name, matrix(random, rows, columns, kind),
                          raw_dtype=None if kind in (Type.F32, Type.F16) else kind)

    def norm(name: str, centre: float) -> None:
        values = centre * (1.0 + 0.2 * random.standard_normal(HIDDEN))
        writer.add_tensor(name, bf16_round(values.astype(np.float32)))

    kv_width = HIDDEN // HEADS * KV_HEADS
    shapes = {"attn_q": (HIDDEN, HIDDEN), "attn_k": (kv_width, HIDDEN), "attn_v": (kv_width, HIDDEN),
              "attn_output": (HIDDEN, HIDDEN), "ffn_gate": (FEED_FORWARD, HIDDEN), "ffn_up": (FEED_FORWARD, HIDDEN),
              "ffn_down": (HIDDEN, FEED_FORWARD)}
    add("token_embd.weight", len(texts), HIDDEN, Type.Q8_0)
    for layer, kinds in enumerate(LAYER_TYPES):
        norm(f"blk.{layer}.attn_norm.weight", 1.5)
        norm(f"blk.{layer}.ffn_norm.weight", 1.5)
        for part, kind in kinds.items():
            add(f"blk.{layer}.{part}.weight", *shapes[part], kind)
    norm("output_norm.weight", 4.0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    use_deterministic_torch()
    OUT.mkdir(parents=True, exist_ok=True)
    write(OUT / "llama.gguf")
    model = load_llama(gguf.GGUFReader(OUT / "llama.gguf"))
    generator = torch.Generator().manual_seed(20252)
    prompts = []
    for length in PROMPT_LENGTHS:
        ids = torch.randint(3, model.config.vocab_size, (length,), generator=generator).tolist()
        logits, generated, margins = greedy(model, ids, STEPS, use_cache=False)
        prompts.append({
            "promptIds": ids,
            "positions": [{"index": index, "logits": significant(logits[index], 7)}
                          for index in (length // 2, length - 1)],
            "greedyIds": generated,
            "margins": margins,
        })
        print(f"llama.gguf: {length} tokens, logits' deviation {logits[-1].std():.2f}, "
              f"smallest margin {min(margins):.3f}, {len(set(generated))} different ids")
    write_json(OUT / "llama.json", {"name": "llama.gguf", "prompts": prompts})


if __name__ == "__main__":
    main()
