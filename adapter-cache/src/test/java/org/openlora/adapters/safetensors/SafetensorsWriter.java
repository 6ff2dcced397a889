package org.openlora.adapters.safetensors;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.openlora.kernels.Bf16;

/// Writes safetensors files for tests, correct ones and (from a header given as text) wrong ones.
public final class SafetensorsWriter {
    private record Entry(DType dtype, List<Long> shape, ByteBuffer bytes) {}

    private final Map<String, Entry> tensors = new LinkedHashMap<>();

    public SafetensorsWriter tensor(String name, DType dtype, long[] shape, byte[] bytes) {
        tensors.put(name, new Entry(dtype, LongStream.of(shape).boxed().toList(), ByteBuffer.wrap(bytes)));
        return this;
    }

    /// Adds a tensor with the given values rounded to `dtype`.
    public SafetensorsWriter tensor(String name, DType dtype, long[] shape, float[] values) {
        return tensor(name, dtype, shape, encode(dtype, values));
    }

    public SafetensorsWriter remove(String name) {
        tensors.remove(name);
        return this;
    }

    public byte[] bytes() {
        var data = new ByteArrayOutputStream();
        String header = tensors.entrySet().stream()
                .map(entry -> {
                    long begin = data.size();
                    data.writeBytes(entry.getValue().bytes().array());
                    return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                            .formatted(
                                    entry.getKey(),
                                    entry.getValue().dtype(),
                                    entry.getValue().shape(),
                                    begin,
                                    data.size());
                })
                .collect(Collectors.joining(",", "{", "}"));
        return withHeader(header, data.toByteArray());
    }

    public Path write(Path file) {
        return write(file, bytes());
    }

    public static Path write(Path file, byte[] bytes) {
        try {
            return Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static byte[] withHeader(String header, byte[] data) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(Long.BYTES + json.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .put(data)
                .array();
    }

    public static byte[] encode(DType dtype, float[] values) {
        ByteBuffer bytes =
                ByteBuffer.allocate(values.length * dtype.elementBytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            if (dtype == DType.F32) {
                bytes.putFloat(value);
            } else if (dtype == DType.F16) {
                bytes.putShort(Float.floatToFloat16(value));
            } else {
                bytes.putShort(Bf16.fromFloat(value));
            }
        }
        return bytes.array();
    }
}
