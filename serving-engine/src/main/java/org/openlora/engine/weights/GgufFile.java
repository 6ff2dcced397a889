package org.openlora.engine.weights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A GGUF file (version 2 or 3, little-endian), memory-mapped, its header read and checked in full: when [#open]
/// returns, every tensor lies inside the file, on its alignment and on no other tensor.
///
/// Format: the GGUF specification of the ggml project.
public final class GgufFile implements AutoCloseable {
    private static final int MAGIC = 0x46554747; // "GGUF"
    private static final int MAX_TENSORS = 100_000;
    private static final int MAX_KEYS = 10_000;
    private static final int MAX_DIMENSIONS = 4;
    private static final int MIN_TENSOR_BYTES = 8 + 4 + 8 + 4 + 8;
    private static final int MIN_KEY_BYTES = 8 + 4 + 1;
    private static final int DEFAULT_ALIGNMENT = 32;
    private static final int MAX_ALIGNMENT = 1 << 16;

    private final Arena arena;
    private final MemorySegment bytes;
    private final GgufMetadata metadata;
    private final SortedMap<String, GgufTensor> tensors;

    private GgufFile(Arena arena, MemorySegment bytes, GgufMetadata metadata, SortedMap<String, GgufTensor> tensors) {
        this.arena = arena;
        this.bytes = bytes;
        this.metadata = metadata;
        this.tensors = tensors;
    }

    /// Maps and checks the file.
    ///
    /// @throws ModelLoadException naming what is wrong: the key or tensor
    public static GgufFile open(Path path) {
        Arena arena = Arena.ofShared();
        boolean opened = false;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            GgufFile file = parse(arena, bytes, String.valueOf(path.getFileName()));
            opened = true;
            return file;
        } catch (IOException e) {
            throw new ModelLoadException("%s cannot be read: %s".formatted(path, e), e);
        } finally {
            if (!opened) {
                arena.close();
            }
        }
    }

    public GgufMetadata metadata() {
        return metadata;
    }

    /// Tensors by name, in the order of their names.
    SortedMap<String, GgufTensor> tensors() {
        return tensors;
    }

    @Nullable
    GgufTensor tensor(String name) {
        return tensors.get(name);
    }

    /// The tensor's bytes in the file.
    MemorySegment data(GgufTensor tensor) {
        return bytes.asSlice(tensor.offset(), tensor.sizeBytes());
    }

    @Override
    public void close() {
        arena.close();
    }

    private static GgufFile parse(Arena arena, MemorySegment bytes, String file) {
        GgufReader reader = new GgufReader(bytes, file);
        if (reader.readInt("the magic number") != MAGIC) {
            throw reader.failure("not a GGUF file");
        }
        int version = reader.readInt("the version");
        if (version != 2 && version != 3) {
            boolean swapped = Integer.reverseBytes(version) == 2 || Integer.reverseBytes(version) == 3;
            throw reader.failure(
                    swapped
                            ? "big-endian GGUF is not supported"
                            : "GGUF version %s is not supported; 2 and 3 are"
                                    .formatted(Integer.toUnsignedString(version)));
        }
        int tensorCount = reader.readCount("the number of tensors", MAX_TENSORS, MIN_TENSOR_BYTES);
        int keyCount = reader.readCount("the number of keys", MAX_KEYS, MIN_KEY_BYTES);
        GgufMetadata metadata = new GgufMetadata(file, readKeys(reader, keyCount));
        SortedMap<String, GgufTensor> tensors = readTensors(reader, tensorCount, alignment(reader, metadata), bytes);
        return new GgufFile(arena, bytes, metadata, tensors);
    }

    private static Map<String, Object> readKeys(GgufReader reader, int count) {
        Map<String, Object> values = HashMap.newHashMap(count);
        for (int i = 0; i < count; i++) {
            String key = reader.readString("the name of key " + i);
            if (values.put(key, reader.readValue(key)) != null) {
                throw reader.failure("key %s stands twice".formatted(key));
            }
        }
        return values;
    }

    private static int alignment(GgufReader reader, GgufMetadata metadata) {
        int alignment = metadata.integer("general.alignment", 1, MAX_ALIGNMENT).orElse(DEFAULT_ALIGNMENT);
        if (alignment % 8 != 0) {
            throw reader.failure("key general.alignment is %d, not a multiple of 8".formatted(alignment));
        }
        return alignment;
    }

    private static SortedMap<String, GgufTensor> readTensors(
            GgufReader reader, int count, int alignment, MemorySegment bytes) {
        List<GgufTensor> headers = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            headers.add(readTensor(reader, i, alignment));
        }
        long dataStart = Math.ceilDiv(reader.position(), alignment) * alignment;
        SortedMap<String, GgufTensor> tensors = new TreeMap<>();
        for (GgufTensor header : headers) {
            GgufTensor tensor = placed(reader, header, dataStart, bytes.byteSize());
            if (tensors.put(tensor.name(), tensor) != null) {
                throw reader.failure("tensor %s stands twice".formatted(tensor.name()));
            }
        }
        refuseOverlaps(reader, tensors);
        return Collections.unmodifiableSortedMap(tensors);
    }

    /// One entry of the tensor table; its offset still counts from the start of the data.
    private static GgufTensor readTensor(GgufReader reader, int index, int alignment) {
        String name = reader.readString("the name of tensor " + index);
        int rank = reader.readInt("the rank of tensor " + name);
        if (rank < 1 || rank > MAX_DIMENSIONS) {
            throw reader.failure("tensor %s has %s dimensions; allowed are 1 to %d"
                    .formatted(name, Integer.toUnsignedString(rank), MAX_DIMENSIONS));
        }
        List<Long> shape = readDimensions(reader, name, rank);
        long values = values(reader, name, shape);
        GgufType type = GgufType.of(reader.readInt("the type of tensor " + name), reader.file(), name);
        if (shape.getFirst() % type.blockValues != 0) {
            throw reader.failure("tensor %s of type %s has rows of %d values, not whole blocks of %d"
                    .formatted(name, type, shape.getFirst(), type.blockValues));
        }
        long offset = reader.readLong("the offset of tensor " + name);
        if (offset < 0 || offset % alignment != 0) {
            throw reader.failure("tensor %s starts at %s, not on the alignment of %d bytes"
                    .formatted(name, Long.toUnsignedString(offset), alignment));
        }
        return new GgufTensor(name, type, shape, offset, values / type.blockValues * type.blockBytes);
    }

    private static List<Long> readDimensions(GgufReader reader, String name, int rank) {
        List<Long> dimensions = new ArrayList<>(rank);
        for (int i = 0; i < rank; i++) {
            long dimension = reader.readLong("a dimension of tensor " + name);
            if (dimension < 1 || dimension > Integer.MAX_VALUE) {
                throw reader.failure("tensor %s has a dimension of %s; allowed are 1 to %d"
                        .formatted(name, Long.toUnsignedString(dimension), Integer.MAX_VALUE));
            }
            dimensions.add(dimension);
        }
        return List.copyOf(dimensions);
    }

    private static long values(GgufReader reader, String name, List<Long> dimensions) {
        long values = 1;
        for (long dimension : dimensions) {
            if (values > Long.MAX_VALUE / 64 / dimension) {
                throw reader.failure("tensor %s has more values than can be addressed".formatted(name));
            }
            values *= dimension;
        }
        if (values / dimensions.getFirst() > Integer.MAX_VALUE) {
            throw reader.failure("tensor %s has more than %d rows".formatted(name, Integer.MAX_VALUE));
        }
        return values;
    }

    private static GgufTensor placed(GgufReader reader, GgufTensor header, long dataStart, long fileBytes) {
        long available = fileBytes - dataStart - header.offset();
        if (available < header.sizeBytes()) {
            throw reader.failure("tensor %s needs %d bytes, and %d of them lie beyond the end of the file"
                    .formatted(header.name(), header.sizeBytes(), header.sizeBytes() - Math.max(0, available)));
        }
        return new GgufTensor(
                header.name(), header.type(), header.dimensions(), dataStart + header.offset(), header.sizeBytes());
    }

    private static void refuseOverlaps(GgufReader reader, SortedMap<String, GgufTensor> tensors) {
        List<GgufTensor> byOffset = new ArrayList<>(tensors.values());
        byOffset.sort(Comparator.comparingLong(GgufTensor::offset));
        for (int i = 1; i < byOffset.size(); i++) {
            GgufTensor before = byOffset.get(i - 1);
            if (before.offset() + before.sizeBytes() > byOffset.get(i).offset()) {
                throw reader.failure(
                        "tensor %s overlaps tensor %s".formatted(byOffset.get(i).name(), before.name()));
            }
        }
    }
}
