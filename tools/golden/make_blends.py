"""tiny/blends.json.gz: the embedded model with several example adapters at once, each with a scale of its own, by PEFT.

The reference adapter is made by `add_weighted_adapter(..., combination_type="cat")`: the ranks of all parts side by side,
which is their weighted sum without any approximation.
"""

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM, logging

from common import round_parameters_to_bf16, use_deterministic_torch, write_json
from make_tiny import EXAMPLES, MODEL, OUT, measure, prompts

PPM = 1_000_000
PROMPTS = ("chat-0", "chat-3", "raw-sentence", "raw-digits")
BLENDS = {
    "halves": {"harbour-keeper": 500_000, "village-baker": 500_000},
    "against": {"stargazer": 1_000_000, "moon-gardener": -400_000},
    "beyond": {"moon-gardener": 1_300_000, "village-baker": -250_000},
    "three": {"harbour-keeper": 600_000, "moon-gardener": 350_000, "stargazer": 200_000},
    "faint": {"village-baker": 250_000},
}


def main() -> None:
    use_deterministic_torch()
    logging.disable_progress_bar()
    listed = [prompt for prompt in prompts() if prompt["name"] in PROMPTS]
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32, attn_implementation="eager")
    for name in sorted({name for parts in BLENDS.values() for name in parts}):
        folder = EXAMPLES / "adapters" / name
        if isinstance(model, PeftModel):
            model.load_adapter(folder, adapter_name=name)
        else:
            model = PeftModel.from_pretrained(model, folder, adapter_name=name)
    round_parameters_to_bf16(model)
    model.eval()

    blends = []
    for blend, parts in BLENDS.items():
        model.add_weighted_adapter(list(parts), [ppm / PPM for ppm in parts.values()], blend, combination_type="cat")
        for module in model.modules():
            # PEFT copies the first part's rsLoRA into the sum and would scale what is scaled already.
            if isinstance(module, LoraLayer):
                module.scaling[blend] = 1.0
        model.set_adapter(blend)
        blends.append({"name": blend, "parts": [{"adapter": name, "scalePpm": ppm} for name, ppm in parts.items()],
                       "results": measure(model, blend, listed)})
    write_json(OUT / "blends.json.gz", {"base": MODEL.name, "blends": blends})


if __name__ == "__main__":
    main()
