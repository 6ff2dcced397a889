package org.openlora.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.LoraSlot;

/// A number for what stands in an adapter's memory: read anew each time, so that it changes when the weights do, and
/// cannot be read once they are freed.
final class WeightKeys {
    private static final long PRIME = 0x9e3779b97f4a7c15L;

    private WeightKeys() {}

    static long of(LoraSlot weights, int layers) {
        long key = 1;
        for (int layer = 0; layer < layers; layer++) {
            for (LoraPoint point : LoraPoint.values()) {
                for (LoraModule module : weights.modules(layer, point)) {
                    long bytes = LoraModule.bytesFor(module.rank(), module.inputs(), module.outputs());
                    key = fold(key, module.weights().asSlice(module.aOffsetBytes(), bytes));
                    key = (key ^ Float.floatToIntBits(module.scaling())) * PRIME;
                }
            }
        }
        return key;
    }

    private static long fold(long seed, MemorySegment memory) {
        long key = seed;
        for (long at = 0; at + Long.BYTES <= memory.byteSize(); at += Long.BYTES) {
            key = (key ^ memory.get(ValueLayout.JAVA_LONG_UNALIGNED, at)) * PRIME;
            key ^= key >>> 29;
        }
        return key;
    }
}
