package org.openlora.adapters.peft;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterMemory;
import org.openlora.kernels.DoraScale;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.LoraSlot;
import org.openlora.kernels.PackedMatrix;
import org.openlora.kernels.SavedEmbedding;

/// Resident pairs and scales by layer and point.
final class PeftWeights implements LoraSlot {
    private final List<Map<LoraPoint, List<LoraModule>>> pairs;
    private final List<Map<LoraPoint, List<DoraScale>>> scales;
    private final @Nullable SavedEmbedding savedEmbedding;
    private final @Nullable PackedMatrix savedHead;
    private final AdapterMemory memory;

    /// `pairs[i]` and `scales[i]` are those of `modules.get(i)`, which are in the order of layer, point and output.
    ///
    /// @param memory that they were written into
    PeftWeights(
            int layers,
            List<PeftModule> modules,
            LoraModule[] pairs,
            @Nullable DoraScale[] scales,
            @Nullable SavedEmbedding savedEmbedding,
            @Nullable PackedMatrix savedHead,
            AdapterMemory memory) {
        this.savedEmbedding = savedEmbedding;
        this.savedHead = savedHead;
        this.memory = memory;
        this.pairs = Stream.generate(PeftWeights::<LoraModule>emptyLayer)
                .limit(layers)
                .toList();
        this.scales = Stream.generate(PeftWeights::<DoraScale>emptyLayer)
                .limit(layers)
                .toList();
        for (int i = 0; i < pairs.length; i++) {
            int layer = modules.get(i).shape().layer();
            LoraPoint point = modules.get(i).shape().point();
            add(this.pairs.get(layer), point, pairs[i]);
            DoraScale scale = scales[i];
            if (scale != null) {
                add(this.scales.get(layer), point, scale);
            }
        }
        this.pairs.forEach(layer -> layer.replaceAll((point, list) -> Collections.unmodifiableList(list)));
        this.scales.forEach(layer -> layer.replaceAll((point, list) -> Collections.unmodifiableList(list)));
    }

    @Override
    public List<LoraModule> modules(int layer, LoraPoint point) {
        return pairs.get(layer).getOrDefault(point, List.of());
    }

    @Override
    public List<DoraScale> scales(int layer, LoraPoint point) {
        return scales.get(layer).getOrDefault(point, List.of());
    }

    @Override
    public @Nullable SavedEmbedding savedEmbedding() {
        return savedEmbedding;
    }

    @Override
    public @Nullable PackedMatrix savedHead() {
        return savedHead;
    }

    @Override
    public long tag() {
        return memory.tag();
    }

    private static <T> void add(Map<LoraPoint, List<T>> layer, LoraPoint point, T part) {
        layer.computeIfAbsent(point, key -> new ArrayList<>()).add(part);
    }

    private static <T> Map<LoraPoint, List<T>> emptyLayer() {
        return new EnumMap<>(LoraPoint.class);
    }
}
