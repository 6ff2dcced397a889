"""gguf/: one small GGUF file with a tensor of every type we read, and what the gguf package dequantises it to."""

import hashlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

from common import FIXTURES, bf16_bits, write_json

ROWS, COLUMNS = 4, 512
OUT = FIXTURES / "gguf"

# Where each K type keeps its float16 scales inside a block of 256 values: byte offsets.
HALF_SCALES = {Type.Q4_K: (0, 2), Type.Q5_K: (0, 2), Type.Q6_K: (208,)}


def plain_values(random: np.random.Generator) -> np.ndarray:
    """Weights as networks have them, and in the first places values that rounding and packing get wrong easily."""
    values = random.standard_normal((ROWS, COLUMNS)).astype(np.float32) * np.float32(0.08)
    tie_even, tie_odd = np.array([0x3F808000, 0x3F818000], dtype=np.uint32).view(np.float32)
    values[0, :10] = [0.0, -0.0, tie_even, tie_odd, -tie_odd, 65504.0, -65504.0, 6.0e-8, -6.1e-5, 1.0 / 3.0]
    return values


def quantised_source(random: np.random.Generator) -> np.ndarray:
    values = random.standard_normal((ROWS, COLUMNS)).astype(np.float32) * np.float32(0.08)
    values[1, :32] = 0.0  # a block whose scale is zero
    values[2, :32] = np.abs(values[2, :32])  # a block with one sign only
    return values


def k_quant_blocks(random: np.random.Generator, kind: Type) -> np.ndarray:
    """Random blocks: any bit pattern is a valid block as long as its float16 scales are finite."""
    block_size, type_size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (ROWS * COLUMNS // block_size, type_size), dtype=np.uint8)
    for offset in HALF_SCALES[kind]:
        scales = (random.uniform(0.5, 2.0, len(blocks)) * 1e-3).astype(np.float16)
        scales[1] = -scales[1]
        scales[2] = 0.0
        scales[3] = np.float16(3.0e-6)  # subnormal in float16
        blocks[:, offset:offset + 2] = scales.view(np.uint8).reshape(-1, 2)
    return blocks.reshape(ROWS, COLUMNS // block_size * type_size)


def encoded(random: np.random.Generator, kind: Type) -> np.ndarray:
    if kind in HALF_SCALES:
        return k_quant_blocks(random, kind)
    if kind in (Type.F32, Type.F16, Type.BF16):
        values = plain_values(random)
        return values if kind == Type.F32 else gguf.quantize(values, kind)
    return gguf.quantize(quantised_source(random), kind)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    random = np.random.Generator(np.random.PCG64(20250))
    writer = gguf.GGUFWriter(OUT / "types.gguf", "llama")
    writer.add_name("one tensor of every type")
    tensors = []
    for kind in (Type.F32, Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q4_K, Type.Q5_K, Type.Q6_K):
        data = encoded(random, kind)
        name = "tensor." + kind.name.lower()
        writer.add_tensor(name, data, raw_dtype=None if kind in (Type.F32, Type.F16) else kind)
        expected = np.ascontiguousarray(gguf.dequantize(data, kind), dtype="<f4")
        if expected.shape != (ROWS, COLUMNS) or not np.isfinite(expected).all():
            raise SystemExit(f"{name}: bad reference of shape {expected.shape}")
        rounded = bf16_bits(expected).astype("<u2").tobytes()
        tensors.append({
            "name": name,
            "type": kind.name,
            "rows": ROWS,
            "columns": COLUMNS,
            "f32Sha256": hashlib.sha256(expected.tobytes()).hexdigest(),
            "bf16Sha256": hashlib.sha256(rounded).hexdigest(),
            "bf16Hex": rounded.hex(),
        })
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    write_json(OUT / "types.json", {"file": "types.gguf", "tensors": tensors}, indent=1)


if __name__ == "__main__":
    main()
