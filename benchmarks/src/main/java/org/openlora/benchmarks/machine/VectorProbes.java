package org.openlora.benchmarks.machine;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.openlora.kernels.Lanes;

/// The loops that reach the machine's ceilings in Java, at the kernels' own vector width. One thread each.
final class VectorProbes {
    private static final VectorShape SHAPE = VectorShape.forBitSize(Lanes.bits());
    private static final VectorSpecies<Long> LONGS = VectorSpecies.of(long.class, SHAPE);
    private static final VectorSpecies<Float> FLOATS = VectorSpecies.of(float.class, SHAPE);
    private static final int CHAINS = 12;

    /// Operations of one step of [#multiplyAdd].
    static final long FLOPS_PER_STEP = 2L * CHAINS * FLOATS.length();

    private VectorProbes() {}

    /// Sum of the 64-bit words of `bytes` bytes from `offset` on; `bytes` is a multiple of four vectors.
    static long read(MemorySegment memory, long offset, long bytes) {
        int width = LONGS.vectorByteSize();
        ByteOrder order = ByteOrder.nativeOrder();
        LongVector a = LongVector.zero(LONGS);
        LongVector b = a;
        LongVector c = a;
        LongVector d = a;
        long end = offset + bytes;
        for (long at = offset; at < end; at += 4L * width) {
            a = a.add(LongVector.fromMemorySegment(LONGS, memory, at, order));
            b = b.add(LongVector.fromMemorySegment(LONGS, memory, at + width, order));
            c = c.add(LongVector.fromMemorySegment(LONGS, memory, at + 2L * width, order));
            d = d.add(LongVector.fromMemorySegment(LONGS, memory, at + 3L * width, order));
        }
        return a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD);
    }

    /// Twelve chains of fused multiply-adds: more than latency times ports needs, fewer than registers.
    static float multiplyAdd(int steps) {
        FloatVector x = FloatVector.broadcast(FLOATS, 0.999f);
        FloatVector y = FloatVector.broadcast(FLOATS, 0.5f);
        FloatVector a0 = FloatVector.broadcast(FLOATS, 0);
        FloatVector a1 = FloatVector.broadcast(FLOATS, 1);
        FloatVector a2 = FloatVector.broadcast(FLOATS, 2);
        FloatVector a3 = FloatVector.broadcast(FLOATS, 3);
        FloatVector a4 = FloatVector.broadcast(FLOATS, 4);
        FloatVector a5 = FloatVector.broadcast(FLOATS, 5);
        FloatVector a6 = FloatVector.broadcast(FLOATS, 6);
        FloatVector a7 = FloatVector.broadcast(FLOATS, 7);
        FloatVector a8 = FloatVector.broadcast(FLOATS, 8);
        FloatVector a9 = FloatVector.broadcast(FLOATS, 9);
        FloatVector a10 = FloatVector.broadcast(FLOATS, 10);
        FloatVector a11 = FloatVector.broadcast(FLOATS, 11);
        for (int i = 0; i < steps; i++) {
            a0 = a0.fma(x, y);
            a1 = a1.fma(x, y);
            a2 = a2.fma(x, y);
            a3 = a3.fma(x, y);
            a4 = a4.fma(x, y);
            a5 = a5.fma(x, y);
            a6 = a6.fma(x, y);
            a7 = a7.fma(x, y);
            a8 = a8.fma(x, y);
            a9 = a9.fma(x, y);
            a10 = a10.fma(x, y);
            a11 = a11.fma(x, y);
        }
        FloatVector even = a0.add(a2).add(a4).add(a6).add(a8).add(a10);
        FloatVector odd = a1.add(a3).add(a5).add(a7).add(a9).add(a11);
        return even.add(odd).reduceLanes(VectorOperators.ADD);
    }
}
