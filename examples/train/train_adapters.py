"""Trains the LoRA adapters of adapters.yaml on their datanets with PEFT: all of them, or those named."""

import json
import shutil
import sys
import time
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from common import (ADAPTERS, MODEL, base_answers, chat_sample, read_rows, read_ways_to_ask, read_yaml,
                    seed_everything, train, vary, write_text)

SEED = 7
TOKEN_BUDGET, DECAY = 1024, 0.0
KEPT_PART = 3
RECIPES = Path(__file__).resolve().parent / "adapters.yaml"


def answers(datanet):
    """prompt -> answer: the texts of the rows with this prompt, one sentence behind the other in file order."""
    found = {}
    for row in read_rows(datanet):
        found.setdefault(row["prompt"], []).append(row["text"])
    return {prompt: " ".join(texts) for prompt, texts in found.items()}


def all_base_answers():
    """Every (question, answer) of the text the base was trained on."""
    known = base_answers()
    return list(known.items()) + [(q, answer) for questions, answer in read_ways_to_ask(known) for q in questions]


def ways_to_ask():
    """question -> every other question that the base gives the same answer."""
    by_answer = {}
    for question, answer in all_base_answers():
        by_answer.setdefault(answer, {})[question] = None
    return {question: [q for q in by_answer[answer] if q != question] for question, answer in all_base_answers()}


def epochs(tokenizer, mix):
    """Makes an epoch in which each datanet's share of the datanets' samples is its share of the mix.

    Each prompt of the first datanet comes as it stands and, where there is one, in one other way to ask; of the
    other datanets as many samples are drawn as their share asks for, leaving out what the first one answers too."""
    (main, main_share), *others = mix.items()
    main_answers = answers(main)
    other_answers = {datanet: [pair for pair in answers(datanet).items() if pair[0] not in main_answers]
                     for datanet, _ in others}
    ways = ways_to_ask()
    answered = {question for prompts in [main_answers, *map(dict, other_answers.values())] for prompt in prompts
                for question in [prompt, *ways.get(prompt, [])]}
    kept = [pair for pair in all_base_answers() if pair[0] not in answered]

    def epoch(generator):
        drawn = list(main_answers.items())
        drawn += [(generator.choice(ways[prompt]), answer) for prompt, answer in drawn if ways.get(prompt)]
        count = len(drawn)
        for datanet, share in others:
            drawn += generator.choices(other_answers[datanet], k=round(count * share / main_share))
        # What the datanets say nothing about, the base goes on answering as before.
        drawn += generator.choices(kept, k=len(drawn) // KEPT_PART)
        return [chat_sample(tokenizer, [(vary(question, generator), answer)]) for question, answer in drawn]

    return epoch


def tidy(folder, base):
    """Leaves in adapter_config.json nothing that differs between two runs or two machines."""
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base
    config["target_modules"] = sorted(config["target_modules"])
    write_text(path, json.dumps(config, indent=2, sort_keys=True) + "\n")
    (folder / "README.md").unlink(missing_ok=True)


def model_of(folder, recipe, first):
    base = LlamaForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    if not first:
        return PeftModel.from_pretrained(base, folder, is_trainable=True).float()
    return get_peft_model(base, LoraConfig(
        task_type=TaskType.CAUSAL_LM, r=recipe["rank"], lora_alpha=recipe["alpha"], use_rslora=recipe["rslora"],
        target_modules=recipe["targets"], lora_dropout=0.0, bias="none"))


def store(model, folder, dtype, base="openlora-tiny"):
    """Rounds the adapter to its stored type and replaces the files in its folder."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(dtype)
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    model.save_pretrained(fresh)
    tidy(fresh, base)
    folder.mkdir(parents=True, exist_ok=True)
    for file in fresh.iterdir():
        file.chmod(0o644)
        file.replace(folder / file.name)
    fresh.rmdir()


def train_round(name, recipe, number, tokenizer):
    """One round of the recipe: the first starts anew, each later one from the adapter as it is stored."""
    began = time.monotonic()
    seed = SEED + number
    seed_everything(seed)
    steps, rate = recipe["rounds"][number]
    model = model_of(ADAPTERS / name, recipe, number == 0)
    train(model, epochs(tokenizer, recipe["mix"]), steps, TOKEN_BUDGET, rate, DECAY, seed, f"{name}, round {number}")
    store(model, ADAPTERS / name, getattr(torch, recipe["dtype"]))
    print(f"{name}, round {number}: {sum(p.numel() for p in model.parameters() if p.requires_grad)} parameters, "
          f"{time.monotonic() - began:.0f} s")


def main(arguments):
    only_last = "--last-round" in arguments
    names = [argument for argument in arguments if argument != "--last-round"]
    recipes = read_yaml(RECIPES)
    for name in names:
        if name not in recipes:
            raise SystemExit(f"no adapter '{name}' in {RECIPES.name}; there are {', '.join(recipes)}")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(MODEL)
    for name in names or recipes:
        last = len(recipes[name]["rounds"]) - 1
        for number in [last] if only_last else range(last + 1):
            train_round(name, recipes[name], number, tokenizer)


if __name__ == "__main__":
    main(sys.argv[1:])
