"""What every generator shares: where fixtures go, how numbers are rounded and written, greedy decoding."""

import gzip
import hashlib
import json
import os
import struct
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
FIXTURES = REPOSITORY / "serving-engine" / "src" / "test" / "resources" / "golden"

NEAR_TIE_MARGIN = 0.15
"""A greedy step whose two best reference logits are at most this far apart decides nothing."""


def bf16_bits(values: np.ndarray) -> np.ndarray:
    """float32 -> bfloat16 bit patterns (uint16), round to nearest, ties to even. Finite input only."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    return ((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)).astype(np.uint16)


def bf16_round(values: np.ndarray) -> np.ndarray:
    """float32 -> the float32 that bfloat16 can hold."""
    return (bf16_bits(values).astype(np.uint32) << np.uint32(16)).view(np.float32)


def round_parameters_to_bf16(module, names=lambda name: True) -> None:
    """Rounds the module's parameters in place to what bfloat16 holds; they stay float32 tensors."""
    import torch

    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if names(name):
                parameter.copy_(parameter.to(torch.bfloat16).to(parameter.dtype))


def significant(values, digits: int) -> list:
    """Floats with so many significant decimal digits, as short as JSON can say them."""
    return [float(f"{float(value):.{digits}g}") for value in values]


def write_bytes(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def write_json(path: Path, value, indent=None) -> None:
    """Writes JSON in ASCII, so that no tool normalises the text; a path that ends in .gz is compressed, undated."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, indent=indent, separators=separators, allow_nan=False) + "\n"
    data = text.encode("utf-8")
    if path.suffix == ".gz":
        data = gzip.compress(data, compresslevel=9, mtime=0)
    write_bytes(path, data)


def greedy(model, prompt_ids: list, steps: int, use_cache: bool) -> tuple:
    """Prompt logits [tokens, vocab], the greedy ids, and per step the gap between the two best logits.

    An end-of-sequence token is a token like any other here: decoding always takes all the steps.
    """
    import torch

    with torch.no_grad():
        ids = torch.tensor([prompt_ids])
        output = model(input_ids=ids, use_cache=use_cache)
        prompt_logits = output.logits[0].float().numpy()
        generated, margins = [], []
        logits = output.logits[0, -1].float()
        for step in range(steps):
            best = torch.topk(logits, 2)
            generated.append(int(best.indices[0]))
            margins.append(float(f"{float(best.values[0] - best.values[1]):.5g}"))
            if step + 1 == steps:
                break
            if use_cache:
                output = model(
                    input_ids=torch.tensor([[generated[-1]]]), past_key_values=output.past_key_values, use_cache=True)
            else:
                output = model(input_ids=torch.tensor([prompt_ids + generated]), use_cache=False)
            logits = output.logits[0, -1].float()
    return prompt_logits, generated, margins


def greedy_batch(model, prompts: list, steps: int) -> list:
    """`greedy` for several prompts in one left-padded batch: [(last prompt position's logits, ids, margins)]."""
    import torch

    longest = max(len(ids) for ids in prompts)
    mask = torch.tensor([[0] * (longest - len(ids)) + [1] * len(ids) for ids in prompts])
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    generated, margins = [[] for _ in prompts], [[] for _ in prompts]
    with torch.no_grad():
        output = model(input_ids=torch.tensor([[0] * (longest - len(ids)) + ids for ids in prompts]),
                       attention_mask=mask, position_ids=positions, use_cache=True, logits_to_keep=1)
        first = output.logits[:, -1].float().numpy()
        for step in range(steps):
            best = torch.topk(output.logits[:, -1].float(), 2)
            for row in range(len(prompts)):
                generated[row].append(int(best.indices[row, 0]))
                margins[row].append(float(f"{float(best.values[row, 0] - best.values[row, 1]):.5g}"))
            if step + 1 < steps:
                mask = torch.cat([mask, torch.ones(len(prompts), 1, dtype=mask.dtype)], 1)
                positions = positions[:, -1:] + 1
                output = model(input_ids=best.indices[:, :1], attention_mask=mask, position_ids=positions,
                               past_key_values=output.past_key_values, use_cache=True)
    return list(zip(first, generated, margins))


def use_deterministic_torch() -> None:
    """Two threads and no reduced-precision shortcuts, so that runs agree to the last digits that fixtures keep."""
    import torch

    torch.set_num_threads(2)
    torch.manual_seed(0)


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as source:
        for block in iter(lambda: source.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def length_prefixed(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + data


def adapter_digest(folder: Path) -> str:
    """The adapter's identity as docs/formats.md defines it, computed independently of the Java code."""
    import rfc8785

    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    targets = config["target_modules"]
    layers = config.get("layers_to_transform")
    effective = {
        "alpha_pattern": [[key, value] for key, value in (config.get("alpha_pattern") or {}).items()],
        "layers_pattern": config.get("layers_pattern"),
        "layers_to_transform": [layers] if isinstance(layers, int) else None if layers is None else sorted(layers),
        "lora_alpha": config["lora_alpha"],
        "r": config["r"],
        "rank_pattern": [[key, value] for key, value in (config.get("rank_pattern") or {}).items()],
        "target_modules": targets if isinstance(targets, str) else sorted(targets),
        "use_dora": bool(config.get("use_dora")),
        "use_rslora": bool(config.get("use_rslora")),
    }
    if config.get("modules_to_save"):
        effective["modules_to_save"] = sorted(set(config["modules_to_save"]))
    tensors = read_safetensors(folder / "adapter_model.safetensors")
    digest = hashlib.sha256()
    digest.update(length_prefixed(b"openlora/adapter/v1"))
    digest.update(length_prefixed(rfc8785.dumps(effective)))
    digest.update(struct.pack("<Q", len(tensors)))
    for name in sorted(tensors, key=lambda name: name.encode("utf-8")):
        dtype, shape, data = tensors[name]
        digest.update(length_prefixed(name.encode("utf-8")))
        digest.update(length_prefixed(dtype.encode("utf-8")))
        digest.update(length_prefixed(b"".join(struct.pack("<Q", size) for size in shape)))
        digest.update(length_prefixed(data))
    return "sha256:" + digest.hexdigest()


def read_safetensors(path: Path) -> dict:
    """name -> (dtype, shape, raw bytes)."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            tensors[name] = (entry["dtype"], entry["shape"], data[8 + length + start:8 + length + end])
    return tensors
