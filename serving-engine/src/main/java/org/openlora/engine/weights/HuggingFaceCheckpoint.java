package org.openlora.engine.weights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.ContentDigest;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.safetensors.SafetensorsCheckpoint;
import org.openlora.adapters.safetensors.SafetensorsException;
import org.openlora.adapters.safetensors.TensorInfo;

/// `config.json` and `model.safetensors`, single or sharded.
final class HuggingFaceCheckpoint implements BaseCheckpoint {
    static final String DIGEST_DOMAIN = "openlora/base/v1";

    /// Stored by old versions of Transformers; follows from `rope_theta`.
    private static final String COMPUTED_SUFFIX = ".self_attn.rotary_emb.inv_freq";

    private final Arena arena = Arena.ofShared();
    private final ModelConfig config;
    private final SafetensorsCheckpoint tensors;
    private final Map<String, ExpectedTensor> expected;
    private @Nullable Digest digest;

    private HuggingFaceCheckpoint(
            ModelConfig config, SafetensorsCheckpoint tensors, Map<String, ExpectedTensor> expected) {
        this.config = config;
        this.tensors = tensors;
        this.expected = expected;
    }

    static HuggingFaceCheckpoint open(Path directory) {
        ModelConfig config = HuggingFaceConfig.read(directory);
        refusePickle(directory);
        @Nullable SafetensorsCheckpoint tensors = null;
        boolean opened = false;
        try {
            tensors = SafetensorsCheckpoint.open(directory, "model");
            HuggingFaceCheckpoint checkpoint =
                    new HuggingFaceCheckpoint(config, tensors, checked(directory, config, tensors));
            opened = true;
            return checkpoint;
        } catch (SafetensorsException e) {
            throw new ModelLoadException(OneLine.reason(e), e);
        } finally {
            if (!opened && tensors != null) {
                tensors.close();
            }
        }
    }

    private static void refusePickle(Path directory) {
        boolean pickled = Files.exists(directory.resolve("pytorch_model.bin"))
                || Files.exists(directory.resolve("pytorch_model.bin.index.json"));
        boolean safe = Files.exists(directory.resolve("model.safetensors"))
                || Files.exists(directory.resolve("model.safetensors.index.json"));
        if (pickled && !safe) {
            throw new ModelLoadException(
                    "%s holds its weights as pickle (pytorch_model.bin), which is not read; convert them to safetensors"
                            .formatted(directory));
        }
    }

    private static Map<String, ExpectedTensor> checked(
            Path directory, ModelConfig config, SafetensorsCheckpoint tensors) {
        Map<String, ExpectedTensor> expected = new LinkedHashMap<>();
        for (ExpectedTensor tensor : ExpectedTensor.of(config)) {
            if (!tensors.has(tensor.name())) {
                throw new ModelLoadException("%s: tensor %s is missing; config.json calls for it with shape %s"
                        .formatted(directory, tensor.name(), tensor.shape()));
            }
            check(directory, tensor, tensors.info(tensor.name()));
            expected.put(tensor.name(), tensor);
        }
        for (String name : tensors.tensors().keySet()) {
            boolean tiedHead = config.tiedEmbeddings() && name.equals("lm_head.weight");
            if (!expected.containsKey(name) && !tiedHead && !name.endsWith(COMPUTED_SUFFIX)) {
                throw new ModelLoadException("%s: tensor %s is not part of a %s model with this config.json"
                        .formatted(directory, name, config.architecture().id()));
            }
        }
        return expected;
    }

    private static void check(Path directory, ExpectedTensor tensor, TensorInfo info) {
        if (!info.shape().equals(tensor.shape())) {
            throw new ModelLoadException("%s: tensor %s has shape %s; config.json calls for %s"
                    .formatted(directory, tensor.name(), info.shape(), tensor.shape()));
        }
        if (!info.dtype().isReadable()) {
            throw new ModelLoadException("%s: tensor %s is stored as %s; supported are BF16, F16, F32"
                    .formatted(directory, tensor.name(), info.dtype()));
        }
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public Digest digest() {
        Digest known = digest;
        if (known != null) {
            return known;
        }
        var content = new ContentDigest(
                DIGEST_DOMAIN, config.identity(), tensors.tensors().size());
        tensors.tensors().forEach((name, info) -> {
            content.tensor(name, info.dtype().name(), info.shapeArray(), tensors.data(name));
        });
        Digest computed = content.finish();
        digest = computed;
        return computed;
    }

    @Override
    public boolean has(String name) {
        return expected.containsKey(name);
    }

    @Override
    public MemorySegment bf16(String name, Arena target) {
        if (!has(name)) {
            throw new ModelLoadException("the model has no tensor " + name);
        }
        return tensors.bf16(name, target);
    }

    @Override
    public MemorySegment bf16(String name) {
        return bf16(name, arena);
    }

    @Override
    public void close() {
        tensors.close();
        arena.close();
    }
}
