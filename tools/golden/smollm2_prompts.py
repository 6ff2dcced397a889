"""The prompts of the SmolLM2 fixtures: each kind of text once."""

LONG = """The lighthouse at the northern end of the island was built in 1871, after three ships had been lost on the reef \
within a single winter. Its keeper, a patient man called Anders Holm, wrote a diary in which he noted the \
weather, the vessels that passed, and the small repairs that filled his days. For the first ten years the lamp \
burned rapeseed oil; later it was changed to paraffin, which was cheaper and gave a whiter light. The lens, made \
of forty-two pieces of cut glass, turned on a bath of mercury and was driven by a weight that sank slowly \
through the middle of the tower. Every four hours somebody had to climb the one hundred and twelve steps and \
wind it up again.

In 1903 a storm broke the windows of the lantern room. Holm, by then nearly seventy, kept the light burning for \
two nights behind a sail that he had nailed to the frame, and turned the lens by hand because the clockwork had \
stopped. Eleven fishing boats found their way home. The harbour office sent him a silver watch and a letter of \
thanks, both of which can be seen today in the small museum beside the ferry landing.

The light was made automatic in 1964. No keeper has lived in the tower since, but the house at its foot is let \
to visitors in summer, and the steps are still climbed once a year by the children of the island's school, who \
count them aloud.

A short summary of the text above:"""

CODE = '''def merge_sorted(left, right):
    """Return one sorted list made of two sorted lists."""
    result = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            result.append(left[i])
'''


def user(text: str) -> list:
    return [{"role": "user", "content": text}]


# Chat prompts go through the model's own template with the generation prompt; raw ones are the text as it stands.
PROMPTS = [
    {"name": "chat-question", "messages": user("What is a LoRA adapter?")},
    {"name": "chat-system", "messages": [
        {"role": "system", "content": "You are a careful science teacher. Answer in two sentences."},
        {"role": "user", "content": "Why is the sky blue?"}]},
    {"name": "chat-turns", "messages": [
        {"role": "user", "content": "Name a river in Europe."},
        {"role": "assistant", "content": "The Danube."},
        {"role": "user", "content": "Which countries does it flow through?"}]},
    {"name": "chat-unicode", "messages": user(
        "Translate into English: « Où est la bibliothèque ? » 🙂 — naïve, Zürich, 東京.")},
    {"name": "chat-multiline", "messages": user(
        "Rewrite this note politely:\n\n  bring the keys back,\n  you forgot them AGAIN!!\n\nKeep it short.")},
    {"name": "raw-code", "text": CODE},
    {"name": "raw-digits", "text": "foo  12  bar  345\nfoo  13  bar  346\nfoo  14  bar"},
    {"name": "raw-list",
     "text": "Things to pack for a week in the mountains:\n1. A warm jacket\n2. Two pairs of socks\n3."},
    {"name": "raw-plain", "text": "The printing press changed Europe because"},
    {"name": "raw-long", "text": LONG},
]
