package org.openlora.adapters.peft;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.safetensors.TensorInfo;
import org.openlora.adapters.safetensors.TensorValues;
import org.openlora.kernels.Bf16;

/// Copies of the base's own weights in an adapter's files. PEFT saves them beside an adapted head or embedding and
/// puts them in the place of the base's when it loads: without effect where they are the same, a change of the whole
/// matrix where they are not.
final class BaseCopies {
    private static final int CHUNK_ELEMENTS = 1 << 16;

    private BaseCopies() {}

    /// Throws [AdapterException] where the copy, rounded to bf16, is not the served weight.
    static void check(BaseWeights base, PeftModule module, TensorInfo tensor, MemorySegment stored) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment served = base.weight(module.path(), arena);
            MemorySegment copy = arena.allocate((long) CHUNK_ELEMENTS * Bf16.BYTES, Bf16.BYTES);
            int elementBytes = tensor.dtype().elementBytes();
            for (long from = 0; from < tensor.elements(); from += CHUNK_ELEMENTS) {
                long count = Math.min(CHUNK_ELEMENTS, tensor.elements() - from);
                MemorySegment chunk = copy.asSlice(0, count * Bf16.BYTES);
                TensorValues.toBf16(
                        tensor.dtype(), stored.asSlice(from * elementBytes, count * elementBytes), chunk);
                long mismatch = chunk.mismatch(served.asSlice(from * Bf16.BYTES, count * Bf16.BYTES));
                if (mismatch >= 0) {
                    throw new AdapterException(
                            Code.UNSUPPORTED,
                            "tensor " + OneLine.quote(tensor.name()) + " of shape " + tensor.shape()
                                    + " differs from the served base at element " + (from + mismatch / Bf16.BYTES)
                                    + ", which would change all of " + module.path()
                                    + "; allowed: the base's own weight, or none (save_embedding_layers=False)");
                }
            }
        }
    }
}
