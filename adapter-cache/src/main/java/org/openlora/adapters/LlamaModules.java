package org.openlora.adapters;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.openlora.kernels.LoraLayout;
import org.openlora.kernels.LoraPoint;

/// The targetable modules of every architecture with Llama's module names: Llama, Mistral, Qwen2, Qwen3.
public final class LlamaModules implements BaseWeights {
    private static final String HEAD = "lm_head";
    private static final String EMBEDDING = "model.embed_tokens";

    private final Digest digest;
    private final int layers;
    private final boolean tiedHead;
    private final LoraLayout loraLayout;
    private final Tensors tensors;
    private final Map<String, ModuleShape> shapes;

    /// The base's tensors by name; any thread may ask.
    @FunctionalInterface
    public interface Tensors {
        /// A tensor (`model.embed_tokens.weight`) as row-major bf16, a view or in memory of `arena`.
        MemorySegment bf16(String name, Arena arena);
    }

    /// @param headDim width of one head, which need not be hidden size / heads
    /// @param tiedHead whether the head's weight is the embedding's, so that there is no `lm_head.weight`
    public LlamaModules(
            Digest digest,
            int layers,
            int hiddenSize,
            int heads,
            int kvHeads,
            int headDim,
            int intermediateSize,
            int vocabularySize,
            boolean tiedHead,
            LoraLayout loraLayout,
            Tensors tensors) {
        this.digest = digest;
        this.layers = layers;
        this.tiedHead = tiedHead;
        this.loraLayout = loraLayout;
        this.tensors = tensors;
        int q = heads * headDim;
        int kv = kvHeads * headDim;
        var all = new LinkedHashMap<String, ModuleShape>();
        for (int layer = 0; layer < layers; layer++) {
            String attention = "model.layers." + layer + ".self_attn.";
            all.put(attention + "q_proj", new ModuleShape(layer, LoraPoint.QKV, q, hiddenSize, 0));
            all.put(attention + "k_proj", new ModuleShape(layer, LoraPoint.QKV, kv, hiddenSize, q));
            all.put(attention + "v_proj", new ModuleShape(layer, LoraPoint.QKV, kv, hiddenSize, q + kv));
            all.put(attention + "o_proj", new ModuleShape(layer, LoraPoint.O, hiddenSize, q, 0));
            String mlp = "model.layers." + layer + ".mlp.";
            all.put(mlp + "gate_proj", new ModuleShape(layer, LoraPoint.GATE_UP, intermediateSize, hiddenSize, 0));
            all.put(
                    mlp + "up_proj",
                    new ModuleShape(layer, LoraPoint.GATE_UP, intermediateSize, hiddenSize, intermediateSize));
            all.put(mlp + "down_proj", new ModuleShape(layer, LoraPoint.DOWN, hiddenSize, intermediateSize, 0));
        }
        all.put(HEAD, new ModuleShape(0, LoraPoint.LM_HEAD, vocabularySize, hiddenSize, 0));
        all.put(EMBEDDING, new ModuleShape(0, LoraPoint.EMBEDDING, hiddenSize, vocabularySize, 0));
        this.shapes = Collections.unmodifiableMap(all);
    }

    @Override
    public LoraLayout loraLayout() {
        return loraLayout;
    }

    @Override
    public Digest digest() {
        return digest;
    }

    @Override
    public int layers() {
        return layers;
    }

    @Override
    public List<String> modulePaths() {
        return List.copyOf(shapes.keySet());
    }

    @Override
    public Optional<ModuleShape> shape(String modulePath) {
        return Optional.ofNullable(shapes.get(modulePath));
    }

    @Override
    public MemorySegment weight(String modulePath, Arena arena) {
        if (!shapes.containsKey(modulePath)) {
            throw new IllegalArgumentException("the base has no module " + modulePath);
        }
        String owner = modulePath.equals(HEAD) && tiedHead ? EMBEDDING : modulePath;
        return tensors.bf16(owner + ".weight", arena);
    }

    @Override
    public boolean hasTiedHead() {
        return tiedHead;
    }
}
