package org.openlora.engine.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.function.Supplier;
import org.openlora.adapters.Digest;
import org.openlora.kernels.Int8PanelKernel;
import org.openlora.kernels.LinearKernel;
import org.openlora.kernels.PackedMatrix;

/// Brings a base's matrices into the layout of the kernel that multiplies them, while the base is loaded.
public sealed interface MatrixPacker extends AutoCloseable permits DirectPacker, CachingPacker {
    /// Packs every matrix anew.
    static MatrixPacker direct() {
        return new DirectPacker();
    }

    /// What suits the kernel: quantised matrices are kept on disk, by base and kernel; others are packed anew.
    ///
    /// @param base the base's digest, asked for only where it is needed
    /// @param home `OPENLORA_HOME`
    static MatrixPacker of(LinearKernel linear, Supplier<Digest> base, Path home) {
        return linear instanceof Int8PanelKernel int8
                ? new CachingPacker(home.resolve("weights"), base.get(), int8)
                : direct();
    }

    /// The matrix for the kernel.
    ///
    /// @param arena owns its memory
    /// @param name unique among the base's matrices, the same at every start
    /// @param bf16 gives `[outputs, inputs]` row-major, in memory of the arena that it gets; called at most once
    PackedMatrix pack(
            LinearKernel kernel,
            Arena arena,
            String name,
            int outputs,
            int inputs,
            Function<Arena, MemorySegment> bf16);

    /// To be called when all matrices of the base are packed; what is kept for the next start is written here.
    void finish();

    /// Lets go of files. Matrices stay as they are.
    @Override
    void close();
}
