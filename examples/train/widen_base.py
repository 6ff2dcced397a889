"""Goes on training the stored base with more ways to ask the same, and stores it again, rounded."""

import time

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from common import MODEL, base_answers, chat_sample, read_ways_to_ask, seed_everything, train, vary
from train_base import epochs, store

SEED = 11
STEPS, TOKEN_BUDGET, PEAK, DECAY = 260, 1024, 8e-4, 0.02


def main():
    began = time.monotonic()
    seed_everything(SEED)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(MODEL)
    model = LlamaForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    first_text = epochs(tokenizer)
    pairs = [(q, answer) for questions, answer in read_ways_to_ask(base_answers()) for q in questions]

    def epoch(generator):
        new = [chat_sample(tokenizer, [(vary(question, generator), answer)]) for question, answer in pairs]
        # Half of the first text with it, so that nothing learnt there is lost.
        old = first_text(generator)
        return new + generator.sample(old, len(old) // 2)

    train(model, epoch, STEPS, TOKEN_BUDGET, PEAK, DECAY, SEED, "wider base")
    store(model)
    print(f"wider base: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
