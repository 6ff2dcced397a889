package org.openlora.engine.tensor;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.openlora.adapters.Digest;
import org.openlora.adapters.DigestBuilder;

/// Packed matrices of one base for one kernel, in a file of which every byte that is used is checked.
///
/// `n ‖ SHA-256 of the header ‖ header ‖ matrices`: n is the header's length, eight little-endian bytes; the header
/// is JSON that names the format, the base, the kernel, and each matrix with its shape, its place (bytes after the
/// header) and its digest.
final class PackedWeightsFile implements AutoCloseable {
    private static final String FORMAT = "openlora/packed-weights/v1";
    private static final int SHA256_BYTES = 32;
    private static final int PREFIX_BYTES = Long.BYTES + SHA256_BYTES;
    private static final int CHUNK_BYTES = 1 << 26;
    private static final int ALIGNMENT_BYTES = 64;
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final FileChannel channel;
    private final long body;
    private final Map<String, Entry> entries;

    private PackedWeightsFile(FileChannel channel, long body, Map<String, Entry> entries) {
        this.channel = channel;
        this.body = body;
        this.entries = entries;
    }

    /// One matrix, `[outputs, inputs]`, in its kernel's layout.
    record Matrix(String name, int outputs, int inputs, MemorySegment bytes) {}

    private record Entry(int outputs, int inputs, long at, long bytes, String digest) {}

    /// Opens a file and checks its header.
    ///
    /// @throws IOException in one line, if it cannot be read or is not of this base and kernel
    static PackedWeightsFile open(Path file, Digest base, String kernel) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        try {
            ByteBuffer prefix = ByteBuffer.allocate(PREFIX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            read(channel, prefix, 0);
            long length = prefix.flip().getLong();
            if (length < 0 || length > Math.min(channel.size() - PREFIX_BYTES, CHUNK_BYTES)) {
                throw new IOException("its header has " + length + " bytes");
            }
            byte[] stored = new byte[SHA256_BYTES];
            prefix.get(stored);
            byte[] header = new byte[(int) length];
            read(channel, ByteBuffer.wrap(header), PREFIX_BYTES);
            if (!Digest.sha256(header).equals(Digest.of(stored))) {
                throw new IOException("its header is damaged");
            }
            return new PackedWeightsFile(channel, PREFIX_BYTES + length, entries(header, base, kernel));
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /// A matrix in memory of the arena; empty where the file has none of that name and shape.
    ///
    /// @throws IOException in one line, if it cannot be read or is damaged
    Optional<MemorySegment> read(String name, int outputs, int inputs, Arena arena) throws IOException {
        Entry entry = entries.get(name);
        if (entry == null || entry.outputs() != outputs || entry.inputs() != inputs) {
            return Optional.empty();
        }
        if (entry.bytes() < 0 || entry.at() < 0 || entry.at() > channel.size() - body - entry.bytes()) {
            throw new IOException("matrix " + name + " does not lie within it");
        }
        MemorySegment bytes = arena.allocate(entry.bytes(), ALIGNMENT_BYTES);
        for (long at = 0; at < bytes.byteSize(); at += CHUNK_BYTES) {
            long size = Math.min(CHUNK_BYTES, bytes.byteSize() - at);
            read(channel, bytes.asSlice(at, size).asByteBuffer(), body + entry.at() + at);
        }
        if (!digest(bytes).toString().equals(entry.digest())) {
            throw new IOException("matrix " + name + " is damaged");
        }
        return Optional.of(bytes);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /// Writes beside the file and moves into its place, so that it is there whole or not at all.
    static void write(Path file, Digest base, String kernel, List<Matrix> matrices) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        Path temporary = Files.createTempFile(folder, "packed-", ".part");
        try {
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
                byte[] header = header(base, kernel, matrices);
                ByteBuffer prefix = ByteBuffer.allocate(PREFIX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
                prefix.putLong(header.length).put(Digest.sha256(header).bytes()).flip();
                append(channel, MemorySegment.ofBuffer(prefix));
                append(channel, MemorySegment.ofArray(header));
                for (Matrix matrix : matrices) {
                    append(channel, matrix.bytes());
                }
                channel.force(true);
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static byte[] header(Digest base, String kernel, List<Matrix> matrices) {
        ObjectNode header = JsonNodeFactory.instance.objectNode();
        header.put("format", FORMAT).put("base", base.toString()).put("kernel", kernel);
        ArrayNode list = header.putArray("matrices");
        long at = 0;
        for (Matrix matrix : matrices) {
            list.addObject()
                    .put("name", matrix.name())
                    .put("outputs", matrix.outputs())
                    .put("inputs", matrix.inputs())
                    .put("at", at)
                    .put("bytes", matrix.bytes().byteSize())
                    .put("digest", digest(matrix.bytes()).toString());
            at += matrix.bytes().byteSize();
        }
        return header.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static Map<String, Entry> entries(byte[] header, Digest base, String kernel) throws IOException {
        JsonNode root;
        try {
            root = JSON.readTree(header);
        } catch (JsonProcessingException e) {
            throw new IOException("its header is not JSON", e);
        }
        require("format", root, FORMAT);
        require("base", root, base.toString());
        require("kernel", root, kernel);
        Map<String, Entry> entries = new HashMap<>();
        for (JsonNode node : root.path("matrices")) {
            entries.put(
                    node.path("name").asText(),
                    new Entry(
                            node.path("outputs").asInt(),
                            node.path("inputs").asInt(),
                            node.path("at").asLong(-1),
                            node.path("bytes").asLong(-1),
                            node.path("digest").asText()));
        }
        return entries;
    }

    private static void require(String key, JsonNode header, String expected) throws IOException {
        String actual = header.path(key).asText();
        if (!actual.equals(expected)) {
            throw new IOException("its " + key + " is '" + actual + "', expected is " + expected);
        }
    }

    private static Digest digest(MemorySegment bytes) {
        return new DigestBuilder(FORMAT).lp(bytes).finish();
    }

    private static void read(FileChannel channel, ByteBuffer target, long position) throws IOException {
        long at = position;
        while (target.hasRemaining()) {
            int count = channel.read(target, at);
            if (count < 0) {
                throw new EOFException("it ends after " + at + " bytes");
            }
            at += count;
        }
    }

    private static void append(FileChannel channel, MemorySegment bytes) throws IOException {
        for (long at = 0; at < bytes.byteSize(); at += CHUNK_BYTES) {
            ByteBuffer chunk = bytes.asSlice(at, Math.min(CHUNK_BYTES, bytes.byteSize() - at))
                    .asByteBuffer();
            while (chunk.hasRemaining()) {
                channel.write(chunk);
            }
        }
    }
}
