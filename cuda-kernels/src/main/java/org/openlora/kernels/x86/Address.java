package org.openlora.kernels.x86;

import org.jspecify.annotations.Nullable;

/// A place in memory: `base + scale · index + displacement`.
///
/// @param index not RSP, which cannot be one; null for none
/// @param scale 1, 2, 4 or 8
/// @param displacement in bytes
public record Address(Register base, @Nullable Register index, int scale, int displacement) {
    public Address {
        if (index == Register.RSP) {
            throw new IllegalArgumentException("RSP cannot be an index");
        }
        if (scale < 1 || scale > 8 || Integer.bitCount(scale) != 1) {
            throw new IllegalArgumentException("scale is " + scale + ", must be 1, 2, 4 or 8");
        }
    }

    /// `base`.
    public static Address of(Register base) {
        return new Address(base, null, 1, 0);
    }

    /// `base + scale · index`.
    public static Address of(Register base, Register index, int scale) {
        return new Address(base, index, scale, 0);
    }

    /// `displacement` bytes further on.
    public Address plus(int displacement) {
        return new Address(base, index, scale, Math.addExact(this.displacement, displacement));
    }
}
