package org.openlora.engine.golden;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/// The four PEFT adapters of the SmolLM2 fixtures, made from a formula instead of being stored.
///
/// `tools/golden/golden_adapters.py` defines the formula and makes the same files bit for bit; the reference
/// tokens and logits under `golden/smollm2` were computed with them. Which modules an adapter changes, at which
/// ranks, stands in `golden/smollm2/adapters.json`; its `adapter_config.json` is a fixture as well and is copied
/// as it is.
public final class GoldenAdapters {
    private static final String FIXTURES = "/golden/smollm2/";
    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

    /// One adapter: `digest` is its identity (`sha256:…`), `safetensorsSha256` the hash of the file that
    /// [#write] makes.
    public record Adapter(
            String name,
            String summary,
            String dtype,
            double scaleA,
            double scaleB,
            String digest,
            String safetensorsSha256,
            List<LoraModule> modules) {
        public Adapter {
            modules = List.copyOf(modules);
        }
    }

    /// One adapted linear layer: A has the shape [rank, in], B [out, rank].
    public record LoraModule(String name, int in, int out, int rank) {}

    private record Tensor(int rows, int columns, ByteBuffer data) {}

    private record Listing(List<Adapter> adapters) {}

    private GoldenAdapters() {}

    /// All four, in the order of the fixtures.
    public static List<Adapter> all() {
        JsonMapper mapper = JsonMapper.builder()
                .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
                .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
                .build();
        try {
            return List.copyOf(
                    mapper.readValue(fixture("adapters.json"), Listing.class).adapters());
        } catch (IOException e) {
            throw new UncheckedIOException("golden/smollm2/adapters.json", e);
        }
    }

    /// Writes the adapter as a PEFT folder `directory/<name>` and returns that folder.
    public static Path write(Adapter adapter, Path directory) throws IOException {
        Path folder = Files.createDirectories(directory.resolve(adapter.name()));
        Files.write(
                folder.resolve("adapter_config.json"), fixture("adapters/" + adapter.name() + "/adapter_config.json"));
        Files.write(folder.resolve("adapter_model.safetensors"), safetensors(adapter.dtype(), tensors(adapter)));
        return folder;
    }

    private static byte[] fixture(String name) throws IOException {
        try (InputStream stream = GoldenAdapters.class.getResourceAsStream(FIXTURES + name)) {
            if (stream == null) {
                throw new IOException("no test resource " + FIXTURES + name);
            }
            return stream.readAllBytes();
        }
    }

    private static SortedMap<String, Tensor> tensors(Adapter adapter) {
        SortedMap<String, Tensor> tensors = new TreeMap<>();
        for (LoraModule module : adapter.modules()) {
            String prefix = "base_model.model." + module.name();
            String a = prefix + ".lora_A.weight";
            String b = prefix + ".lora_B.weight";
            tensors.put(a, tensor(adapter, a, module.rank(), module.in(), (float) adapter.scaleA()));
            tensors.put(b, tensor(adapter, b, module.out(), module.rank(), (float) adapter.scaleB()));
        }
        return tensors;
    }

    private static Tensor tensor(Adapter adapter, String name, int rows, int columns, float scale) {
        int elementBytes = adapter.dtype().equals("F32") ? Float.BYTES : Short.BYTES;
        ByteBuffer data = ByteBuffer.allocate(rows * columns * elementBytes).order(ByteOrder.LITTLE_ENDIAN);
        long seed = seed(adapter.name() + "/" + name);
        for (int element = 0; element < rows * columns; element++) {
            float unit = (splitmix64(seed + element * GOLDEN_GAMMA) >>> 40) * 0x1p-23f - 1.0f; // exact, in [-1, 1)
            short bits = bf16Bits(unit * scale);
            float value = Float.intBitsToFloat(bits << 16);
            switch (adapter.dtype()) {
                case "BF16" -> data.putShort(bits);
                case "F16" -> data.putShort(Float.floatToFloat16(value));
                case "F32" -> data.putFloat(value);
                default -> throw new IllegalStateException("no such dtype in the fixtures: " + adapter.dtype());
            }
        }
        return new Tensor(rows, columns, data);
    }

    private static long seed(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return ByteBuffer.wrap(hash).order(ByteOrder.LITTLE_ENDIAN).getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static long splitmix64(long state) {
        long z = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /// Round to nearest, ties to even.
    private static short bf16Bits(float value) {
        int bits = Float.floatToRawIntBits(value);
        return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }

    /// Tensors by name, one after the other; the header padded with spaces to a multiple of eight bytes.
    private static byte[] safetensors(String dtype, SortedMap<String, Tensor> tensors) {
        StringBuilder header = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        tensors.forEach((name, tensor) -> {
            int start = body.size();
            body.writeBytes(tensor.data().array());
            header.append(",\"%s\":{\"dtype\":\"%s\",\"shape\":[%d,%d],\"data_offsets\":[%d,%d]}"
                    .formatted(name, dtype, tensor.rows(), tensor.columns(), start, body.size()));
        });
        header.append('}').repeat(" ", Math.floorMod(-header.length(), Long.BYTES));
        return ByteBuffer.allocate(Long.BYTES + header.length() + body.size())
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length())
                .put(header.toString().getBytes(StandardCharsets.US_ASCII))
                .put(body.toByteArray())
                .array();
    }
}
