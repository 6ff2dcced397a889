package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;

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

    private final KvLayout layout;
    private final float[] lows; // go into the low halves of `pairs`
    private final float[] highs;
    private final int[] pairs;

    KvWriter(KvLayout layout) {
        int most = Math.max(Shapes.roundUp(layout.keyPairs(), COUNT), layout.valuePanels() * COUNT);
        this.layout = layout;
        this.lows = new float[most];
        this.highs = new float[most];
        this.pairs = new int[most];
    }

    /// Stores a key, `headDim` floats from `at` on, at byte `to`.
    void writeKey(MemorySegment memory, long to, float[] k, int at) {
        int half = layout.keyPairs();
        System.arraycopy(k, at, lows, 0, half);
        System.arraycopy(k, at + half, highs, 0, half);
        pair(half);
        long step = layout.keyStepBytes();
        for (int p = 0; p < half; p++) {
            memory.set(PAIR, to + p * step, pairs[p]);
        }
    }

    /// Stores a value, `headDim` floats from `at` on, at byte `to`.
    void writeValue(MemorySegment memory, long to, float[] v, int at) {
        for (int panel = 0; panel < layout.valuePanels(); panel++) {
            load(v, at, panel * Lanes.PANEL, lows, panel * COUNT);
            load(v, at, panel * Lanes.PANEL + COUNT, highs, panel * COUNT);
        }
        pair(layout.valuePanels() * COUNT);
        for (int panel = 0; panel < layout.valuePanels(); panel++) {
            MemorySegment.copy(pairs, panel * COUNT, memory, PAIR, to + panel * layout.valuePanelBytes(), COUNT);
        }
    }

    /// `COUNT` dimensions of a value from `dimension` on; zeros behind its end.
    private void load(float[] v, int at, int dimension, float[] into, int intoAt) {
        int count = Math.clamp(layout.headDim() - dimension, 0, COUNT);
        if (count > 0) {
            System.arraycopy(v, at + dimension, into, intoAt, count);
        }
        Arrays.fill(into, intoAt + count, intoAt + COUNT, 0f);
    }

    /// Rounds `lows` and `highs` to bf16 and joins them to `pairs`.
    ///
    /// One loop for all: where C2 has no room left to inline the vector code, it puts every vector on the heap.
    private void pair(int count) {
        for (int p = 0; p < count; p += COUNT) {
            IntVector low = Bf16.round(FloatVector.fromArray(FLOATS, lows, p));
            IntVector high = Bf16.round(FloatVector.fromArray(FLOATS, highs, p));
            low.lanewise(VectorOperators.LSHR, 16).or(high.and(UPPER_HALF)).intoArray(pairs, p);
        }
    }
}
