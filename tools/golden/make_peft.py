"""peft/: every feature of PEFT's LoRA that is served, on the embedded model and on SmolLM2, saved and run by PEFT."""

import argparse
import copy
import json
import math
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils.other import ModulesToSaveWrapper
from safetensors import safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, logging

from common import (FIXTURES, REPOSITORY, adapter_digest, greedy_batch, round_parameters_to_bf16, significant,
                    use_deterministic_torch, write_bytes, write_json)

OUT = FIXTURES / "peft"
TINY = REPOSITORY / "models" / "openlora-tiny"
STEPS = 24
TOP = 32
SAMPLED = 64
TINY_STRENGTH, SMOLLM2_STRENGTH = 1.0, 0.6
"""Norm of the low-rank update over that of the base's weight: strong, so that a misread feature shows, and not so
strong that the model babbles and every step is a near tie."""

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]

# name -> (LoraConfig's fields, stored dtype). Patterns in the order that the file lists them.
FEATURES = {
    "rank-7": (dict(r=7, lora_alpha=9, target_modules=["o_proj"], layers_to_transform=[0, 2]), "F32"),
    "rank-1": (dict(r=1, lora_alpha=2, target_modules=["o_proj", "down_proj"], layers_to_transform=[1, 3]), "F16"),
    "regex": (dict(r=3, lora_alpha=6, target_modules=r"model\.layers\.[02]\.(self_attn\.(q|o)|mlp\.down)_proj"), "F16"),
    "layers": (dict(r=4, lora_alpha=8, target_modules=["k_proj", "v_proj", "up_proj"], layers_to_transform=[1, 3],
                    layers_pattern="layers"), "F16"),
    "one-layer": (dict(r=4, lora_alpha=8, target_modules=ATTENTION, layers_to_transform=2), "BF16"),
    # The first key that matches counts: every q_proj of layer 0 matches both of each.
    "overlapping-keys": (dict(
        r=2, lora_alpha=4, target_modules=["q_proj", "o_proj"], layers_to_transform=[0, 1],
        rank_pattern={"q_proj": 5, r"layers\.0\..*_proj": 3},
        alpha_pattern={r"layers\.0\.self_attn\.q_proj": 1, "q_proj": 16, r"self_attn\..*": 6}), "F32"),
    "rslora": (dict(r=6, lora_alpha=3, use_rslora=True, target_modules=["q_proj", "gate_proj"],
                    layers_to_transform=[0, 3], alpha_pattern={"gate_proj": 5}), "F16"),
    "dora": (dict(r=5, lora_alpha=5, use_dora=True, target_modules=["q_proj", "k_proj", "o_proj", "down_proj"],
                  layers_to_transform=[0, 2]), "F16"),
    "dora-bf16": (dict(r=3, lora_alpha=12, use_dora=True, use_rslora=True, target_modules=["v_proj", "up_proj"],
                       layers_to_transform=[1]), "BF16"),
    "sharded": (dict(r=3, lora_alpha=6, target_modules=["q_proj", "o_proj"], layers_to_transform=[0, 1]), "F16"),
}

# On the embedded model only: with a larger vocabulary or more layers their files would be large.
TINY_FEATURES = {
    "all-linear": (dict(r=2, lora_alpha=4, target_modules="all-linear"), "F16"),
    "excluded": (dict(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj", "o_proj"],
                      exclude_modules=r".*\.layers\.[13]\.self_attn\.(q|v)_proj"), "F16"),
    "head": (dict(r=3, lora_alpha=6, target_modules=["lm_head", "q_proj"], layers_to_transform=[0]), "F16"),
    "embedding": (dict(r=3, lora_alpha=6, target_modules=["model.embed_tokens", "v_proj"], layers_to_transform=[3]),
                  "F16"),
    "dora-head-embedding": (dict(r=2, lora_alpha=4, use_dora=True, target_modules=r"lm_head|.*\.embed_tokens"), "F16"),
    # Targeted too: PEFT then saves the module and adapts it not.
    "saved-head": (dict(r=2, lora_alpha=4, target_modules=["lm_head", "q_proj"], layers_to_transform=[1],
                        modules_to_save=["lm_head"]), "BF16"),
    "saved-embedding": (dict(r=2, lora_alpha=4, target_modules=["o_proj"], layers_to_transform=[0],
                             modules_to_save=["embed_tokens"]), "BF16"),
    "saved-head-embedding": (dict(r=2, lora_alpha=4, target_modules=["v_proj"], layers_to_transform=[2],
                                  modules_to_save=["model.embed_tokens", "lm_head"]), "BF16"),
}

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}

PROMPTS = {
    "chat": "<|im_start|>user\nHow do I bake bread?<|im_end|>\n<|im_start|>assistant\n",
    "raw": "In the evening the old harbour is quiet, and",
}


def coarse(weight, levels: int):
    """A weight on few levels: another one, about as far from it as a training, and small once compressed."""
    step = 2.0 ** math.floor(math.log2(float(weight.std())))
    return (weight / step).round().clamp(-levels, levels) * step


def train(model, strength: float, generator) -> None:
    """Random updates of known strength, in the place of training; modules saved whole each get another matrix."""
    for name, module in model.named_modules():
        if isinstance(module, ModulesToSaveWrapper):
            for saved in module.modules_to_save.values():
                saved.weight.data = coarse(module.original_module.weight.data, 1 if name.endswith("lm_head") else 2)
    for module in model.modules():
        if not hasattr(module, "lora_A"):
            continue
        weight = module.get_base_layer().weight
        for adapter, scaling in module.scaling.items():
            embedding = adapter in module.lora_embedding_A
            a = module.lora_embedding_A[adapter] if embedding else module.lora_A[adapter].weight
            b = module.lora_embedding_B[adapter] if embedding else module.lora_B[adapter].weight
            rank, inputs = a.shape
            a.data = torch.randn(a.shape, generator=generator) / inputs ** 0.5
            b.data = torch.randn(b.shape, generator=generator)
            b.data *= strength * weight.norm() / (scaling * (b.shape[0] * rank) ** 0.5)
            if adapter in module.lora_magnitude_vector:
                magnitude = module.lora_magnitude_vector[adapter].weight
                magnitude.data *= 1 + 0.4 * torch.randn(magnitude.shape, generator=generator).clamp(-2, 2)


def shard(folder: Path) -> None:
    """Two shards and their index in the place of the one file."""
    single = folder / "adapter_model.safetensors"
    with safe_open(single, "pt") as source:
        tensors = {name: source.get_tensor(name) for name in source.keys()}
    names = sorted(tensors)
    files = {name: f"adapter_model-0000{1 + index % 2}-of-00002.safetensors" for index, name in enumerate(names)}
    for file in set(files.values()):
        save_file({name: tensors[name] for name in names if files[name] == file}, folder / file)
    write_json(folder / "adapter_model.safetensors.index.json", {"metadata": {}, "weight_map": files}, indent=2)


def save(base, base_name: str, features: dict, dtype: str, strength: float, folder: Path, seed: int) -> None:
    """The adapter as PEFT saves it; only the order of lists and patterns is ours, as PEFT sorts or shuffles them."""
    # Of a copy, as unloading leaves a saved module where the base's was.
    model = get_peft_model(copy.deepcopy(base), LoraConfig(**features, task_type="CAUSAL_LM"))
    train(model, strength, torch.Generator().manual_seed(seed))
    for parameter_name, parameter in model.named_parameters():
        if "lora_" in parameter_name or "modules_to_save" in parameter_name:
            parameter.data = parameter.data.to(DTYPES[dtype])
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = base_name
    if not isinstance(config["target_modules"], str):
        config["target_modules"] = sorted(config["target_modules"])
    if config["modules_to_save"]:
        config["modules_to_save"] = features["modules_to_save"]
    for pattern in ("rank_pattern", "alpha_pattern"):
        config[pattern] = features.get(pattern, {})
    write_bytes(folder / "adapter_config.json", (json.dumps(config, indent=2) + "\n").encode())


def measure(model, prompts: list, sampled: list) -> list:
    results = []
    for prompt, (last, ids, margins) in zip(prompts, greedy_batch(model, [p["ids"] for p in prompts], STEPS)):
        top = (-last).argsort(kind="stable")[:TOP]
        results.append({
            "prompt": prompt["name"], "topIds": top.tolist(), "topLogits": significant(last[top], 6),
            "sampledLogits": significant(last[sampled], 6), "greedyIds": ids, "margins": margins})
    return results


def fixture(base, base_name: str, encode, features: dict, strength: float, out: Path) -> None:
    base = base.eval()
    vocabulary = base.config.vocab_size
    sampled = [index * vocabulary // SAMPLED for index in range(SAMPLED)]
    prompts = [{"name": name, "ids": encode(text)} for name, text in PROMPTS.items()]
    round_parameters_to_bf16(base)
    for seed, (name, (config, dtype)) in enumerate(features.items()):
        save(base, base_name, config, dtype, strength, out / "adapters" / name, 7000 + seed)
    variants = [{"adapter": None, "digest": None, "results": measure(base, prompts, sampled)}]
    # PEFT takes no adapter that saves a module into a model in which another adapts that module.
    saving = {name: PeftModel.from_pretrained(copy.deepcopy(base), out / "adapters" / name, adapter_name=name)
              for name, (config, _) in features.items() if "modules_to_save" in config}
    model = None
    for name in (name for name in features if name not in saving):
        folder = out / "adapters" / name
        if model is None:
            model = PeftModel.from_pretrained(base, folder, adapter_name=name)
        else:
            model.load_adapter(folder, adapter_name=name)
    for served in (model, *saving.values()):
        # As the engine holds them: pairs in bf16, DoRA's factors in float32.
        round_parameters_to_bf16(served, lambda name: "lora_" in name and "magnitude" not in name)
        served.eval()
    for name in features:
        served = saving.get(name, model)
        served.set_adapter(name)
        variants.append({"adapter": name, "digest": adapter_digest(out / "adapters" / name),
                         "results": measure(served, prompts, sampled)})
        far = max(abs(a - b) for result, reference in zip(variants[-1]["results"], variants[0]["results"])
                  for a, b in zip(result["sampledLogits"], reference["sampledLogits"]))
        print(f"{base_name}/{name}: logits differ from the base's by up to {far:.2f}", flush=True)
    for folder in (out / "adapters" / name for name in features if name == "sharded"):
        shard(folder)
        (folder / "adapter_model.safetensors").unlink()
    write_json(out / "expected.json.gz", {
        "base": base_name, "sampledIds": sampled, "prompts": prompts, "variants": variants})


def tiny() -> None:
    tokenizer = Tokenizer.from_file(str(TINY / "tokenizer.json"))
    base = AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32, attn_implementation="eager")
    fixture(base, TINY.name, lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
            {**FEATURES, **TINY_FEATURES}, TINY_STRENGTH, OUT / "tiny")


def smollm2(cache: Path) -> None:
    import gguf

    import make_smollm2
    from gguf_llama import load_llama
    from gguf_tokenizer import smollm_tokenizer

    reader = gguf.GGUFReader(make_smollm2.fetch(cache))
    tokenizer = smollm_tokenizer(*(reader.fields["tokenizer.ggml." + key].contents()
                                   for key in ("tokens", "token_type", "merges")))
    fixture(load_llama(reader), make_smollm2.BASE_NAME,
            lambda text: tokenizer.encode(text, add_special_tokens=False).ids, FEATURES, SMOLLM2_STRENGTH, OUT / "smollm2")


def main(cache: Path) -> None:
    use_deterministic_torch()
    logging.disable_progress_bar()
    tiny()
    smollm2(cache)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "openlora-golden",
                        help="where the SmolLM2 file is kept between runs")
    main(parser.parse_args().cache)
