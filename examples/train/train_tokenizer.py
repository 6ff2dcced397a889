"""Trains the byte-level BPE tokenizer of openlora-tiny on the base text and writes its files."""

import json

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from common import (CHAT_TEMPLATE, END_OF_TEXT, IM_END, IM_START, MODEL, TEXTS, read_blocks, read_paragraphs,
                    write_text)

VOCABULARY = 1792


def base_lines():
    lines = []
    for path in sorted(TEXTS.glob("*.txt")):
        if path.name == "paragraphs.txt":
            lines += read_paragraphs(path)
        else:
            for questions, answer in read_blocks(path):
                lines += questions + [answer]
    return lines + ["system", "user", "assistant", "You are a helpful assistant."]


def main():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, min_frequency=2, show_progress=False,
        special_tokens=[END_OF_TEXT, IM_START, IM_END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(base_lines(), trainer)
    if tokenizer.get_vocab_size() != VOCABULARY:
        raise SystemExit(f"the text gives only {tokenizer.get_vocab_size()} of {VOCABULARY} tokens: add text")
    write_text(MODEL / "tokenizer.json", tokenizer.to_str(pretty=True) + "\n")
    write_text(MODEL / "tokenizer_config.json", json.dumps({
        "add_bos_token": False,
        "add_prefix_space": False,
        "bos_token": END_OF_TEXT,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": IM_END,
        "model_max_length": 1024,
        "pad_token": END_OF_TEXT,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": None,
    }, indent=2) + "\n")
    print(f"tokenizer: {VOCABULARY} tokens")


if __name__ == "__main__":
    main()
