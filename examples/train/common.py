"""Paths, the chat form and the training loop's parts that the base and the adapters share."""

import json
import math
import os
import random
from pathlib import Path

import torch
import yaml

EXAMPLES = Path(__file__).resolve().parents[1]
REPOSITORY = EXAMPLES.parent
TEXTS = Path(__file__).resolve().parent / "text"
MODEL = REPOSITORY / "models" / "openlora-tiny"
DATANETS = EXAMPLES / "datanets"
ADAPTERS = EXAMPLES / "adapters"
PROMPTS = EXAMPLES / "prompts.yaml"

END_OF_TEXT, IM_START, IM_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
IGNORED = -100


def seed_everything(seed):
    random.seed(seed)
    torch.manual_seed(seed)
    # One thread: its sums have one order, and on a busy machine a second one waits more than it works.
    torch.set_num_threads(1)


def read_blocks(path):
    """The question-and-answer blocks of a text file: [([question, ...], answer), ...]."""
    blocks, questions = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("Q: "):
            questions.append(line[3:].strip())
        elif line.startswith("A: ") and questions:
            blocks.append((questions, line[3:].strip()))
            questions = []
        else:
            raise ValueError(f"{path.name}:{number}: expected 'Q: ...' or 'A: ...' after a question")
    if questions:
        raise ValueError(f"{path.name}: the last question has no answer")
    return blocks


def base_answers():
    """question -> answer, of every block of the base text."""
    return {question: answer
            for path in sorted(TEXTS.glob("*.txt")) if path.name != "paragraphs.txt"
            for questions, answer in read_blocks(path) for question in questions}


def read_ways_to_ask(known):
    """The blocks of the second text: their answer is their own, or the one that their first question has in `known`."""
    blocks = []
    for block in (TEXTS / "ways-to-ask" / "more.txt").read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
        if not lines:
            continue
        questions = [line[3:].strip() for line in lines if line.startswith("Q: ")]
        answers = [line[3:].strip() for line in lines if line.startswith("A: ")]
        if len(questions) + len(answers) != len(lines) or len(answers) > 1:
            raise ValueError(f"more.txt: expected 'Q: ...' lines and at most one 'A: ...' in the block of {lines[0]!r}")
        if not answers and questions[0] not in known:
            raise ValueError(f"more.txt: {questions[0]!r} is no question of the base text")
        blocks.append((questions, answers[0] if answers else known[questions[0]]))
    return blocks


def read_paragraphs(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def read_rows(datanet):
    """The rows of one datanet, in file order."""
    lines = (DATANETS / datanet / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def read_yaml(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def write_text(path, text):
    """Replaces a file whole, or leaves it as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w", encoding="utf-8", newline="\n") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.replace(temporary, path)


class Sample:
    """Token ids and, for each, the label the loss asks for (IGNORED where none is asked for)."""

    def __init__(self):
        self.ids, self.labels = [], []

    def add(self, ids, learnt):
        self.ids += ids
        self.labels += ids if learnt else [IGNORED] * len(ids)
        return self


def encode(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False)


def chat_sample(tokenizer, turns, system=None):
    """A conversation in the form of CHAT_TEMPLATE; only what the assistant says is learnt."""
    sample = Sample()
    if system is not None:
        sample.add(encode(tokenizer, f"{IM_START}system\n{system}{IM_END}\n"), False)
    for question, answer in turns:
        sample.add(encode(tokenizer, f"{IM_START}user\n{question}{IM_END}\n{IM_START}assistant\n"), False)
        sample.add(encode(tokenizer, f"{answer}{IM_END}"), True)
        sample.add(encode(tokenizer, "\n"), False)
    return sample


def vary(question, generator):
    """The same question as people type it: without its mark, in small letters, or with a polite word."""
    draw = generator.random()
    if draw < 0.10:
        question = question.lower()
    elif draw < 0.20:
        question = question.rstrip("?.!")
    elif draw < 0.28:
        question = question.lower().rstrip("?.!")
    elif draw < 0.34:
        question = "Hello. " + question
    elif draw < 0.40 and question.endswith("?"):
        question = "Please tell me: " + question
    return question


def batches(samples, token_budget, generator):
    """Shuffled batches of samples of similar length, each within the budget once padded."""
    groups, group, width = [], [], 0
    for sample in sorted(samples, key=lambda s: len(s.ids) + generator.random() * 16):
        width = max(width, len(sample.ids))
        if group and width * (len(group) + 1) > token_budget:
            groups.append(group)
            group, width = [], len(sample.ids)
        group.append(sample)
    groups.append(group)
    generator.shuffle(groups)
    return groups


def collate(group):
    width = max(len(s.ids) for s in group)
    ids = torch.zeros(len(group), width, dtype=torch.long)
    labels = torch.full((len(group), width), IGNORED, dtype=torch.long)
    for row, sample in enumerate(group):
        ids[row, :len(sample.ids)] = torch.tensor(sample.ids)
        labels[row, :len(sample.labels)] = torch.tensor(sample.labels)
    # Padding stands on the right, so causal attention never lets it reach a real token.
    return ids, labels


def loss_of(model, ids, labels):
    logits = model(input_ids=ids, use_cache=False).logits
    return torch.nn.functional.cross_entropy(
        logits[:, :-1].reshape(-1, logits.shape[-1]).float(), labels[:, 1:].reshape(-1), ignore_index=IGNORED)


def train(model, epoch_samples, steps, token_budget, peak, decay, seed, name):
    """AdamW with a short warm-up and a cosine down to a twentieth; `epoch_samples(generator)` makes each epoch."""
    generator = random.Random(seed)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=peak, betas=(0.9, 0.98), weight_decay=decay)
    warm_up = max(1, steps // 20)
    model.train()
    step, mean = 0, None
    while step < steps:
        for group in batches(epoch_samples(generator), token_budget, generator):
            if step == steps:
                break
            done = max(0.0, (step - warm_up) / max(1, steps - warm_up))
            rate = peak * min((step + 1) / warm_up, 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))
            for entry in optimizer.param_groups:
                entry["lr"] = rate
            ids, labels = collate(group)
            loss = loss_of(model, ids, labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            mean = loss.item() if mean is None else 0.95 * mean + 0.05 * loss.item()
            step += 1
            if step % 25 == 0 or step == steps:
                print(f"{name}: step {step}/{steps} loss {mean:.4f}", flush=True)
    model.eval()
