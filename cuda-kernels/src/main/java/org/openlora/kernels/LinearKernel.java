package org.openlora.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Dense layers: `y = x · Wᵀ` with bf16 weights and f32 activations.
///
/// An implementation is batch-invariant: the bits of a row of `y` depend on that row of `x` and on `W` alone.
public interface LinearKernel {
    /// Name of the numeric path, such as `panel-bf16-256`.
    String id();

    /// How the adapters must lie in memory that are served beside this kernel. The path's name stands for both.
    default LoraLayout loraLayout() {
        return LoraLayout.RANK_ROWS;
    }

    /// Copies weights into this kernel's own layout.
    ///
    /// @param arena owns the copy
    /// @param bf16RowMajor `[outputs, inputs]` bf16, little-endian; read only
    /// @throws IllegalArgumentException if the segment is too small for the shape or the shape is not positive
    PackedMatrix pack(Arena arena, MemorySegment bf16RowMajor, int outputs, int inputs);

    /// Computes `y[rows, outputs] = x[rows, inputs] · Wᵀ`; overwrites the first `rows × outputs` floats of `y`.
    ///
    /// @throws IllegalArgumentException if an array is too short or another kernel packed the matrix
    void multiply(PackedMatrix matrix, float[] x, int rows, float[] y);
}
