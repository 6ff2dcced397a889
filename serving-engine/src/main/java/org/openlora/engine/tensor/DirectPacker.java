package org.openlora.engine.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Function;
import org.openlora.kernels.LinearKernel;
import org.openlora.kernels.PackedMatrix;

/// Packs every matrix from its bf16 weights, which are let go of at once.
record DirectPacker() implements MatrixPacker {
    @Override
    public PackedMatrix pack(
            LinearKernel kernel,
            Arena arena,
            String name,
            int outputs,
            int inputs,
            Function<Arena, MemorySegment> bf16) {
        try (Arena reading = Arena.ofShared()) {
            return kernel.pack(arena, bf16.apply(reading), outputs, inputs);
        }
    }

    @Override
    public void finish() {}

    @Override
    public void close() {}
}
