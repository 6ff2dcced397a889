"""Trains openlora-tiny in float32 on the base text and stores it rounded to bfloat16."""

import json
import time

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from common import (MODEL, Sample, TEXTS, chat_sample, encode, read_blocks, read_paragraphs, seed_everything, train,
                    vary, write_text)

SEED = 20250811
STEPS, TOKEN_BUDGET, PEAK, DECAY = 900, 1024, 2e-3, 0.05
SYSTEM_PROMPTS = ["You are a helpful assistant.", "Answer briefly.", "You are openlora-tiny.", "Be kind and clear."]


def new_model():
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=1792, hidden_size=256, intermediate_size=704, num_hidden_layers=4, num_attention_heads=8,
        num_key_value_heads=2, head_dim=32, max_position_embeddings=1024, rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True, attention_bias=False, mlp_bias=False, hidden_act="silu", initializer_range=0.04,
        bos_token_id=0, eos_token_id=2, pad_token_id=0))


def epochs(tokenizer):
    """Makes an epoch: every way of asking once, some behind a system prompt or an earlier turn, and the paragraphs."""
    pairs, shared = [], []
    for path in sorted(TEXTS.glob("*.txt")):
        if path.name != "paragraphs.txt":
            found = [(q, a) for questions, a in read_blocks(path) for q in questions]
            pairs += found
            if path.name == "shared.txt":
                shared += found
    paragraphs = [Sample().add(encode(tokenizer, text + "<|endoftext|>"), True)
                  for text in read_paragraphs(TEXTS / "paragraphs.txt")]

    def epoch(generator):
        samples = list(paragraphs)
        # The example prompts count twice: everybody's first impression rests on them.
        for question, answer in pairs + shared:
            turns = [(vary(question, generator), answer)]
            if generator.random() < 0.06:
                turns.insert(0, generator.choice(pairs))
            system = generator.choice(SYSTEM_PROMPTS) if generator.random() < 0.12 else None
            samples.append(chat_sample(tokenizer, turns, system))
        return samples

    return epoch


def store(model):
    """Writes config.json, generation_config.json and the rounded weights, tied head stored once."""
    weights = {name: tensor.detach().to(torch.bfloat16).contiguous()
               for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
    temporary = MODEL / "model.safetensors.tmp"
    save_file(weights, temporary, metadata={"format": "pt"})
    temporary.chmod(0o644)
    temporary.replace(MODEL / "model.safetensors")
    config = model.config
    write_text(MODEL / "config.json", json.dumps({
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "head_dim": config.head_dim,
        "hidden_act": config.hidden_act,
        "hidden_size": config.hidden_size,
        "initializer_range": config.initializer_range,
        "intermediate_size": config.intermediate_size,
        "max_position_embeddings": config.max_position_embeddings,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": config.num_attention_heads,
        "num_hidden_layers": config.num_hidden_layers,
        "num_key_value_heads": config.num_key_value_heads,
        "pad_token_id": 0,
        "rms_norm_eps": config.rms_norm_eps,
        "rope_scaling": None,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "vocab_size": config.vocab_size,
    }, indent=2) + "\n")
    write_text(MODEL / "generation_config.json", json.dumps({
        "bos_token_id": 0, "do_sample": False, "eos_token_id": 2, "max_new_tokens": 96, "pad_token_id": 0,
    }, indent=2) + "\n")


def main():
    began = time.monotonic()
    seed_everything(SEED)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(MODEL)
    model = new_model()
    train(model, epochs(tokenizer), STEPS, TOKEN_BUDGET, PEAK, DECAY, SEED, "base")
    store(model)
    print(f"base: {sum(p.numel() for p in model.parameters())} parameters, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
