package org.openlora.engine.golden;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.openlora.adapters.safetensors.DType;
import org.openlora.adapters.safetensors.SafetensorsCheckpoint;

/// A copy of an adapter's folder that a test changes, to say on disk what a wrong reader would have made of it.
final class EditableAdapter {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /// @param data as stored
    @SuppressWarnings("ArrayRecordComponent") // Written to a file; never compared.
    record Tensor(DType dtype, long[] shape, byte[] data) {}

    private final ObjectNode config;
    private final SortedMap<String, Tensor> tensors = new TreeMap<>();

    private EditableAdapter(ObjectNode config) {
        this.config = config;
    }

    static EditableAdapter read(Path folder) throws IOException {
        var adapter = new EditableAdapter(
                (ObjectNode) JSON.readTree(folder.resolve("adapter_config.json").toFile()));
        try (SafetensorsCheckpoint source = SafetensorsCheckpoint.open(folder, "adapter_model")) {
            source.tensors()
                    .forEach((name, info) -> adapter.tensors.put(
                            name,
                            new Tensor(
                                    info.dtype(),
                                    info.shapeArray(),
                                    source.data(name).toArray(ValueLayout.JAVA_BYTE))));
        }
        return adapter;
    }

    /// Sets fields of the config, given as JSON with single quotes.
    void config(String fields) {
        try {
            config.setAll((ObjectNode) JSON.readTree(fields.replace('\'', '"')));
        } catch (IOException e) {
            throw new IllegalArgumentException(fields, e);
        }
    }

    /// Turns the order of a pattern's keys around.
    void reverse(String pattern) {
        var reversed = JSON.createObjectNode();
        ObjectNode original = (ObjectNode) config.get(pattern);
        original.propertyStream().toList().reversed().forEach(entry -> reversed.set(entry.getKey(), entry.getValue()));
        config.set(pattern, reversed);
    }

    void remove(Predicate<String> names) {
        tensors.keySet().removeIf(names);
    }

    /// Takes a tensor for another beside it.
    void copy(String tensor, String other) {
        tensors.put(other, Objects.requireNonNull(tensors.get(tensor), tensor));
    }

    /// Takes tensors for others; each needs a name of its own.
    void rename(UnaryOperator<String> names) {
        var renamed = new TreeMap<String, Tensor>();
        tensors.forEach((name, tensor) -> renamed.put(names.apply(name), tensor));
        if (renamed.size() != tensors.size()) {
            throw new IllegalArgumentException("two tensors would have one name: " + renamed.keySet());
        }
        tensors.clear();
        tensors.putAll(renamed);
    }

    /// Takes the same bytes for numbers of another type.
    void readAs(DType dtype) {
        tensors.replaceAll((name, tensor) -> new Tensor(dtype, tensor.shape(), tensor.data()));
    }

    /// Pads every pair with zeros to a larger rank, or cuts it to a smaller one.
    void resize(int rank) {
        tensors.replaceAll((name, tensor) -> {
            boolean isA = name.contains("lora_A") || name.contains("lora_embedding_A");
            boolean isB = name.contains("lora_B") || name.contains("lora_embedding_B");
            if (!isA && !isB) {
                return tensor;
            }
            int from = (int) tensor.shape()[isA ? 0 : 1];
            int other = (int) tensor.shape()[isA ? 1 : 0];
            int bytes = tensor.dtype().elementBytes();
            byte[] data = new byte[rank * other * bytes];
            for (int r = 0; r < Math.min(rank, from); r++) {
                for (int i = 0; i < other; i++) {
                    int source = isA ? r * other + i : i * from + r;
                    int target = isA ? r * other + i : i * rank + r;
                    System.arraycopy(tensor.data(), source * bytes, data, target * bytes, bytes);
                }
            }
            return new Tensor(tensor.dtype(), isA ? new long[] {rank, other} : new long[] {other, rank}, data);
        });
    }

    /// Writes config and one file of weights.
    Path write(Path folder) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("adapter_config.json"), config.toString());
        ObjectNode header = JSON.createObjectNode();
        var body = new ByteArrayOutputStream();
        tensors.forEach((name, tensor) -> {
            ObjectNode entry =
                    header.putObject(name).put("dtype", tensor.dtype().name());
            ArrayNode shape = entry.putArray("shape");
            for (long dimension : tensor.shape()) {
                shape.add(dimension);
            }
            entry.putArray("data_offsets").add(body.size()).add(body.size() + tensor.data().length);
            body.writeBytes(tensor.data());
        });
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        Files.write(
                folder.resolve("adapter_model.safetensors"),
                ByteBuffer.allocate(Long.BYTES + json.length + body.size())
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(json.length)
                        .put(json)
                        .put(body.toByteArray())
                        .array());
        return folder;
    }
}
