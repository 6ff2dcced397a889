"""Four PEFT adapters whose weights come from a formula, so that Java can make the same files bit for bit.

Element i of tensor N of adapter A, row-major:
    seed  = first 8 bytes, little-endian, of SHA-256(utf8(A + "/" + N))
    z     = seed + i * 0x9E3779B97F4A7C15                     (64 bits, wrapping)
    z     = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9
    z     = (z ^ z >>> 27) * 0x94D049BB133111EB
    h     = z ^ z >>> 31                                      (splitmix64's mixer)
    u     = (h >>> 40) * 2^-23 - 1                            (exact in float32, -1 <= u < 1)
    value = bf16(float32(u * scale))                          (both round to nearest, ties to even)
and is stored as the adapter's dtype: BF16 or F32 exactly, F16 rounded once more where it is subnormal there.
"""

import hashlib
import json
import re
import struct
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from common import bf16_bits, bf16_round, write_bytes

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
FEED_FORWARD = ["gate_proj", "up_proj", "down_proj"]


@dataclass(frozen=True)
class GoldenAdapter:
    name: str
    dtype: str  # as safetensors names it
    scale_a: float
    scale_b: float
    config: dict  # what PEFT's LoraConfig is given; patterns in the order in which the file lists them
    summary: str = field(default="")


ADAPTERS = [
    GoldenAdapter("qv-r8", "BF16", 0.06, 0.06, dict(
        r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]),
        "rank 8 on q and v"),
    GoldenAdapter("all-linear-rslora-r16", "BF16", 0.04, 0.02, dict(
        r=16, lora_alpha=8, use_rslora=True, target_modules=ATTENTION + FEED_FORWARD),
        "rank 16, rsLoRA, all seven linear layers"),
    GoldenAdapter("patterns-r4", "F32", 0.07, 0.07, dict(
        r=4, lora_alpha=8, target_modules=ATTENTION,
        # Keys overlap, and the first in the file wins. Sorted by key they would give other ranks: every q_proj of
        # the layers 20 to 29 matches both the first and the second key.
        rank_pattern={"q_proj": 8, r"layers\.2[0-9]\.self_attn\..*_proj": 3, r"layers\.[0-9]\.self_attn\.v_proj": 6,
                      "v_proj": 2},
        alpha_pattern={r"self_attn\.(k|o)_proj": 5, r"layers\.1[0-9]\.self_attn\.(q|k)_proj": 24,
                       "0.self_attn.q_proj": 2}),
        "rank 4 on q, k, v and o with overlapping rank and alpha patterns"),
    GoldenAdapter("mlp-layers-r32", "F16", 0.04, 0.03, dict(
        r=32, lora_alpha=48, target_modules=FEED_FORWARD, layers_to_transform=[3, 4, 5, 11, 17, 18, 23, 28]),
        "rank 32 on gate, up and down of eight layers"),
]

GAMMA = np.uint64(0x9E3779B97F4A7C15)


def formula(adapter: str, tensor: str, count: int, scale: float) -> np.ndarray:
    """The tensor's values as float32 that bfloat16 holds exactly."""
    seed = np.uint64(int.from_bytes(hashlib.sha256(f"{adapter}/{tensor}".encode()).digest()[:8], "little"))
    with np.errstate(over="ignore"):
        z = seed + np.arange(count, dtype=np.uint64) * GAMMA
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    high = (z ^ (z >> np.uint64(31))) >> np.uint64(40)
    unit = high.astype(np.float32) * np.float32(2.0 ** -23) - np.float32(1.0)
    return bf16_round(unit * np.float32(scale))


def encode(values: np.ndarray, dtype: str) -> bytes:
    if dtype == "BF16":
        return bf16_bits(values).astype("<u2").tobytes()
    return values.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def pattern_value(pattern: dict, module: str, default):
    """PEFT's rule: the first key K in file order for which (.*\\.)?(K)$ matches the module's name."""
    return next((value for key, value in pattern.items() if re.match(rf"(.*\.)?({key})$", module)), default)


def modules(adapter: GoldenAdapter, shapes: dict) -> list:
    """The modules the adapter changes: [{"name", "in", "out", "rank"}], layer by layer."""
    layers = adapter.config.get("layers_to_transform")
    chosen = []
    for name, (out_features, in_features) in shapes.items():
        layer = int(re.fullmatch(r"model\.layers\.(\d+)\..*", name)[1])
        if name.rsplit(".", 1)[1] in adapter.config["target_modules"] and (layers is None or layer in layers):
            rank = pattern_value(adapter.config.get("rank_pattern", {}), name, adapter.config["r"])
            chosen.append({"name": name, "in": in_features, "out": out_features, "rank": rank})
    return chosen


def safetensors_bytes(tensors: dict) -> bytes:
    """name -> (dtype, shape, bytes), laid out by name; the header padded with spaces to a multiple of eight."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name in sorted(tensors):
        dtype, shape, data = tensors[name]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(tensors[name][2] for name in sorted(tensors))


def weights(adapter: GoldenAdapter, shapes: dict) -> bytes:
    tensors = {}
    for module in modules(adapter, shapes):
        for part, shape, scale in (("lora_A", [module["rank"], module["in"]], adapter.scale_a),
                                   ("lora_B", [module["out"], module["rank"]], adapter.scale_b)):
            name = f"base_model.model.{module['name']}.{part}.weight"
            values = formula(adapter.name, name, shape[0] * shape[1], scale)
            tensors[name] = (adapter.dtype, shape, encode(values, adapter.dtype))
    return safetensors_bytes(tensors)


def config_text(adapter: GoldenAdapter, base_name: str) -> str:
    """adapter_config.json as PEFT writes it, but lists in order and patterns in our order (PEFT would sort both)."""
    from peft import LoraConfig

    with tempfile.TemporaryDirectory() as folder:
        LoraConfig(**adapter.config, task_type="CAUSAL_LM", inference_mode=True,
                   base_model_name_or_path=base_name).save_pretrained(folder)
        written = json.loads((Path(folder) / "adapter_config.json").read_text())
    written["target_modules"] = sorted(written["target_modules"])
    for pattern in ("rank_pattern", "alpha_pattern"):
        written[pattern] = adapter.config.get(pattern, {})
    return json.dumps(written, indent=2) + "\n"


def write_adapter(adapter: GoldenAdapter, shapes: dict, base_name: str, folder: Path) -> None:
    write_bytes(folder / "adapter_config.json", config_text(adapter, base_name).encode())
    write_bytes(folder / "adapter_model.safetensors", weights(adapter, shapes))
