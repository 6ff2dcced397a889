package org.openlora.engine.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.openlora.kernels.Bf16;
import org.openlora.kernels.CpuFeatures;
import org.openlora.kernels.LinearKernel;
import org.openlora.kernels.PackedMatrix;

/// Dense layers by libtorch: `y[rows, outputs] = x[rows, inputs] · Wᵀ`, x rounded to bf16, y as bf16 widened to
/// float32.
///
/// Where the processor multiplies bf16, weights are in oneDNN's layout; elsewhere, which only happens when this
/// path is forced, the plain product runs, right but slow. Rows go through in blocks of [#BLOCK_ROWS], the last
/// one filled up with zeros: every call has one shape, so a row's result does not depend on how many rows there
/// are. One thread at a time.
public final class LibtorchKernel implements LinearKernel {
    /// Rows of a call: on the processors meant, 32 rows cost hardly more than one, because the weights' bytes do.
    static final int BLOCK_ROWS = 32;

    private static final int ALIGNMENT_BYTES = 64;

    private final Libtorch libtorch;
    private final Engine engine;
    private final String id;
    private MemorySegment input = MemorySegment.NULL;
    private MemorySegment output = MemorySegment.NULL;

    private sealed interface Engine {}

    private record Prepacked(Libtorch.PackedLinear linear) implements Engine {}

    private record Plain(Libtorch.MatrixProduct product) implements Engine {}

    private record Matrix(LibtorchKernel owner, long handle, int outputs, int inputs) implements PackedMatrix {
        @Override
        public long sizeBytes() {
            return (long) outputs * inputs * Bf16.BYTES;
        }
    }

    private LibtorchKernel(Libtorch libtorch, Engine engine, String id) {
        this.libtorch = libtorch;
        this.engine = engine;
        this.id = id;
    }

    static LibtorchKernel create(Libtorch libtorch, CpuFeatures processor) {
        if (!processor.multipliesBf16()) {
            return new LibtorchKernel(libtorch, new Plain(libtorch.matrixProduct()), "libtorch-mm-bf16");
        }
        String id = processor.amxBf16() ? "libtorch-amx-bf16" : "libtorch-avx512-bf16";
        return new LibtorchKernel(libtorch, new Prepacked(libtorch.packedLinear()), id);
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public PackedMatrix pack(Arena arena, MemorySegment bf16RowMajor, int outputs, int inputs) {
        long sizeBytes = (long) outputs * inputs * Bf16.BYTES;
        if (outputs < 1 || inputs < 1 || bf16RowMajor.byteSize() < sizeBytes) {
            throw new IllegalArgumentException("weights of %d bytes are not %d rows of %d bf16 numbers"
                    .formatted(bf16RowMajor.byteSize(), outputs, inputs));
        }
        long handle =
                switch (engine) {
                    case Prepacked prepacked -> packed(prepacked, bf16RowMajor, sizeBytes, outputs, inputs);
                    case Plain _ ->
                        // W as it lies, seen as [inputs, outputs]
                        libtorch.wrapBf16(
                                copied(arena, bf16RowMajor, sizeBytes),
                                new long[] {inputs, outputs},
                                new long[] {1, inputs});
                };
        freeWith(arena, handle);
        return new Matrix(this, handle, outputs, inputs);
    }

    private long packed(Prepacked prepacked, MemorySegment weights, long sizeBytes, int outputs, int inputs) {
        try (Arena scratch = Arena.ofConfined()) {
            long plain = libtorch.wrapBf16(
                    copied(scratch, weights, sizeBytes), new long[] {outputs, inputs}, new long[] {inputs, 1});
            return prepacked.linear().pack(plain, outputs, inputs);
        }
    }

    private static MemorySegment copied(Arena arena, MemorySegment weights, long sizeBytes) {
        return arena.allocate(sizeBytes, ALIGNMENT_BYTES).copyFrom(weights.asSlice(0, sizeBytes));
    }

    /// The tensor lives as long as the arena, as the interface has it.
    private void freeWith(Arena arena, long handle) {
        var _ = MemorySegment.ofAddress(handle).reinterpret(arena, segment -> libtorch.delete(segment.address()));
    }

    @Override
    public void multiply(PackedMatrix matrix, float[] x, int rows, float[] y) {
        if (!(matrix instanceof Matrix weights) || weights.owner() != this) {
            throw new IllegalArgumentException("the matrix was packed by another kernel than " + id);
        }
        int inputs = weights.inputs();
        int outputs = weights.outputs();
        if (rows < 0 || x.length < (long) rows * inputs || y.length < (long) rows * outputs) {
            throw new IllegalArgumentException("x of %d and y of %d floats do not hold %d rows of %d and %d"
                    .formatted(x.length, y.length, rows, inputs, outputs));
        }
        input = atLeast(input, BLOCK_ROWS * inputs);
        long block = libtorch.wrapBf16(input, new long[] {BLOCK_ROWS, inputs}, new long[] {inputs, 1});
        try {
            for (int start = 0; start < rows; start += BLOCK_ROWS) {
                int count = Math.min(BLOCK_ROWS, rows - start);
                Bf16.fromFloats(x, start * inputs, count * inputs, input, 0);
                input.asSlice((long) count * inputs * Bf16.BYTES, (long) (BLOCK_ROWS - count) * inputs * Bf16.BYTES)
                        .fill((byte) 0);
                multiplyBlock(block, weights, y, start * outputs, count * outputs);
            }
        } finally {
            libtorch.delete(block);
        }
    }

    private void multiplyBlock(long block, Matrix weights, float[] y, int start, int count) {
        long[] shape = {BLOCK_ROWS, weights.inputs(), weights.outputs()};
        long sizeBytes = (long) BLOCK_ROWS * weights.outputs() * Bf16.BYTES;
        switch (engine) {
            case Prepacked prepacked -> {
                long result = prepacked.linear().multiply(block, weights.handle(), shape);
                try {
                    Bf16.toFloats(libtorch.data(result, sizeBytes), 0, count, y, start);
                } finally {
                    libtorch.delete(result);
                }
            }
            case Plain plain -> {
                output = atLeast(output, BLOCK_ROWS * weights.outputs());
                long result = libtorch.wrapBf16(
                        output, new long[] {BLOCK_ROWS, weights.outputs()}, new long[] {weights.outputs(), 1});
                try {
                    plain.product().multiply(result, block, weights.handle(), shape);
                    Bf16.toFloats(output, 0, count, y, start);
                } finally {
                    libtorch.delete(result);
                }
            }
        }
    }

    private static MemorySegment atLeast(MemorySegment segment, int numbers) {
        long sizeBytes = (long) numbers * Bf16.BYTES;
        return segment.byteSize() >= sizeBytes ? segment : Arena.ofAuto().allocate(sizeBytes, ALIGNMENT_BYTES);
    }
}
