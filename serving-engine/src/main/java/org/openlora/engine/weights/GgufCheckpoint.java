package org.openlora.engine.weights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.ContentDigest;
import org.openlora.adapters.Digest;
import org.openlora.adapters.Utf8;
import org.openlora.kernels.Bf16;

/// One GGUF file: tensors expanded to bf16 and put into Transformers' row order.
final class GgufCheckpoint implements BaseCheckpoint {
    private static final int ALIGNMENT_BYTES = 64;

    private final Arena arena = Arena.ofShared();
    private final GgufFile gguf;
    private final ModelConfig config;
    private final Map<String, ExpectedTensor> expected;
    private @Nullable Digest digest;

    private GgufCheckpoint(GgufFile gguf, ModelConfig config, Map<String, ExpectedTensor> expected) {
        this.gguf = gguf;
        this.config = config;
        this.expected = expected;
    }

    static GgufCheckpoint open(Path path) {
        GgufFile gguf = GgufFile.open(path);
        boolean opened = false;
        try {
            ModelConfig config = GgufConfig.read(gguf);
            GgufCheckpoint checkpoint = new GgufCheckpoint(gguf, config, checked(gguf, config));
            opened = true;
            return checkpoint;
        } finally {
            if (!opened) {
                gguf.close();
            }
        }
    }

    private static Map<String, ExpectedTensor> checked(GgufFile gguf, ModelConfig config) {
        String file = gguf.metadata().file();
        Map<String, ExpectedTensor> expected = new LinkedHashMap<>();
        Set<String> known = new HashSet<>(Set.of(GgufConfig.ROPE_FREQUENCIES));
        for (ExpectedTensor tensor : ExpectedTensor.of(config)) {
            GgufTensor stored = gguf.tensor(tensor.ggufName());
            if (stored == null) {
                throw new ModelLoadException("%s: tensor %s is missing; the metadata calls for it with shape %s"
                        .formatted(file, tensor.ggufName(), tensor.shape()));
            }
            if (!stored.dimensions().reversed().equals(tensor.shape())) {
                throw new ModelLoadException("%s: tensor %s has shape %s; the metadata calls for %s"
                        .formatted(file, tensor.ggufName(), stored.dimensions().reversed(), tensor.shape()));
            }
            known.add(tensor.ggufName());
            expected.put(tensor.name(), tensor);
        }
        for (String name : gguf.tensors().keySet()) {
            if (!known.contains(name)) {
                throw new ModelLoadException("%s: tensor %s is not part of a %s model"
                        .formatted(file, name, config.architecture().id()));
            }
        }
        return expected;
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
        var sorted = new TreeMap<String, GgufTensor>(Utf8.BYTE_ORDER);
        sorted.putAll(gguf.tensors());
        var content = new ContentDigest(HuggingFaceCheckpoint.DIGEST_DOMAIN, config.identity(), sorted.size());
        sorted.forEach((name, tensor) ->
                content.tensor(name, tensor.type().name(), tensor.dimensionArray(), gguf.data(tensor)));
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
        ExpectedTensor tensor = expected.get(name);
        GgufTensor stored = tensor == null ? null : gguf.tensor(tensor.ggufName());
        if (tensor == null || stored == null) {
            throw new ModelLoadException("the model has no tensor " + name);
        }
        boolean permuted = tensor.permutedHeads() > 0 && config.architecture() == Architecture.LLAMA;
        if (stored.type() == GgufType.BF16 && !permuted) {
            return gguf.data(stored);
        }
        long values = (long) stored.rows() * stored.columns();
        MemorySegment bf16 = target.allocate(values * Bf16.BYTES, ALIGNMENT_BYTES);
        if (permuted && tensor.shape().size() == 1) {
            // A bias is one row in the file; its values are moved as the rows of its matrix are.
            MemorySegment source = target.allocate(values * Bf16.BYTES, ALIGNMENT_BYTES);
            Dequantizer.toBf16(stored.type(), gguf.data(stored), 1, stored.columns(), row -> row, source);
            Dequantizer.toBf16(GgufType.BF16, source, stored.columns(), 1, transformersOrder(), bf16);
        } else {
            Dequantizer.RowOrder order = permuted ? transformersOrder() : row -> row;
            Dequantizer.toBf16(stored.type(), gguf.data(stored), stored.rows(), stored.columns(), order, bf16);
        }
        return bf16;
    }

    /// In each head of a llama GGUF the two halves that rotary embedding pairs are interleaved: file row `2i +
    /// half` is Transformers' row `half * headDim/2 + i`.
    private Dequantizer.RowOrder transformersOrder() {
        int headDim = config.headDim();
        return row -> {
            int within = row % headDim;
            int half = within / (headDim / 2);
            return row - within + 2 * (within % (headDim / 2)) + half;
        };
    }

    @Override
    public MemorySegment bf16(String name) {
        return bf16(name, arena);
    }

    @Override
    public void close() {
        gguf.close();
        arena.close();
    }
}
