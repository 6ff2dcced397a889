package org.openlora.kernels.x86;

import java.util.Arrays;

/// Writes the bytes of the instructions that our kernels use, as chapter 2 of volume 2 of Intel's manual encodes
/// them (<https://www.intel.com/sdm>). Vectors are 512 bits wide, `zmm0` to `zmm31` by number; of some, only the
/// lower half is used. Addresses have displacements of 4 bytes throughout, since loops are short and what fits in
/// few bytes gains nothing.
public final class Assembler {
    private static final int VECTORS = 32;

    private byte[] code = new byte[256];
    private int size;

    /// The bytes written so far, which is also where the next instruction begins.
    public int position() {
        return size;
    }

    /// All bytes.
    public byte[] code() {
        return Arrays.copyOf(code, size);
    }

    /// Puts the next instruction on a multiple of `bytes`, a power of two.
    public void align(int bytes) {
        while (size % bytes != 0) {
            emit(0x90);
        }
    }

    /// `to = from`
    public void move(Register to, Register from) {
        emit(rex(true, from.number(), 0, to.number()), 0x89, registers(from.number(), to.number()));
    }

    /// `to = the address itself`
    public void loadAddress(Register to, Address from) {
        general(true, 0x8d, to.number(), from);
    }

    /// `to = the 8 bytes at from`
    public void load(Register to, Address from) {
        general(true, 0x8b, to.number(), from);
    }

    /// `to += from`
    public void add(Register to, Register from) {
        emit(rex(true, from.number(), 0, to.number()), 0x01, registers(from.number(), to.number()));
    }

    /// `to += the 8 bytes at from`
    public void add(Register to, Address from) {
        general(true, 0x03, to.number(), from);
    }

    /// `to += value`
    public void add(Register to, int value) {
        emit(rex(true, 0, 0, to.number()), 0x81, registers(0, to.number()));
        int32(value);
    }

    /// Puts `from` on the stack.
    public void push(Register from) {
        emit(rex(false, 0, 0, from.number()), 0x50 | (from.number() & 7));
    }

    /// Takes `to` from the stack.
    public void pop(Register to) {
        emit(rex(false, 0, 0, to.number()), 0x58 | (to.number() & 7));
    }

    /// `to -= 1`, for a [#jumpIfNotZero] to look at.
    public void decrement(Register to) {
        emit(rex(true, 0, 0, to.number()), 0xff, registers(1, to.number()));
    }

    /// Goes back to `position` unless the last result was zero.
    public void jumpIfNotZero(int position) {
        emit(0x0f, 0x85);
        int32(position - (size + Integer.BYTES));
    }

    /// Asks for a cache line; an address that is not mapped does no harm.
    public void prefetch(Address from) {
        if (from.base().number() > 7 || (from.index() != null && from.index().number() > 7)) {
            int index = from.index() == null ? 0 : from.index().number();
            emit(rex(false, 0, index, from.base().number()));
        }
        emit(0x0f, 0x18);
        memory(1, from);
    }

    /// Ends the use of wide vectors, which keeps narrow ones fast.
    public void endVectors() {
        emit(0xc5, 0xf8, 0x77);
    }

    public void ret() {
        emit(0xc3);
    }

    /// `to = 0`
    public void zero(int to) {
        vector(Map.F, Prefix.P66, 0xef, to, to, to);
    }

    /// `to = the 64 bytes at from`
    public void load(int to, Address from) {
        vector(Map.F, Prefix.NONE, 0x10, to, 0, from);
    }

    /// `the 64 bytes at to = from`
    public void store(Address to, int from) {
        vector(Map.F, Prefix.NONE, 0x11, from, 0, to);
    }

    /// The lower half of `to` = the 32 bytes at from, the upper half = 0.
    public void loadHalf(int to, Address from) {
        vector(Map.F, Prefix.NONE, Length.HALF, 0x10, to, 0, from);
    }

    /// The 32 bytes at to = the lower half of `from`.
    public void storeHalf(Address to, int from) {
        vector(Map.F, Prefix.NONE, Length.HALF, 0x11, from, 0, to);
    }

    /// Each of the 16 lanes of `to` = the 4 bytes at from.
    public void broadcast(int to, Address from) {
        vector(Map.F38, Prefix.P66, 0x58, to, 0, from);
    }

    /// `sums[i] += a[i].high · b[i].high`, then `sums[i] += a[i].low · b[i].low`, for 16 sums in binary32 and pairs of
    /// bf16 numbers, each addition rounded to nearest (`VDPBF16PS`; subnormal numbers count as zero).
    public void dotBf16(int sums, int a, int b) {
        vector(Map.F38, Prefix.F3, 0x52, sums, a, b);
    }

    /// The lower half of `to` = the 16 numbers of `from` rounded to bf16, ties to even (`VCVTNEPS2BF16`; subnormal
    /// numbers become zero).
    public void roundToBf16(int to, int from) {
        vector(Map.F38, Prefix.F3, 0x72, to, 0, from);
    }

    /// Each of the 16 lanes of `to` = one of the 16 bytes at from, with its sign.
    public void loadBytes(int to, Address from) {
        vector(Map.F38, Prefix.P66, 0x21, to, 0, from);
    }

    /// `to = from`, 16 integers as binary32, rounded to nearest.
    public void integersToFloats(int to, int from) {
        vector(Map.F, Prefix.NONE, 0x5b, to, 0, from);
    }

    /// `sums += a · b`, 16 times, each rounded once.
    public void multiplyAdd(int sums, int a, int b) {
        vector(Map.F38, Prefix.P66, 0xb8, sums, a, b);
    }

    /// `to = to · factor + the 16 numbers at addend`, rounded once.
    public void multiplyAdd(int to, int factor, Address addend) {
        vector(Map.F38, Prefix.P66, 0xa8, to, factor, addend);
    }

    private enum Map {
        F(1),
        F38(2);

        final int number;

        Map(int number) {
            this.number = number;
        }
    }

    private enum Prefix {
        NONE(0),
        P66(1),
        F3(2);

        final int number;

        Prefix(int number) {
            this.number = number;
        }
    }

    private enum Length {
        HALF(0x20),
        WHOLE(0x40);

        final int bits;

        Length(int bits) {
            this.bits = bits;
        }
    }

    private void general(boolean wide, int opcode, int register, Address address) {
        int index = address.index() == null ? 0 : address.index().number();
        emit(rex(wide, register, index, address.base().number()), opcode);
        memory(register, address);
    }

    private void vector(Map map, Prefix prefix, int opcode, int register, int second, int third) {
        check(third);
        evex(map, prefix, Length.WHOLE, register, second, third >> 4, third >> 3);
        emit(opcode, registers(register, third));
    }

    private void vector(Map map, Prefix prefix, int opcode, int register, int second, Address address) {
        vector(map, prefix, Length.WHOLE, opcode, register, second, address);
    }

    private void vector(Map map, Prefix prefix, Length length, int opcode, int register, int second, Address address) {
        int index = address.index() == null ? 0 : address.index().number();
        evex(map, prefix, length, register, second, index >> 3, address.base().number() >> 3);
        emit(opcode);
        memory(register, address);
    }

    /// The prefix of vector instructions. Register bits beyond the third are stored inverted.
    private void evex(Map map, Prefix prefix, Length length, int register, int second, int x, int b) {
        check(register);
        check(second);
        emit(
                0x62,
                inverted(register >> 3, 7) | inverted(x, 6) | inverted(b, 5) | inverted(register >> 4, 4) | map.number,
                ((~second & 0xf) << 3) | 0x04 | prefix.number,
                length.bits | inverted(second >> 4, 3));
    }

    private static int inverted(int bit, int place) {
        return (~bit & 1) << place;
    }

    private static int rex(boolean wide, int register, int index, int base) {
        return 0x40 | (wide ? 8 : 0) | ((register >> 3 & 1) << 2) | ((index >> 3 & 1) << 1) | (base >> 3 & 1);
    }

    private static int registers(int register, int other) {
        return 0xc0 | ((register & 7) << 3) | (other & 7);
    }

    /// ModRM, SIB and displacement. RSP as a base, and any index, need a SIB. A displacement of 0 is left out, which is
    /// also how a vector instruction stays clear of compressed displacements; RBP and R13 cannot do without.
    private void memory(int register, Address address) {
        int base = address.base().number() & 7;
        boolean displaced = address.displacement() != 0 || base == Register.RBP.number();
        int mode = displaced ? 0x80 : 0;
        Register index = address.index();
        if (index == null && base != Register.RSP.number()) {
            emit(mode | ((register & 7) << 3) | base);
        } else {
            int indexBits = index == null ? Register.RSP.number() : index.number() & 7;
            int scaleBits = Integer.numberOfTrailingZeros(address.scale());
            emit(mode | ((register & 7) << 3) | 4, (scaleBits << 6) | (indexBits << 3) | base);
        }
        if (displaced) {
            int32(address.displacement());
        }
    }

    private static void check(int vector) {
        if (vector < 0 || vector >= VECTORS) {
            throw new IllegalArgumentException("there is no vector " + vector + "; there are " + VECTORS);
        }
    }

    private void int32(int value) {
        emit(value, value >> 8, value >> 16, value >> 24);
    }

    private void emit(int... bytes) {
        if (size + bytes.length > code.length) {
            code = Arrays.copyOf(code, 2 * code.length);
        }
        for (int one : bytes) {
            code[size++] = (byte) one;
        }
    }
}
