package org.openlora.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// The vector width of this process, fixed when the class loads: the processor's own, or the number of bits in
/// the system property `openlora.vector.bits` (128, 256 or 512).
///
/// The species are static finals because C2 keeps vectors in registers only where it sees the species as a
/// constant.
public final class Lanes {
    /// System property that overrides the width, in bits.
    public static final String BITS_PROPERTY = "openlora.vector.bits";

    static final VectorSpecies<Float> FLOATS = floats(System.getProperty(BITS_PROPERTY, ""));
    static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
    /// As many shorts as there are float lanes: half the bits.
    static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
    /// Floats in a vector.
    static final int COUNT = FLOATS.length();
    /// Outputs of one weight panel: the two halves of an int lane.
    static final int PANEL = 2 * COUNT;

    private static final int UPPER_HALF = 0xffff0000;

    private Lanes() {}

    /// Width of a vector in bits; part of the identity of this process's numeric path.
    public static int bits() {
        return FLOATS.vectorBitSize();
    }

    /// The bf16 numbers in the low halves of the lanes, widened exactly.
    static FloatVector lowHalves(IntVector pairs) {
        return pairs.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    /// The bf16 numbers in the high halves of the lanes, widened exactly.
    static FloatVector highHalves(IntVector pairs) {
        return pairs.and(UPPER_HALF).reinterpretAsFloats();
    }

    /// Adds the lanes of a vector stored at `offset`, lane `i` to lane `i + half` at each level of a binary tree;
    /// may change them.
    ///
    /// `FloatVector.reduceLanes(ADD)` is no substitute: its order is unspecified and differs between the
    /// interpreter and compiled code, so a sum would depend on how warm the process is.
    static float sum(float[] lanes, int offset) {
        if (COUNT == 4) {
            return (lanes[offset] + lanes[offset + 2]) + (lanes[offset + 1] + lanes[offset + 3]);
        }
        if (COUNT == 16) {
            for (int i = 0; i < 8; i++) {
                lanes[offset + i] += lanes[offset + i + 8];
            }
        }
        float sum0 = lanes[offset] + lanes[offset + 4];
        float sum1 = lanes[offset + 1] + lanes[offset + 5];
        float sum2 = lanes[offset + 2] + lanes[offset + 6];
        float sum3 = lanes[offset + 3] + lanes[offset + 7];
        return (sum0 + sum2) + (sum1 + sum3);
    }

    /// Adds the lanes of a vector as the other method of this name does, without going through memory.
    static float sum(FloatVector lanes) {
        if (COUNT == 4) {
            return (lanes.lane(0) + lanes.lane(2)) + (lanes.lane(1) + lanes.lane(3));
        }
        float sum0;
        float sum1;
        float sum2;
        float sum3;
        if (COUNT == 8) {
            sum0 = lanes.lane(0) + lanes.lane(4);
            sum1 = lanes.lane(1) + lanes.lane(5);
            sum2 = lanes.lane(2) + lanes.lane(6);
            sum3 = lanes.lane(3) + lanes.lane(7);
        } else {
            sum0 = (lanes.lane(0) + lanes.lane(8)) + (lanes.lane(4) + lanes.lane(12));
            sum1 = (lanes.lane(1) + lanes.lane(9)) + (lanes.lane(5) + lanes.lane(13));
            sum2 = (lanes.lane(2) + lanes.lane(10)) + (lanes.lane(6) + lanes.lane(14));
            sum3 = (lanes.lane(3) + lanes.lane(11)) + (lanes.lane(7) + lanes.lane(15));
        }
        return (sum0 + sum2) + (sum1 + sum3);
    }

    private static VectorSpecies<Float> floats(String bits) {
        return switch (bits) {
            case "" -> preferred();
            case "128" -> FloatVector.SPECIES_128;
            case "256" -> FloatVector.SPECIES_256;
            case "512" -> FloatVector.SPECIES_512;
            default ->
                throw new IllegalArgumentException(BITS_PROPERTY + " is '" + bits + "', allowed are 128, 256 and 512");
        };
    }

    /// 64-bit vectors exist only where no vector unit is found; there 128 bits are emulated like any other width.
    private static VectorSpecies<Float> preferred() {
        VectorSpecies<Float> preferred = FloatVector.SPECIES_PREFERRED;
        if (preferred.vectorBitSize() < 128) {
            return FloatVector.SPECIES_128;
        }
        return preferred.vectorBitSize() > 512 ? FloatVector.SPECIES_512 : preferred;
    }

    /// `COUNT` bf16 numbers widened exactly.
    static FloatVector widen(ShortVector numbers) {
        return ((IntVector) numbers.convertShape(VectorOperators.S2I, INTS, 0))
                .lanewise(VectorOperators.LSHL, 16)
                .reinterpretAsFloats();
    }
}
