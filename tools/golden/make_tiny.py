"""tiny/: the embedded model and its example adapters, by Transformers + PEFT."""

import torch
import yaml
from peft import PeftModel
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer, logging

import tokenizer_cases
from common import (FIXTURES, NEAR_TIE_MARGIN, REPOSITORY, adapter_digest, greedy_batch, round_parameters_to_bf16,
                    significant, use_deterministic_torch, write_json)

OUT = FIXTURES / "tiny"
MODEL = REPOSITORY / "models" / "openlora-tiny"
EXAMPLES = REPOSITORY / "examples"
STEPS = 64

RAW_PROMPTS = {
    "raw-word": "The",
    "raw-sentence": "In the evening the old harbour is quiet, and",
    "raw-digits": "1  2  3\n10  20  30\n100",
    "raw-unicode": "Zürich, naïve café — 東京 🙂:",
    "raw-special": "<|im_start|>user\nHi<|im_end|>\n<|im_start|>user\nAnd again",
}


def prompts() -> list:
    chat = AutoTokenizer.from_pretrained(MODEL)
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    questions = yaml.safe_load((EXAMPLES / "prompts.yaml").read_text(encoding="utf-8"))["prompts"]
    listed = []
    for index, question in enumerate(questions):
        messages = [{"role": "user", "content": question}]
        text = chat.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        listed.append({"name": f"chat-{index}", "messages": messages, "text": text})
    listed += [{"name": name, "text": text} for name, text in RAW_PROMPTS.items()]
    return [{**prompt, "ids": tokenizer.encode(prompt["text"], add_special_tokens=False).ids} for prompt in listed]


def measure(model, variant: str, listed: list) -> list:
    results = []
    references = greedy_batch(model, [prompt["ids"] for prompt in listed], STEPS)
    for prompt, (logits, ids, margins) in zip(listed, references):
        results.append({
            "prompt": prompt["name"], "logits": significant(logits, 5), "greedyIds": ids, "margins": margins})
    near = sum(margin <= NEAR_TIE_MARGIN for result in results for margin in result["margins"])
    print(f"{variant}: {near} near ties in {STEPS * len(results)} steps")
    return results


def main() -> None:
    use_deterministic_torch()
    logging.disable_progress_bar()
    folders = sorted(path.parent for path in EXAMPLES.glob("adapters/*/adapter_config.json"))
    if not folders:
        raise SystemExit(f"no adapters in {EXAMPLES / 'adapters'}")
    listed = prompts()
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    special = tokenizer_cases.with_special_tokens("<|im_start|>", "<|im_end|>", "<|endoftext|>")

    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32, attn_implementation="eager")
    for folder in folders:
        if isinstance(model, PeftModel):
            model.load_adapter(folder, adapter_name=folder.name)
        else:
            model = PeftModel.from_pretrained(model, folder, adapter_name=folder.name)
    round_parameters_to_bf16(model)
    model.eval()

    with model.disable_adapter():
        variants = [{"adapter": None, "digest": None, "results": measure(model, "base", listed)}]
    for folder in folders:
        model.set_adapter(folder.name)
        variants.append({"adapter": folder.name, "digest": adapter_digest(folder),
                         "results": measure(model, folder.name, listed)})
    write_json(OUT / "prompts.json", {"prompts": listed})
    write_json(OUT / "tokenizer.json", tokenizer_cases.fixture(tokenizer, special))
    write_json(OUT / "expected.json.gz", {"base": MODEL.name, "variants": variants})
    for variant in variants:
        print(f"--- {variant['adapter'] or 'base'}")
        for prompt, result in list(zip(listed, variant["results"]))[:3]:
            print(f"{prompt['text']!r}: {tokenizer.decode(result['greedyIds'])!r}")


if __name__ == "__main__":
    main()
