"""arch/: a tiny random checkpoint of every supported architecture, written by Transformers, and its logits."""

import json
import shutil

import torch
from transformers import (AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM,
                          Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM, logging)

from common import FIXTURES, greedy, round_parameters_to_bf16, significant, use_deterministic_torch, write_json

OUT = FIXTURES / "arch"
VOCABULARY = 160
STEPS = 24
PROMPT_LENGTHS = (7, 41)

SIZES = dict(vocab_size=VOCABULARY, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=4, max_position_embeddings=256, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
             initializer_range=0.2)

LLAMA3_ROPE = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
               "high_freq_factor": 4.0, "original_max_position_embeddings": 32}


def rope(theta: float) -> dict:
    return {"rope_type": "default", "rope_theta": theta}


# Written as Transformers 4 wrote it: rope_theta, rope_scaling and torch_dtype at the top level.
OLD_CONFIGS = {"llama-gqa-untied", "llama3-rope-v4", "qwen2-untied", "mistral"}

# name -> (model class, config class, what differs from SIZES, stored dtype, shard size)
CASES = {
    "llama-tied": (LlamaForCausalLM, LlamaConfig, dict(
        tie_word_embeddings=True, rope_parameters=rope(10000.0)), torch.bfloat16, None),
    "llama-gqa-untied": (LlamaForCausalLM, LlamaConfig, dict(
        num_hidden_layers=3, num_key_value_heads=2, tie_word_embeddings=False,
        rope_parameters=rope(100000.0)), torch.float16, None),
    "llama3-rope-v4": (LlamaForCausalLM, LlamaConfig, dict(
        tie_word_embeddings=True, rope_parameters=LLAMA3_ROPE), torch.float16, None),
    "llama-attention-bias": (LlamaForCausalLM, LlamaConfig, dict(
        num_key_value_heads=2, tie_word_embeddings=False, attention_bias=True,
        rope_parameters=rope(10000.0)), torch.bfloat16, None),
    "llama3-rope": (LlamaForCausalLM, LlamaConfig, dict(
        num_key_value_heads=2, tie_word_embeddings=False, rope_parameters=LLAMA3_ROPE), torch.bfloat16, None),
    "llama-sharded": (LlamaForCausalLM, LlamaConfig, dict(
        num_key_value_heads=2, tie_word_embeddings=False,
        rope_parameters=rope(10000.0)), torch.bfloat16, 50_000),
    "llama-head-dim": (LlamaForCausalLM, LlamaConfig, dict(
        hidden_size=48, intermediate_size=64, num_attention_heads=4, num_key_value_heads=1, head_dim=32,
        tie_word_embeddings=True,
        rope_parameters=rope(10000.0)), torch.float32, None),
    "mistral": (MistralForCausalLM, MistralConfig, dict(
        num_key_value_heads=2, sliding_window=None, tie_word_embeddings=False,
        rope_parameters=rope(10000.0)), torch.bfloat16, None),
    "mistral-window": (MistralForCausalLM, MistralConfig, dict(
        num_hidden_layers=3, num_key_value_heads=2, sliding_window=9, tie_word_embeddings=False,
        rope_parameters=rope(1000000.0)), torch.float16, None),
    "qwen2-tied": (Qwen2ForCausalLM, Qwen2Config, dict(
        num_key_value_heads=2, tie_word_embeddings=True, rms_norm_eps=1e-6,
        rope_parameters=rope(1000000.0)), torch.bfloat16, None),
    "qwen2-untied": (Qwen2ForCausalLM, Qwen2Config, dict(
        hidden_size=48, intermediate_size=64, num_attention_heads=3, num_key_value_heads=3,
        tie_word_embeddings=False, rms_norm_eps=1e-6,
        rope_parameters=rope(10000.0)), torch.float32, None),
    "qwen3-tied": (Qwen3ForCausalLM, Qwen3Config, dict(
        num_key_value_heads=2, head_dim=32, tie_word_embeddings=True, rms_norm_eps=1e-6,
        rope_parameters=rope(1000000.0)), torch.bfloat16, None),
    "qwen3-untied": (Qwen3ForCausalLM, Qwen3Config, dict(
        num_key_value_heads=4, head_dim=16, tie_word_embeddings=False, rms_norm_eps=1e-6,
        rope_parameters=rope(10000.0)), torch.float16, None),
}


def randomise(model, seed: int) -> None:
    """Every parameter random: matrices with a spread that lets logits vary, norms around one, biases not zero.

    Norms and biases are numbers that bf16 holds: whether a reader rounds them or keeps them in float32 is the same.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name == "model.norm.weight":
                parameter.copy_((2.5 * (1.0 + 0.2 * noise)).bfloat16())  # spreads the logits as a trained model's are
            elif "norm" in name:
                parameter.copy_((1.0 + 0.2 * noise).bfloat16())
            elif name.endswith(".bias"):
                parameter.copy_((0.3 * noise).bfloat16())
            else:
                parameter.copy_(0.2 * noise)


def rewrite_as_version_4(folder) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    scaling = config.pop("rope_parameters")
    config["rope_theta"] = scaling.pop("rope_theta")
    config["rope_scaling"] = None if scaling["rope_type"] == "default" else scaling
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.51.3"
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def case(name: str, seed: int) -> None:
    model_class, config_class, changes, dtype, shard_size = CASES[name]
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(seed)
    model = model_class(config_class(**{**SIZES, **changes}))
    randomise(model, seed)
    model.to(dtype)
    model.save_pretrained(folder, max_shard_size=shard_size or "1GB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    if name in OLD_CONFIGS:
        rewrite_as_version_4(folder)

    # What is stored is what counts: read it back, and round as the engine does.
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    round_parameters_to_bf16(model)
    generator = torch.Generator().manual_seed(seed + 1)
    prompts = []
    for length in PROMPT_LENGTHS:
        ids = torch.randint(3, VOCABULARY, (length,), generator=generator).tolist()
        logits, generated, margins = greedy(model, ids, STEPS, use_cache=False)
        middle = length // 2
        prompts.append({
            "promptIds": ids,
            "positions": [
                {"index": middle, "logits": significant(logits[middle], 7)},
                {"index": length - 1, "logits": significant(logits[-1], 7)},
            ],
            "greedyIds": generated,
            "margins": margins,
        })
        print(f"{name}: {length} tokens, logits' deviation {logits[-1].std():.2f}, "
              f"smallest margin {min(margins):.3f}, {len(set(generated))} different ids")
    write_json(folder / "expected.json", {"name": name, "prompts": prompts})


def main() -> None:
    use_deterministic_torch()
    logging.disable_progress_bar()
    for index, name in enumerate(sorted(CASES)):
        case(name, 1000 + 10 * index)


if __name__ == "__main__":
    main()
