package org.openlora.engine.weights;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Writes GGUF version 3, right or, where a test says so, wrong.
public final class GgufBytes {
    private static final int ALIGNMENT = 32;
    private static final long UNCLAIMED = Long.MIN_VALUE;

    private final ByteArrayOutputStream keys = new ByteArrayOutputStream();
    private final ByteArrayOutputStream tensors = new ByteArrayOutputStream();
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();
    private int keyCount;
    private int tensorCount;
    int version = 3;
    long claimedTensors = UNCLAIMED;
    long claimedKeys = UNCLAIMED;

    public GgufBytes string(String key, String value) {
        return key(key, 8, text(value));
    }

    public GgufBytes u32(String key, int value) {
        return key(key, 4, le(4, value));
    }

    public GgufBytes f32(String key, float value) {
        return key(key, 6, le(4, Float.floatToRawIntBits(value)));
    }

    public GgufBytes flag(String key, boolean value) {
        return key(key, 7, new byte[] {(byte) (value ? 1 : 0)});
    }

    public GgufBytes strings(String key, List<String> values) {
        List<byte[]> parts = new ArrayList<>();
        parts.add(le(4, 8));
        parts.add(le(8, values.size()));
        values.forEach(value -> parts.add(text(value)));
        return key(key, 9, joined(parts));
    }

    public GgufBytes i32s(String key, List<Integer> values) {
        List<byte[]> parts = new ArrayList<>();
        parts.add(le(4, 5));
        parts.add(le(8, values.size()));
        values.forEach(value -> parts.add(le(4, value)));
        return key(key, 9, joined(parts));
    }

    public GgufBytes f32s(String key, List<Float> values) {
        List<byte[]> parts = new ArrayList<>();
        parts.add(le(4, 6));
        parts.add(le(8, values.size()));
        values.forEach(value -> parts.add(le(4, Float.floatToRawIntBits(value))));
        return key(key, 9, joined(parts));
    }

    public GgufBytes key(String key, int type, byte[] value) {
        keyCount++;
        keys.writeBytes(text(key));
        keys.writeBytes(le(4, type));
        keys.writeBytes(value);
        return this;
    }

    GgufBytes tensor(String name, int type, byte[] bytes, long... dimensions) {
        while (data.size() % ALIGNMENT != 0) {
            data.write(0);
        }
        entry(name, type, data.size(), dimensions);
        data.writeBytes(bytes);
        return this;
    }

    /// An entry of the tensor table alone.
    GgufBytes entry(String name, int type, long offset, long... dimensions) {
        tensorCount++;
        tensors.writeBytes(text(name));
        tensors.writeBytes(le(4, dimensions.length));
        for (long dimension : dimensions) {
            tensors.writeBytes(le(8, dimension));
        }
        tensors.writeBytes(le(4, type));
        tensors.writeBytes(le(8, offset));
        return this;
    }

    byte[] bytes() {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
        file.writeBytes(le(4, version));
        file.writeBytes(le(8, claimedTensors == UNCLAIMED ? tensorCount : claimedTensors));
        file.writeBytes(le(8, claimedKeys == UNCLAIMED ? keyCount : claimedKeys));
        file.writeBytes(keys.toByteArray());
        file.writeBytes(tensors.toByteArray());
        while (file.size() % ALIGNMENT != 0) {
            file.write(0);
        }
        file.writeBytes(data.toByteArray());
        return file.toByteArray();
    }

    public Path write(Path path) {
        try {
            return Files.write(path, bytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static byte[] text(String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        return joined(List.of(le(8, bytes.length), bytes));
    }

    static byte[] le(int width, long value) {
        byte[] bytes = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
        return java.util.Arrays.copyOf(bytes, width);
    }

    static byte[] joined(List<byte[]> parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        parts.forEach(all::writeBytes);
        return all.toByteArray();
    }
}
