package org.openlora.adapters.peft;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.openlora.adapters.AdapterMemory;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.LoraSlot;

/// Resident pairs by layer and point.
final class PeftWeights implements LoraSlot {
    private final List<Map<LoraPoint, List<LoraModule>>> layers;
    private final AdapterMemory memory;

    /// `weights.get(i)` are those of `modules.get(i)`, which are in the order of layer, point and output.
    ///
    /// @param memory that they were written into
    PeftWeights(int layers, List<PeftModule> modules, List<LoraModule> weights, AdapterMemory memory) {
        this.memory = memory;
        this.layers = Stream.generate(PeftWeights::emptyLayer).limit(layers).toList();
        for (int i = 0; i < modules.size(); i++) {
            PeftModule module = modules.get(i);
            this.layers
                    .get(module.shape().layer())
                    .computeIfAbsent(module.shape().point(), point -> new ArrayList<>())
                    .add(weights.get(i));
        }
        this.layers.forEach(layer -> layer.replaceAll((point, pairs) -> Collections.unmodifiableList(pairs)));
    }

    @Override
    public List<LoraModule> modules(int layer, LoraPoint point) {
        return layers.get(layer).getOrDefault(point, List.of());
    }

    @Override
    public long tag() {
        return memory.tag();
    }

    private static Map<LoraPoint, List<LoraModule>> emptyLayer() {
        return new EnumMap<>(LoraPoint.class);
    }
}
