"""The tokenizer inside a GGUF file whose pre-tokenizer is `smollm`, as Hugging Face `tokenizers` runs it."""

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

NORMAL, CONTROL, USER_DEFINED = 1, 3, 4


def smollm_tokenizer(tokens: list, token_types: list, merges: list) -> Tokenizer:
    """Digits one by one first, then GPT-2's byte-level splitting; Transformers' own GGUF import forgets the former.

    A byte that has no token disappears: the model has no unknown token and no byte fallback.
    """
    vocabulary = {token: index for index, token in enumerate(tokens)}
    if len(vocabulary) != len(tokens):
        raise SystemExit("two tokens of the vocabulary are spelt alike")
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[tuple(merge.split(" ")) for merge in merges]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([
        AddedToken(token, special=True, normalized=False)
        for token, kind in zip(tokens, token_types) if kind in (CONTROL, USER_DEFINED)
    ])
    return tokenizer
