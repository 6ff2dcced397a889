package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import org.openlora.kernels.x86.Address;
import org.openlora.kernels.x86.Assembler;
import org.openlora.kernels.x86.MachineCode;
import org.openlora.kernels.x86.Register;

/// The tiles of few rows of [Int8Tiles] in machine code of AVX-512, bit for bit: a block of an [Int8PanelMatrix]
/// times one to [#ROWS] rows.
///
/// What the Vector API makes of `bytes → integers → floats` takes as long as the memory needs for two blocks; these
/// instructions take half as long as it needs for one. So here one row waits for memory and for nothing else.
final class Int8Code {
    /// Most rows of a tile.
    static final int ROWS = 4;

    private static final int LANES = 16;
    private static final int VECTORS = 4;
    private static final int VECTOR_BYTES = 64;
    private static final int PANEL = VECTORS * LANES;
    private static final int AHEAD_BYTES = 2 << 10;
    private static final int ALIGNMENT_BYTES = 64;
    /// The registers behind the sums of all rows.
    private static final int WEIGHTS = ROWS * VECTORS;
    private static final int INPUT = WEIGHTS + VECTORS;

    /// `void tile(block, depth, x, xByte, xStrideBytes, y, yByte, yStrideBytes)`
    private static final MethodHandle CALL = MachineCode.caller(FunctionDescriptor.ofVoid(
            JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG));

    private final MemorySegment[] tiles; // by rows

    private Int8Code(MemorySegment[] tiles) {
        this.tiles = tiles;
    }

    /// The code, made once for the process; empty where the vectors of the layout are not those of AVX-512, or no
    /// machine code can be had.
    static Optional<Int8Code> ofProcess() {
        return OfProcess.CODE;
    }

    /// Made when first asked for, since code is never given back.
    private static final class OfProcess {
        static final Optional<Int8Code> CODE =
                Lanes.COUNT == LANES && CpuFeatures.detect().avx512f() ? create() : Optional.empty();
    }

    private static Optional<Int8Code> create() {
        Assembler assembler = new Assembler();
        int[] starts = new int[ROWS + 1];
        for (int rows = 1; rows <= ROWS; rows++) {
            assembler.align(ALIGNMENT_BYTES);
            starts[rows] = assembler.position();
            tile(assembler, rows);
        }
        return MachineCode.map(assembler.code()).map(code -> {
            MemorySegment[] tiles = new MemorySegment[ROWS + 1];
            for (int rows = 1; rows <= ROWS; rows++) {
                tiles[rows] = MemorySegment.ofAddress(code.address() + starts[rows]);
            }
            return new Int8Code(tiles);
        });
    }

    /// `rows` rows times one block: [Int8Tiles]' formula.
    ///
    /// @param block address of the block's scales
    /// @param depth inputs of the block, at least one
    /// @param xAt where the first row's inputs begin in `x`; rows are `xStride` floats apart
    /// @param yAt where the first row's outputs begin in `y`; rows are `yStride` floats apart
    void multiply(int rows, long block, int depth, float[] x, int xAt, int xStride, float[] y, int yAt, int yStride) {
        try {
            CALL.invokeExact(
                    tiles[rows],
                    block,
                    (long) depth,
                    MemorySegment.ofArray(x),
                    (long) xAt * Float.BYTES,
                    (long) xStride * Float.BYTES,
                    MemorySegment.ofArray(y),
                    (long) yAt * Float.BYTES,
                    (long) yStride * Float.BYTES);
        } catch (Throwable e) {
            throw new AssertionError("a tile threw", e);
        }
    }

    private static void tile(Assembler code, int rows) {
        // As C functions of Unixes on x86-64 get their arguments; the last two are on the stack.
        Register scales = Register.RDI;
        Register depth = Register.RSI;
        Register x = Register.RDX;
        Register xByte = Register.RCX;
        Register xStride = Register.R8;
        Register y = Register.R9;
        Register x3 = Register.RAX;
        Register bytes = Register.R10;
        Register yStride = Register.R11;
        Address[] inputs = {
            Address.of(x), Address.of(x, xStride, 1), Address.of(x, xStride, 2), Address.of(x3),
        };
        code.add(x, xByte);
        code.loadAddress(x3, Address.of(x, xStride, 2));
        code.add(x3, xStride);
        code.loadAddress(bytes, Address.of(scales).plus(Int8PanelMatrix.SCALES_BYTES));
        code.add(y, Address.of(Register.RSP).plus(Long.BYTES));
        code.load(yStride, Address.of(Register.RSP).plus(2 * Long.BYTES));
        for (int sum = 0; sum < rows * VECTORS; sum++) {
            code.zero(sum);
        }

        code.align(ALIGNMENT_BYTES);
        int loop = code.position();
        for (int v = 0; v < VECTORS; v++) {
            code.loadBytes(WEIGHTS + v, Address.of(bytes).plus(v * LANES));
            code.integersToFloats(WEIGHTS + v, WEIGHTS + v);
        }
        code.prefetch(Address.of(bytes).plus(AHEAD_BYTES));
        for (int row = 0; row < rows; row++) {
            code.broadcast(INPUT + row, inputs[row]);
            for (int v = 0; v < VECTORS; v++) {
                code.multiplyAdd(row * VECTORS + v, WEIGHTS + v, INPUT + row);
            }
        }
        code.add(bytes, PANEL);
        code.add(x, Float.BYTES);
        code.add(x3, Float.BYTES);
        code.decrement(depth);
        code.jumpIfNotZero(loop);

        for (int v = 0; v < VECTORS; v++) {
            code.load(WEIGHTS + v, Address.of(scales).plus(v * VECTOR_BYTES));
        }
        for (int row = 0; row < rows; row++) {
            for (int v = 0; v < VECTORS; v++) {
                Address to = Address.of(y).plus(v * VECTOR_BYTES);
                code.multiplyAdd(row * VECTORS + v, WEIGHTS + v, to);
                code.store(to, row * VECTORS + v);
            }
            code.add(y, yStride);
        }
        code.endVectors();
        code.ret();
    }
}
