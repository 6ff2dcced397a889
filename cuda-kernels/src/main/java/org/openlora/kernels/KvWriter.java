package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;
import static org.openlora.kernels.Lanes.INTS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// Rounds keys and values to bf16 and puts them where [KvLayout] says. One thread's: it has working memory.
final class KvWriter {
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final ValueLayout.OfInt PAIR = JAVA_INT_UNALIGNED.withOrder(ORDER);
    private static final int UPPER_HALF = 0xffff0000;
    private static final int QUIET_NAN = 0x00400000;

    private final KvLayout layout;
    private final float[] lows; // a key's dimensions, or the panels of a value
    private final float[] highs; // the second half of a key's dimensions
    private final int[] pairs; // a key

    KvWriter(KvLayout layout) {
        int half = Shapes.roundUp(layout.keyPairs(), COUNT);
        this.layout = layout;
        this.lows = new float[Math.max(half, layout.valuePanels() * Lanes.PANEL)];
        this.highs = new float[half];
        this.pairs = new int[half];
    }

    /// Stores a key, `headDim` floats from `at` on, at byte `to`.
    void writeKey(MemorySegment memory, long to, float[] k, int at) {
        int half = layout.keyPairs();
        System.arraycopy(k, at, lows, 0, half);
        System.arraycopy(k, at + half, highs, 0, half);
        for (int p = 0; p < half; p += COUNT) {
            FloatVector low = FloatVector.fromArray(FLOATS, lows, p);
            pair(low, FloatVector.fromArray(FLOATS, highs, p)).intoArray(pairs, p);
        }
        long step = layout.keyStepBytes();
        for (int p = 0; p < half; p++) {
            memory.set(PAIR, to + p * step, pairs[p]);
        }
    }

    /// Stores a value, `headDim` floats from `at` on, at byte `to`.
    void writeValue(MemorySegment memory, long to, float[] v, int at) {
        System.arraycopy(v, at, lows, 0, layout.headDim());
        Arrays.fill(lows, layout.headDim(), layout.valuePanels() * Lanes.PANEL, 0f);
        for (int panel = 0; panel < layout.valuePanels(); panel++) {
            FloatVector low = FloatVector.fromArray(FLOATS, lows, panel * Lanes.PANEL);
            FloatVector high = FloatVector.fromArray(FLOATS, lows, panel * Lanes.PANEL + COUNT);
            pair(low, high).intoMemorySegment(memory, to + panel * layout.valuePanelBytes(), ORDER);
        }
    }

    /// Two vectors rounded as [Bf16#fromFloat] does, two numbers to an int.
    private static IntVector pair(FloatVector low, FloatVector high) {
        return round(low).lanewise(VectorOperators.LSHR, 16).or(round(high).and(UPPER_HALF));
    }

    /// The rounded number in the upper half of each lane.
    private static IntVector round(FloatVector numbers) {
        IntVector bits = numbers.reinterpretAsInts();
        IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
        IntVector rounded = bits.add(odd).add(0x7fff);
        return rounded.blend(
                bits.or(QUIET_NAN), numbers.test(VectorOperators.IS_NAN).cast(INTS));
    }
}
