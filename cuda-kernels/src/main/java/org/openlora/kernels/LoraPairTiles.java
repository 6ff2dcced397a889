package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.openlora.kernels.x86.Address;
import org.openlora.kernels.x86.Assembler;
import org.openlora.kernels.x86.MachineCode;
import org.openlora.kernels.x86.Register;

/// The inner loops of the low-rank products by the instruction that multiplies pairs of bf16 numbers, over
/// [LoraLayout#PAIRS], for up to [#ROWS] rows.
///
/// **Formula.** Shrink: `h[r]` is the sum of [DotTiles] over ascending pairs of inputs, rounded to bf16. Expand: `s[j]`
/// is that sum over ascending pairs of rank rows, and `y[j] = s[j] · factor + y[j]`, rounded once. The same for any
/// number of rows.
///
/// One row waits for memory; each step of a chain of additions reads a whole vector of weights, which is faster than
/// memory gives them. Eight rows share each vector.
final class LoraPairTiles {
    /// Most rows of a tile.
    static final int ROWS = 8;
    /// Inputs that are rounded at a time.
    static final int ROUND_INPUTS = 16;
    /// Bytes of a pair of numbers.
    static final int PAIR_BYTES = 2 * Bf16.BYTES;

    private static final int VECTOR_BYTES = 64;
    private static final int AHEAD_BYTES = 2 << 10;
    private static final int ALIGNMENT_BYTES = 64;
    /// Vectors of the outputs that an expand tile works on at a time.
    private static final int EXPAND_VECTORS = LoraModule.PAIR_PANEL * Float.BYTES / VECTOR_BYTES;
    /// The registers behind the sums of eight rows.
    private static final int WEIGHTS = 16;
    private static final int INPUT = 20;

    /// `void shrink(a, x, xStrideBytes, pairs, h, hStrideBytes, groupBytes)`
    private static final MethodHandle SHRINK = MachineCode.caller(
            FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    /// `void round(x, xByte, vectors, to)`
    private static final MethodHandle ROUND =
            MachineCode.caller(FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    /// `void expand(b, h, hStrideBytes, pairs, y, yBytes, factors, panels)`
    private static final MethodHandle EXPAND = MachineCode.caller(FunctionDescriptor.ofVoid(
            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG));

    /// The one of this process, since code is never given back; null as long as nobody has asked for it.
    private static @Nullable LoraPairTiles ofProcess;

    private final Map<Group, MemorySegment[]> shrinks; // each by rows
    private final MemorySegment[] expands; // by rows
    private final MemorySegment round;

    /// The rank rows that a shrink tile works on.
    enum Group {
        /// Half a group: 8 rank rows.
        HALF,
        /// 16 rank rows.
        WHOLE,
        /// Two groups of 16.
        TWO
    }

    private LoraPairTiles(Map<Group, MemorySegment[]> shrinks, MemorySegment[] expands, MemorySegment round) {
        this.shrinks = shrinks;
        this.expands = expands;
        this.round = round;
    }

    /// Makes the code, once for the process; whether the processor has the instruction is for the caller to know.
    ///
    /// @throws UnsupportedOperationException where no machine code can be had
    static synchronized LoraPairTiles ofProcess() {
        LoraPairTiles made = ofProcess;
        if (made == null) {
            made = create();
            ofProcess = made;
        }
        return made;
    }

    private static LoraPairTiles create() {
        Assembler assembler = new Assembler();
        Map<Group, int[]> shrinkStarts = new EnumMap<>(Group.class);
        int[] expandStarts = new int[ROWS + 1];
        for (Group group : Group.values()) {
            int[] starts = new int[ROWS + 1];
            for (int rows = 1; rows <= ROWS; rows++) {
                assembler.align(ALIGNMENT_BYTES);
                starts[rows] = assembler.position();
                shrink(assembler, rows, group);
            }
            shrinkStarts.put(group, starts);
        }
        for (int rows = 1; rows <= ROWS; rows++) {
            assembler.align(ALIGNMENT_BYTES);
            expandStarts[rows] = assembler.position();
            expand(assembler, rows);
        }
        assembler.align(ALIGNMENT_BYTES);
        int roundStart = assembler.position();
        round(assembler);
        MemorySegment code = MachineCode.map(assembler.code())
                .orElseThrow(() -> new UnsupportedOperationException("no machine code on this system"));
        Map<Group, MemorySegment[]> shrinks = new EnumMap<>(Group.class);
        shrinkStarts.forEach((group, starts) -> shrinks.put(group, at(code, starts)));
        return new LoraPairTiles(shrinks, at(code, expandStarts), at(code, new int[] {roundStart})[0]);
    }

    private static MemorySegment[] at(MemorySegment code, int[] starts) {
        MemorySegment[] functions = new MemorySegment[starts.length];
        for (int i = 0; i < starts.length; i++) {
            functions[i] = MemorySegment.ofAddress(code.address() + starts[i]);
        }
        return functions;
    }

    /// Rounds inputs to bf16, [#ROUND_INPUTS] at a time. Subnormal ones become zero, which is what products take them
    /// for.
    ///
    /// @param xByte where the first input stands in `x`
    /// @param vectors how often, at least once
    /// @param to address of the first result
    void round(MemorySegment x, long xByte, long vectors, long to) {
        try {
            ROUND.invokeExact(round, x, xByte, vectors, to);
        } catch (Throwable e) {
            throw new AssertionError("a tile threw", e);
        }
    }

    /// `h[i][r] = x[i] · a[r]` for `rows` rows and the rank rows of a group, rounded to bf16.
    ///
    /// @param a address of the group; the second one follows `groupBytes` further on
    /// @param x address of the first row's inputs in bf16; rows are `xStrideBytes` apart
    /// @param pairs of inputs, at least one
    /// @param h address of the first row's results, 16 bf16 numbers for each group also where it is half one; rows
    ///     are `hStrideBytes` apart
    void shrink(
            Group group,
            int rows,
            long a,
            long groupBytes,
            long x,
            long xStrideBytes,
            long pairs,
            long h,
            long hStrideBytes) {
        MemorySegment code = Objects.requireNonNull(shrinks.get(group))[rows];
        try {
            SHRINK.invokeExact(code, a, x, xStrideBytes, pairs, h, hStrideBytes, groupBytes);
        } catch (Throwable e) {
            throw new AssertionError("a tile threw", e);
        }
    }

    /// `y[i] += factors[i] · h[i] · b` for `rows` rows and some panels of outputs.
    ///
    /// @param b address of the first panel; the others follow
    /// @param h address of the first row's shrunk inputs; rows are `hStrideBytes` apart
    /// @param pairs of rank rows, at least one
    /// @param y the outputs of all rows
    /// @param yBytes long for each row: where its outputs for the first panel begin in `y`
    /// @param factors float for each row
    void expand(
            int rows,
            long b,
            long h,
            long hStrideBytes,
            long pairs,
            MemorySegment y,
            MemorySegment yBytes,
            MemorySegment factors,
            long panels) {
        try {
            EXPAND.invokeExact(expands[rows], b, h, hStrideBytes, pairs, y, yBytes, factors, panels);
        } catch (Throwable e) {
            throw new AssertionError("a tile threw", e);
        }
    }

    private static void round(Assembler code) {
        Register x = Register.RDI;
        Register xByte = Register.RSI;
        Register vectors = Register.RDX;
        Register to = Register.RCX;
        code.add(x, xByte);
        int loop = code.position();
        code.load(0, Address.of(x));
        code.roundToBf16(0, 0);
        code.storeHalf(Address.of(to), 0);
        code.add(x, ROUND_INPUTS * Float.BYTES);
        code.add(to, ROUND_INPUTS * Bf16.BYTES);
        code.decrement(vectors);
        code.jumpIfNotZero(loop);
        code.endVectors();
        code.ret();
    }

    /// Rows 0 to 7 from three places, since an index is scaled by 1, 2, 4 or 8 alone.
    private static Address[] rows(Register row0, Register stride, Register row3, Register row6) {
        return new Address[] {
            Address.of(row0),
            Address.of(row0, stride, 1),
            Address.of(row0, stride, 2),
            Address.of(row3),
            Address.of(row0, stride, 4),
            Address.of(row3, stride, 2),
            Address.of(row6),
            Address.of(row3, stride, 4)
        };
    }

    private static void find(Assembler code, Register row0, Register stride, Register row3, Register row6) {
        code.loadAddress(row3, Address.of(row0, stride, 2));
        code.add(row3, stride);
        code.loadAddress(row6, Address.of(row3, stride, 2));
        code.add(row6, stride);
    }

    /// `sums[row · vectors + v] += weights[v] · input of the row`, for all rows.
    private static void multiply(Assembler code, int rows, int vectors, Address[] inputs) {
        for (int row = 0; row < rows; row++) {
            // Registers in turn, so that one broadcast need not wait for the products of another.
            int pair = INPUT + row % 4;
            code.broadcast(pair, inputs[row]);
            for (int v = 0; v < vectors; v++) {
                code.dotBf16(row * vectors + v, WEIGHTS + v, pair);
            }
        }
    }

    private static void shrink(Assembler code, int rows, Group group) {
        // As C functions of Unixes on x86-64 get their arguments; the last one is on the stack.
        Register a = Register.RDI;
        Register x = Register.RSI;
        Register xStride = Register.RDX;
        Register pairs = Register.RCX;
        Register h = Register.R8;
        Register hStride = Register.R9;
        Register x3 = Register.RAX;
        Register x6 = Register.R10;
        Register groupBytes = Register.R11;
        int vectors = group == Group.TWO ? 2 : 1;
        find(code, x, xStride, x3, x6);
        code.load(groupBytes, Address.of(Register.RSP).plus(Long.BYTES));
        for (int sum = 0; sum < rows * vectors; sum++) {
            code.zero(sum);
        }

        code.align(ALIGNMENT_BYTES);
        int loop = code.position();
        if (group == Group.HALF) {
            code.loadHalf(WEIGHTS, Address.of(a));
        } else {
            code.load(WEIGHTS, Address.of(a));
        }
        code.prefetch(Address.of(a).plus(AHEAD_BYTES));
        if (group == Group.TWO) {
            code.load(WEIGHTS + 1, Address.of(a, groupBytes, 1));
            code.prefetch(Address.of(a, groupBytes, 1).plus(AHEAD_BYTES));
        }
        multiply(code, rows, vectors, rows(x, xStride, x3, x6));
        code.add(a, group == Group.HALF ? VECTOR_BYTES / 2 : VECTOR_BYTES);
        code.add(x, PAIR_BYTES);
        code.add(x3, PAIR_BYTES);
        code.add(x6, PAIR_BYTES);
        code.decrement(pairs);
        code.jumpIfNotZero(loop);

        for (int row = 0; row < rows; row++) {
            for (int v = 0; v < vectors; v++) {
                code.roundToBf16(INPUT, row * vectors + v);
                code.storeHalf(Address.of(h).plus(v * VECTOR_BYTES / 2), INPUT);
            }
            code.add(h, hStride);
        }
        code.endVectors();
        code.ret();
    }

    private static void expand(Assembler code, int rows) {
        Register b = Register.RDI;
        Register h = Register.RSI;
        Register hStride = Register.RDX;
        Register pairs = Register.RCX;
        Register y = Register.R8;
        Register yBytes = Register.R9;
        Register h3 = Register.RAX;
        Register h6 = Register.R10;
        Register h0 = Register.R11;
        // The caller's, to be given back.
        Register pair = Register.RBX;
        Register panels = Register.RBP;
        Register factors = Register.R12;
        Register rowY = Register.R13;
        Register[] saved = {pair, panels, factors, rowY};
        for (Register register : saved) {
            code.push(register);
        }
        int returnAddress = saved.length * Long.BYTES;
        code.load(factors, Address.of(Register.RSP).plus(returnAddress + Long.BYTES));
        code.load(panels, Address.of(Register.RSP).plus(returnAddress + 2 * Long.BYTES));

        code.align(ALIGNMENT_BYTES);
        int panel = code.position();
        for (int sum = 0; sum < rows * EXPAND_VECTORS; sum++) {
            code.zero(sum);
        }
        code.move(h0, h);
        find(code, h0, hStride, h3, h6);
        code.move(pair, pairs);

        code.align(ALIGNMENT_BYTES);
        int loop = code.position();
        for (int v = 0; v < EXPAND_VECTORS; v++) {
            code.load(WEIGHTS + v, Address.of(b).plus(v * VECTOR_BYTES));
            code.prefetch(Address.of(b).plus(AHEAD_BYTES + v * VECTOR_BYTES));
        }
        multiply(code, rows, EXPAND_VECTORS, rows(h0, hStride, h3, h6));
        code.add(b, EXPAND_VECTORS * VECTOR_BYTES);
        code.add(h0, PAIR_BYTES);
        code.add(h3, PAIR_BYTES);
        code.add(h6, PAIR_BYTES);
        code.decrement(pair);
        code.jumpIfNotZero(loop);

        for (int row = 0; row < rows; row++) {
            code.load(rowY, Address.of(yBytes).plus(row * Long.BYTES));
            code.add(rowY, y);
            code.broadcast(INPUT, Address.of(factors).plus(row * Float.BYTES));
            for (int v = 0; v < EXPAND_VECTORS; v++) {
                Address to = Address.of(rowY).plus(v * VECTOR_BYTES);
                code.multiplyAdd(row * EXPAND_VECTORS + v, INPUT, to);
                code.store(to, row * EXPAND_VECTORS + v);
            }
        }
        code.add(y, EXPAND_VECTORS * VECTOR_BYTES);
        code.decrement(panels);
        code.jumpIfNotZero(panel);

        for (int i = saved.length - 1; i >= 0; i--) {
            code.pop(saved[i]);
        }
        code.endVectors();
        code.ret();
    }
}
