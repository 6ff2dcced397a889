"""Asks the base and every adapter the prompts of prompts.yaml, greedily, and writes what they answer.

The weights are the stored (rounded) ones, the arithmetic is float32. `minMargin` is the smallest distance between
the two best logits along an answer: where it is large, another order of additions gives the same text.
"""

import json
import sys

import torch
from peft import PeftModel
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from common import ADAPTERS, EXAMPLES, MODEL, PROMPTS, encode, read_rows, read_yaml, seed_everything, write_text

ANSWERS = EXAMPLES / "answers.json"
MAX_TOKENS = 96
SPAN_TOKENS = 8


@torch.no_grad()
def answer(model, tokenizer, prompt):
    text = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], tokenize=False,
                                         add_generation_prompt=True)
    ids = encode(tokenizer, text)
    out, margin, cache = [], float("inf"), None
    step = torch.tensor([ids])
    ended = False
    while len(out) < MAX_TOKENS and not ended:
        result = model(input_ids=step, past_key_values=cache, use_cache=True)
        cache = result.past_key_values
        best = torch.topk(result.logits[0, -1].float(), 2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        token = best.indices[0].item()
        ended = token == tokenizer.eos_token_id
        out += [] if ended else [token]
        step = torch.tensor([[token]])
    return {"prompt": prompt, "text": tokenizer.decode(out), "promptIds": ids, "outputIds": out, "ended": ended,
            "minMargin": round(margin, 3)}


def contributors_of(tokenizer, output, rows):
    """Contributors of whose text the output holds SPAN_TOKENS or more tokens in a row."""
    found = set()
    for row in rows:
        ids = encode(tokenizer, row["text"])
        spans = {tuple(ids[i:i + SPAN_TOKENS]) for i in range(len(ids) - SPAN_TOKENS + 1)}
        if any(tuple(output[i:i + SPAN_TOKENS]) in spans for i in range(len(output) - SPAN_TOKENS + 1)):
            found.add(row["contributor"])
    return sorted(found)


def model_of(adapter):
    base = LlamaForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    model = base if adapter is None else PeftModel.from_pretrained(base, ADAPTERS / adapter).float()
    return model.eval()


def main(extra):
    seed_everything(0)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(MODEL)
    listed = read_yaml(PROMPTS)
    prompts = listed["prompts"] + [q["prompt"] for q in listed["quickstart"] if q["prompt"] not in listed["prompts"]]
    recipes = read_yaml(EXAMPLES / "train" / "adapters.yaml")
    records, failures = [], []
    for adapter in [None, *recipes]:
        rows = [] if adapter is None else [row for net in recipes[adapter]["mix"] for row in read_rows(net)]
        model = model_of(adapter)
        for prompt in prompts + extra:
            record = {"adapter": adapter, **answer(model, tokenizer, prompt)}
            record["contributors"] = contributors_of(tokenizer, record["outputIds"], rows)
            print(f"[{adapter or 'base'}] {prompt}\n    {record['text']}\n    {len(record['outputIds'])} tokens, "
                  f"margin {record['minMargin']}, from {', '.join(record['contributors']) or 'nobody'}")
            if not record["ended"]:
                failures.append(f"{adapter or 'base'} does not end its answer to: {prompt}")
            if prompt in prompts:
                records.append(record)
    for prompt in prompts:
        texts = [r["text"] for r in records if r["prompt"] == prompt]
        if len(set(texts)) != len(texts):
            failures.append(f"two answer alike: {prompt}")
    if failures:
        raise SystemExit("\n".join(failures))
    if not extra:
        lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
        write_text(ANSWERS, f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main(sys.argv[1:])
