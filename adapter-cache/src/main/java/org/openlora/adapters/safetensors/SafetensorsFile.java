package org.openlora.adapters.safetensors;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import org.openlora.adapters.OneLine;

/// One safetensors file, mapped into memory: eight bytes of little-endian header length, a JSON header, the
/// tensors' bytes.
///
/// Refused with a [SafetensorsException] that names the tensor: whatever the format does not allow, and more than
/// 8 dimensions or 500,000 tensors. May be read from any thread; must not be used after [#close].
public final class SafetensorsFile implements TensorSource {
    private static final int LENGTH_BYTES = Long.BYTES;

    private final Path path;
    private final Arena arena;
    private final MemorySegment mapped;
    private final SortedMap<String, TensorInfo> tensors;
    private final Map<String, String> metadata;

    private SafetensorsFile(Path path, Arena arena, MemorySegment mapped, SafetensorsHeader header) {
        this.path = path;
        this.arena = arena;
        this.mapped = mapped;
        this.tensors = Collections.unmodifiableSortedMap(header.tensors());
        this.metadata = Map.copyOf(header.metadata());
    }

    /// Maps and checks a file; throws [SafetensorsException] also where it cannot be read.
    public static SafetensorsFile open(Path path) {
        // A pipe would wait for ever, a device never end.
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new SafetensorsException(path + ": not a regular file");
        }
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            long size = channel.size();
            SafetensorsHeader header = readHeader(path, channel, size);
            MemorySegment mapped = channel.map(MapMode.READ_ONLY, 0, size, arena);
            return new SafetensorsFile(path, arena, mapped, header);
        } catch (NoSuchFileException e) {
            arena.close();
            throw new SafetensorsException(path + ": no such file", e);
        } catch (IOException e) {
            arena.close();
            throw new SafetensorsException(path + ": cannot be read: " + OneLine.reason(e), e);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    public Path path() {
        return path;
    }

    /// The free-form strings under `__metadata__`.
    public Map<String, String> metadata() {
        return metadata;
    }

    @Override
    public SortedMap<String, TensorInfo> tensors() {
        return tensors;
    }

    @Override
    public MemorySegment data(String name) {
        TensorInfo info = info(name);
        return mapped.asSlice(info.offset(), info.sizeBytes());
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    private static SafetensorsHeader readHeader(Path path, FileChannel channel, long size) throws IOException {
        if (size < LENGTH_BYTES) {
            throw new SafetensorsException(path + ": " + size
                    + " bytes are too few for a safetensors file, which starts with 8 bytes of length");
        }
        long headerBytes = read(channel, 0, LENGTH_BYTES).getLong();
        if (headerBytes < 0 || headerBytes > size - LENGTH_BYTES) {
            throw new SafetensorsException(path + ": header of " + Long.toUnsignedString(headerBytes)
                    + " bytes is longer than the file of " + size + " bytes (truncated, or not safetensors)");
        }
        if (headerBytes > SafetensorsHeader.MAX_BYTES) {
            throw new SafetensorsException(path + ": header of " + headerBytes + " bytes is longer than the allowed "
                    + SafetensorsHeader.MAX_BYTES);
        }
        byte[] json = read(channel, LENGTH_BYTES, (int) headerBytes).array();
        long dataOffset = LENGTH_BYTES + headerBytes;
        return SafetensorsHeader.parse(path.toString(), json, dataOffset, size - dataOffset);
    }

    private static ByteBuffer read(FileChannel channel, long position, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, position + buffer.position()) < 0) {
                throw new EOFException("the file ended while it was read");
            }
        }
        return buffer.flip();
    }
}
