package org.openlora.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.Digest;
import org.openlora.adapters.LlamaModules;
import org.openlora.adapters.ModuleShape;
import org.openlora.adapters.peft.PeftAdapter;
import org.openlora.kernels.Bf16;
import org.openlora.kernels.LoraLayout;
import org.openlora.kernels.LoraSlot;

/// Small adapters in folders, which are written, spoiled, repaired and deleted while they are served; and what is true
/// of them: which content stood where, since when, and what each content's weights are.
final class AdapterShelf {
    /// One layer, hidden size 8.
    static final BaseWeights BASE = new LlamaModules(
            new Digest("5a".repeat(32)),
            1,
            8,
            2,
            1,
            4,
            8,
            FakeModel.VOCABULARY,
            true,
            LoraLayout.RANK_ROWS,
            (name, _) -> {
                throw new AssertionError("no adapter here scales the base's " + name);
            });

    private static final String MODULE = "model.layers.0.self_attn.q_proj";
    static final String CONFIG = "adapter_config.json";
    static final String WEIGHTS = "adapter_model.safetensors";

    private final Path root;
    private final InstantSource clock;
    private final Map<String, Digest> held = new HashMap<>();
    private final Map<Digest, Instant> missedLast = new HashMap<>();
    private final Map<Digest, Long> weightKeys = new HashMap<>();

    AdapterShelf(Path root, InstantSource clock) {
        this.root = root;
        this.clock = clock;
    }

    Path root() {
        return root;
    }

    boolean holds(String name) {
        return held.containsKey(name);
    }

    /// Writes an adapter whose rank and weights `content` decides, in place of what was there.
    void write(String name, long content) {
        SplittableRandom random = new SplittableRandom(content);
        int rank = 1 + random.nextInt(6);
        ModuleShape shape = BASE.shape(MODULE).orElseThrow();
        try {
            Path folder = Files.createDirectories(root.resolve(name));
            Files.writeString(folder.resolve(CONFIG), """
                    {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": %d, "lora_alpha": %d,
                     "target_modules": ["q_proj"], "bias": "none"}""".formatted(rank, 2 * rank));
            Files.write(folder.resolve(WEIGHTS), weights(rank, shape, random));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        settle(name);
    }

    /// Changes one byte of the weights, as a bad disk does.
    void spoil(String name, SplittableRandom random) {
        try {
            spoil(root.resolve(name).resolve(WEIGHTS), random);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        settle(name);
    }

    static void spoil(Path file, SplittableRandom random) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(Byte.SIZE));
        Files.write(file, bytes);
    }

    /// Cuts the weights short, as a full disk does.
    void truncate(String name, SplittableRandom random) {
        Path file = root.resolve(name).resolve(WEIGHTS);
        try {
            byte[] bytes = Files.readAllBytes(file);
            Files.write(file, Arrays.copyOf(bytes, random.nextInt(bytes.length)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        settle(name);
    }

    void delete(String name) {
        Path folder = root.resolve(name);
        try {
            Files.deleteIfExists(folder.resolve(CONFIG));
            Files.deleteIfExists(folder.resolve(WEIGHTS));
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        settle(name);
    }

    /// Whether some folder lacked this content at `since` or later, or no folder has it.
    boolean missedSince(Digest digest, Instant since) {
        Instant last = missedLast.get(digest);
        return !held.containsValue(digest) || (last != null && !last.isBefore(since));
    }

    /// What the weights of a content are; null where it never stood in a folder as a sound adapter.
    @Nullable
    Long weightKey(Digest digest) {
        return weightKeys.get(digest);
    }

    /// Looks at what a change made of a folder.
    private void settle(String name) {
        Digest before = held.remove(name);
        Path folder = root.resolve(name);
        if (before != null) {
            missedLast.put(before, clock.instant());
        }
        if (!Files.exists(folder)) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            Digest now = PeftAdapter.read(folder, BASE).digest();
            held.put(name, now);
            missedLast.put(now, clock.instant()); // until then it was not here
            LoraSlot weights = PeftAdapter.load(folder, BASE, now, AdapterMemory.in(arena, now));
            weightKeys.put(now, WeightKeys.of(weights, BASE.layers()));
        } catch (AdapterException e) {
            held.remove(name); // spoilt beyond reading: nobody can be served from it
        }
    }

    private static byte[] weights(int rank, ModuleShape shape, SplittableRandom random) {
        int aBytes = rank * shape.inputs() * Bf16.BYTES;
        int bBytes = shape.outputs() * rank * Bf16.BYTES;
        String header = """
                {"base_model.model.%1$s.lora_A.weight":{"dtype":"BF16","shape":[%2$d,%3$d],"data_offsets":[0,%5$d]},\
                "base_model.model.%1$s.lora_B.weight":{"dtype":"BF16","shape":[%4$d,%2$d],"data_offsets":[%5$d,%6$d]}}\
                """.formatted(MODULE, rank, shape.inputs(), shape.outputs(), aBytes, aBytes + bBytes);
        byte[] json = header.strip().getBytes(StandardCharsets.US_ASCII);
        ByteBuffer file =
                ByteBuffer.allocate(Long.BYTES + json.length + aBytes + bBytes).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(json.length).put(json);
        while (file.hasRemaining()) {
            file.putShort(Bf16.fromFloat(random.nextInt(-100, 101) / 100f));
        }
        return file.array();
    }
}
