package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;
import org.openlora.kernels.x86.Address;
import org.openlora.kernels.x86.Assembler;
import org.openlora.kernels.x86.MachineCode;
import org.openlora.kernels.x86.Register;

/// The inner loops of [DotKernel]: up to [#ROWS] rows of bf16 inputs times one panel of a [DotMatrix], by the
/// instruction that multiplies pairs of bf16 numbers.
///
/// **Formula.** For each row `r` and output `j` of the panel, over ascending pairs `p` of inputs:
/// `y[r][j] = (y[r][j] + x[r][2p + 1] · w[j][2p + 1]) + x[r][2p] · w[j][2p]`, each sum rounded to binary32, from zero
/// on. Products of bf16 numbers are exact. That order is the same for any number of rows.
///
/// **Shape.** A tile of 8 rows × 32 outputs has 16 accumulators, enough to hide the instruction's latency, and passes
/// over all inputs at once, so sums stay in registers. Two vectors of weights serve all rows; each input is a broadcast
/// of a pair. The weights of a product are one ascending stream, asked for [#AHEAD_BYTES] before they are needed.
final class DotTiles {
    /// Most rows of a tile.
    static final int ROWS = 8;
    /// Bytes of the weights of a pair of inputs.
    static final int STEP_BYTES = 128;

    private static final int VECTOR_BYTES = 64;
    private static final int VECTORS = STEP_BYTES / VECTOR_BYTES;
    private static final int PAIR_BYTES = 2 * Bf16.BYTES;
    private static final int AHEAD_BYTES = 3 << 10;
    private static final int ALIGNMENT_BYTES = 64;

    /// `void tile(w, x, xStrideBytes, pairs, y, yOffsetBytes, yStrideBytes)`
    private static final MethodHandle CALL = MachineCode.caller(
            FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG));

    /// The one of this process, since code is never given back; null as long as nobody has asked for it.
    private static @Nullable DotTiles ofProcess;

    private final MemorySegment[] tiles; // by rows

    private DotTiles(MemorySegment[] tiles) {
        this.tiles = tiles;
    }

    /// Makes the code, once for the process.
    ///
    /// @throws UnsupportedOperationException where no machine code can be had; whether the processor has the
    ///     instruction is for the caller to know
    static synchronized DotTiles ofProcess() {
        DotTiles made = ofProcess;
        if (made == null) {
            made = create();
            ofProcess = made;
        }
        return made;
    }

    private static DotTiles create() {
        Assembler assembler = new Assembler();
        int[] starts = new int[ROWS + 1];
        for (int rows = 1; rows <= ROWS; rows++) {
            assembler.align(ALIGNMENT_BYTES);
            starts[rows] = assembler.position();
            tile(assembler, rows);
        }
        MemorySegment code = MachineCode.map(assembler.code())
                .orElseThrow(() -> new UnsupportedOperationException("no machine code on this system"));
        MemorySegment[] tiles = new MemorySegment[ROWS + 1];
        for (int rows = 1; rows <= ROWS; rows++) {
            tiles[rows] = MemorySegment.ofAddress(code.address() + starts[rows]);
        }
        return new DotTiles(tiles);
    }

    /// `y[r] = x[r] · panel` for `rows` rows.
    ///
    /// @param w address of the panel
    /// @param x address of the first row's inputs; rows are `xStrideBytes` apart
    /// @param pairs pairs of inputs, at least one
    /// @param y 32 floats of each row, the first at byte `yAt`, `yStrideBytes` apart, are overwritten
    void multiply(
            long w, long x, long xStrideBytes, long pairs, int rows, MemorySegment y, long yAt, long yStrideBytes) {
        try {
            CALL.invokeExact(tiles[rows], w, x, xStrideBytes, pairs, y, yAt, yStrideBytes);
        } catch (Throwable e) {
            throw new AssertionError("a tile threw", e);
        }
    }

    private static void tile(Assembler code, int rows) {
        // As C functions of Unixes on x86-64 get their arguments; the last one is on the stack.
        Register w = Register.RDI;
        Register x = Register.RSI;
        Register xStride = Register.RDX;
        Register pairs = Register.RCX;
        Register y = Register.R8;
        Register yOffset = Register.R9;
        Address yStrideArgument = Address.of(Register.RSP).plus(Long.BYTES);
        Register yStride = Register.R9;
        Register x3 = Register.RAX;
        Register x6 = Register.R10;
        // Rows 0 to 7 from three places, since an index is scaled by 1, 2, 4 or 8 alone.
        Address[] inputs = {
            Address.of(x),
            Address.of(x, xStride, 1),
            Address.of(x, xStride, 2),
            Address.of(x3),
            Address.of(x, xStride, 4),
            Address.of(x3, xStride, 2),
            Address.of(x6),
            Address.of(x3, xStride, 4)
        };
        code.loadAddress(x3, Address.of(x, xStride, 2));
        code.add(x3, xStride);
        code.loadAddress(x6, Address.of(x3, xStride, 2));
        code.add(x6, xStride);
        code.add(y, yOffset);
        code.load(yStride, yStrideArgument);
        for (int sum = 0; sum < rows * VECTORS; sum++) {
            code.zero(sum);
        }
        int weights = ROWS * VECTORS;
        int input = weights + VECTORS;

        code.align(ALIGNMENT_BYTES);
        int loop = code.position();
        for (int v = 0; v < VECTORS; v++) {
            code.load(weights + v, Address.of(w).plus(v * VECTOR_BYTES));
            code.prefetch(Address.of(w).plus(AHEAD_BYTES + v * VECTOR_BYTES));
        }
        for (int row = 0; row < rows; row++) {
            // Registers in turn, so that one broadcast need not wait for the products of another.
            int pair = input + row % 4;
            code.broadcast(pair, inputs[row]);
            for (int v = 0; v < VECTORS; v++) {
                code.dotBf16(row * VECTORS + v, weights + v, pair);
            }
        }
        code.add(w, STEP_BYTES);
        code.add(x, PAIR_BYTES);
        code.add(x3, PAIR_BYTES);
        code.add(x6, PAIR_BYTES);
        code.decrement(pairs);
        code.jumpIfNotZero(loop);

        for (int row = 0; row < rows; row++) {
            for (int v = 0; v < VECTORS; v++) {
                code.store(Address.of(y).plus(v * VECTOR_BYTES), row * VECTORS + v);
            }
            code.add(y, yStride);
        }
        code.endVectors();
        code.ret();
    }
}
