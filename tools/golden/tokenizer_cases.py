"""Strings that tokenizers get wrong, and the fixture made of them."""

LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"

PLAIN = [
    "", " ", "  ", "   ", "\n", "\n\n", "\n\n\n\n", "\t", "\t\t\n", "\r\n", " \n ", "a", " a", "a ", "  a  ",
    "Hello, world!", "Hello,world!", "hello HELLO HeLLo", "The quick brown fox jumps over the lazy dog.",
    "foo  12", "12", "1234567890", "3.14159", "1,234,567.89", "007 bond", "x1y2z3", "2024-02-29T23:59:60Z",
    "٣٤٥ ४५६", "½ Ⅷ ² 五", "v1.2.3-rc4", "I'm you're he'll we've they'd it's O'Neil don'T", "''s 's' 't", "rock'n'roll",
    "naïve café résumé", "nai\u0308ve cafe\u0301", "Ärger über Öl, groß & klein", LONG_WORD,
    "Привет, мир!", "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया",
    "日本語のテキスト、漢字かな交じり。", "한국어 문장입니다.", "你好，世界！", "ไทยไม่มีช่องว่าง",
    "🙂", "👩‍👩‍👧‍👦 family", "🇨🇭🇫🇷", "👍🏽👍🏿", "e\u0301\u0323\u0302", "Z͑ͫ̓a̴͘lgo", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 𠀀",
    "zero\u200bwidth\u200djoin\ufeff", "non\u00a0breaking\u2003em\u3000wide", "\u2028line\u2029paragraph",
    "ctrl\u0000\u0001\u001f\u007f",
    "def f(x):\n    return x**2  # done\n", "if (a != b) { c[i] += d->e; }", "\tindented\n\t\ttwice\n    four",
    "a/b\\c|d&e^f~g`h",
    "https://example.org/a?b=c&d=%20#e", "user.name+tag@example.co.uk", "$100 €50 £20 ¥3000", "!!!???...---___***",
    "trailing spaces   \nand   runs     inside", "<b>bold</b> &amp; <br/>", "{\"key\": [1, 2.5, null, true]}",
    "áéíóú ÁÉÍÓÚ ñ ß ø å æ œ ł ž", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "                                 x",
    "\ufffd\ufffe", "\U0010ffff",
    "a\u0004b\u0006c\u0013\u0014d\u0016\u001de", "x\U00050000y\U000a1234z",  # bytes that SmolLM2 has no token for
]


def with_special_tokens(start: str, end: str, other: str) -> list:
    """Special tokens inside ordinary text, and what only looks like one."""
    return [
        start, end, f"{start}user\nHi{end}\n", f"a{end}b", f" {end} ", f"{end}{end}{start}", f"x {other} y", other[:-1],
        f"{start[:-1]} {start[1:]}", f"12{end}34", start.upper(), f"\n{start}\n", f"é{other}é",
    ]


def fixture(tokenizer, special: list) -> dict:
    """ids without any token added around them; decoded keeps special tokens."""
    cases = []
    for text in PLAIN + special:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False)})
    return {"cases": cases}
