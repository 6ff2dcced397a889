package org.openlora.adapters.peft;

import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.BaseWeights;
import org.openlora.kernels.DoraScale;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraSlot;
import org.openlora.kernels.PackedMatrix;
import org.openlora.kernels.PanelKernel;
import org.openlora.kernels.SavedEmbedding;

/// Lays modules out in slot memory, each as soon as all its tensors have come by.
final class SlotWriter implements TensorVisitor {
    private record Place(int module, TensorRole role) {}

    private final BaseWeights base;
    private final List<PeftModule> modules;
    private final AdapterMemory memory;
    private final Map<String, Place> places = new HashMap<>();
    private final Map<Integer, EnumMap<TensorRole, float[]>> waiting = new HashMap<>();
    private final LoraModule[] pairs;
    private final @Nullable DoraScale[] scales;

    private @Nullable SavedEmbedding savedEmbedding;
    private @Nullable PackedMatrix savedHead;

    SlotWriter(BaseWeights base, PeftModules modules, AdapterMemory memory) {
        this.base = base;
        this.modules = modules.adapted();
        this.memory = memory;
        this.pairs = new LoraModule[this.modules.size()];
        this.scales = new DoraScale[this.modules.size()];
        for (int i = 0; i < pairs.length; i++) {
            PeftModule.Tensors tensors = this.modules.get(i).tensors();
            places.put(tensors.a(), new Place(i, TensorRole.A));
            places.put(tensors.b(), new Place(i, TensorRole.B));
            if (tensors.magnitude() != null) {
                places.put(tensors.magnitude(), new Place(i, TensorRole.MAGNITUDE));
            }
        }
    }

    @Override
    public void accept(String tensor, float[] values) {
        Place place = places.get(tensor);
        if (place == null) {
            throw new IllegalStateException("tensor " + tensor + " is in no module of the plan");
        }
        int index = place.module();
        PeftModule module = modules.get(index);
        Map<TensorRole, float[]> parts = waiting.computeIfAbsent(index, key -> new EnumMap<>(TensorRole.class));
        parts.put(place.role(), values);
        float[] a = parts.get(TensorRole.A);
        float[] b = parts.get(TensorRole.B);
        float[] magnitude = parts.get(TensorRole.MAGNITUDE);
        if (a != null && b != null && (magnitude != null || module.tensors().magnitude() == null)) {
            waiting.remove(index);
            write(index, module, a, b, magnitude);
        }
    }

    @Override
    public void acceptSaved(SavedModule module, MemorySegment bf16) {
        MemorySegment block = memory.allocate(module.residentBytes());
        if (module.isEmbedding()) {
            savedEmbedding = SavedEmbedding.write(block, bf16, module.tokens(), module.width());
        } else {
            savedHead = PanelKernel.pack(block, bf16, module.tokens(), module.width());
        }
    }

    /// What was written; to be asked once all tensors have come by.
    LoraSlot finish() {
        return new PeftWeights(base.layers(), modules, pairs, scales, savedEmbedding, savedHead, memory);
    }

    private void write(int index, PeftModule module, float[] a, float[] b, float @Nullable [] magnitude) {
        MemorySegment block = memory.allocate(module.residentBytes());
        int outputOffset = module.shape().outputOffset();
        float[] servedB = b;
        if (magnitude != null) {
            float[] factors = DoraFactors.of(base, module, a, b, magnitude);
            servedB = scaledRows(b, module.rank(), factors);
            FiniteValues.requireBf16(String.valueOf(module.tensors().magnitude()), servedB);
            scales[index] = DoraScale.write(block, module.pairBytes(), factors, outputOffset);
        }
        pairs[index] = LoraModule.write(
                base.loraLayout(),
                block,
                0,
                a,
                servedB,
                module.rank(),
                module.shape().inputs(),
                module.shape().outputs(),
                outputOffset,
                module.scaling());
    }

    /// DoRA's factors go into B in f32, before it is rounded to bf16.
    private static float[] scaledRows(float[] b, int rank, float[] factors) {
        var scaled = new float[b.length];
        for (int i = 0; i < b.length; i++) {
            scaled[i] = b[i] * factors[i / rank];
        }
        return scaled;
    }
}
