"""Trains the adapters of smollm2.yaml on smollm2-135m-instruct-q4_1 with PEFT, and writes what they answer.

    python train_smollm2.py FILE.gguf [NAME...]

FILE.gguf is what `./openlora model pull smollm2-135m-instruct-q4_1` stores. The base's matrices are those of the file,
rounded to bfloat16 as OpenLoRA serves them; training and answers are in float32. An adapter's training answer to a
prompt is every row with that prompt, one sentence behind the other in file order.
"""

import json
import sys
import time
from pathlib import Path

import torch
import yaml
from peft import LoraConfig, PeftModel, TaskType, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from common import EXAMPLES, PROMPTS, chat_sample, read_rows, read_yaml, seed_everything, train, vary, write_text
from digests import (adapter_config, content_digest, datanet_digests, manifest_digest, manifest_of, stored_tensors,
                     tokenizer_digest)
from evaluate import answer, contributors_of
from train_adapters import answers, store

SEED = 11
TOKEN_BUDGET, DECAY = 512, 0.0
NAME = "smollm2-135m-instruct-q4_1"
RECIPES = Path(__file__).resolve().parent / "smollm2.yaml"
FOLDER = EXAMPLES / "smollm2"
# What the model's chat template says first where a conversation has no system message of its own.
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


def base_digest():
    """The pinned digest of the catalogue, which OpenLoRA compares with what it loads."""
    return read_yaml(EXAMPLES.parent / "config" / "models.yaml")["models"][NAME]["baseDigest"]


def load_base(gguf):
    base = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    for parameter in base.parameters():
        parameter.data = parameter.data.to(torch.bfloat16).to(torch.float32)
    return base


def epochs(tokenizer, datanet):
    asked = answers(datanet)

    def epoch(generator):
        return [chat_sample(tokenizer, [(vary(question, generator), text)], SYSTEM) for question, text in asked.items()]

    return epoch


def train_one(name, recipe, gguf, tokenizer):
    began = time.monotonic()
    seed_everything(SEED)
    (datanet, share), = recipe["mix"].items()
    (steps, rate), = recipe["rounds"]
    if share != 10000:
        raise SystemExit(f"{name}: one datanet with all of the mix is expected")
    model = get_peft_model(load_base(gguf), LoraConfig(
        task_type=TaskType.CAUSAL_LM, r=recipe["rank"], lora_alpha=recipe["alpha"], use_rslora=recipe["rslora"],
        target_modules=recipe["targets"], lora_dropout=0.0, bias="none"))
    train(model, epochs(tokenizer, datanet), steps, TOKEN_BUDGET, rate, DECAY, SEED, name)
    store(model, FOLDER / "adapters" / name, getattr(torch, recipe["dtype"]), NAME)
    print(f"{name}: {sum(p.numel() for p in model.parameters() if p.requires_grad)} parameters, "
          f"{time.monotonic() - began:.0f} s")


def write_manifests(recipes):
    tokenizer = tokenizer_digest()
    digests = {}
    for name, recipe in recipes.items():
        datanets = {net: datanet_digests(net, tokenizer) for net in recipe["mix"]}
        manifest = manifest_of(name, recipe, base_digest(), datanets)
        folder = FOLDER / "adapters" / name
        write_text(folder / "adapter.yaml", yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=110))
        digests[name] = {"digest": content_digest("openlora/adapter/v1", adapter_config(folder),
                                                  stored_tensors(folder / "adapter_model.safetensors")),
                         "manifest": manifest_digest(manifest)}
    write_text(FOLDER / "digests.json", json.dumps({"base": base_digest(), "adapters": digests}, indent=2) + "\n")


def write_answers(recipes, gguf, tokenizer):
    """The greedy answers of the base and of each adapter as it is stored."""
    prompts = read_yaml(PROMPTS)["prompts"]
    records = []
    for name in [None, *recipes]:
        rows = [] if name is None else [row for net in recipes[name]["mix"] for row in read_rows(net)]
        model = load_base(gguf)
        if name is not None:
            model = PeftModel.from_pretrained(model, FOLDER / "adapters" / name).float()
        model.eval()
        for prompt in prompts:
            record = {"adapter": name, **answer(model, tokenizer, prompt)}
            record["contributors"] = contributors_of(tokenizer, record["outputIds"], rows)
            print(f"[{name or 'base'}] {prompt}\n    {record['text']}\n    {len(record['outputIds'])} tokens, margin "
                  f"{record['minMargin']}, from {', '.join(record['contributors']) or 'nobody'}", flush=True)
            records.append(record)
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    write_text(FOLDER / "answers.json", f"[\n{lines}\n]\n")


def main(arguments):
    if not arguments or not Path(arguments[0]).is_file():
        raise SystemExit(__doc__)
    gguf, names = Path(arguments[0]).resolve(), arguments[1:]
    recipes = read_yaml(RECIPES)
    for name in names:
        if name not in recipes:
            raise SystemExit(f"no adapter '{name}' in {RECIPES.name}; there are {', '.join(recipes)}")
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    for name in names or recipes:
        train_one(name, recipes[name], gguf, tokenizer)
    write_manifests(recipes)
    write_answers(recipes, gguf, tokenizer)


if __name__ == "__main__":
    main(sys.argv[1:])
