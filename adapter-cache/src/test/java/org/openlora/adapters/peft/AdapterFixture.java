package org.openlora.adapters.peft;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.openlora.adapters.Digest;
import org.openlora.adapters.LlamaModules;
import org.openlora.adapters.ModuleShape;
import org.openlora.adapters.safetensors.DType;
import org.openlora.adapters.safetensors.SafetensorsWriter;
import org.openlora.kernels.Bf16;
import org.openlora.kernels.LoraLayout;
import org.openlora.kernels.LoraPoint;

/// Writes adapter folders for tests: a sound one, which a test then spoils.
public final class AdapterFixture {
    public static final Digest BASE_DIGEST = new Digest("ab".repeat(32));

    /// Hidden size 16, 4 heads of 4, 2 key/value heads, MLP of 24, 2 layers, 40 tokens, a head of its own.
    public static final LlamaModules BASE = base(false);

    private static final ObjectMapper JSON = new ObjectMapper();

    private final ObjectNode config = JSON.createObjectNode();
    private final SafetensorsWriter weights = new SafetensorsWriter();
    private final Random random;

    private AdapterFixture(long seed) {
        random = new Random(seed);
    }

    /// [#BASE], with one weight for head and embedding or with two.
    public static LlamaModules base(boolean tiedHead) {
        return new LlamaModules(
                BASE_DIGEST, 2, 16, 4, 2, 4, 24, 40, tiedHead, LoraLayout.RANK_ROWS, AdapterFixture::baseWeight);
    }

    /// Numbers that the tensor's name alone decides, as bf16; more than any shape of the base needs.
    private static MemorySegment baseWeight(String name, Arena arena) {
        MemorySegment weight = arena.allocate(1024 * Bf16.BYTES, 16);
        var random = new Random(name.hashCode());
        for (int i = 0; i < 1024; i++) {
            short bits = Bf16.fromFloat((random.nextInt(257) - 128) / 128f);
            weight.set(ValueLayout.JAVA_SHORT, (long) i * Bf16.BYTES, bits);
        }
        return weight;
    }

    /// The first numbers of a weight of the base.
    public static float[] baseFloats(String module, int count) {
        try (Arena arena = Arena.ofConfined()) {
            var values = new float[count];
            Bf16.toFloats(BASE.weight(module, arena), 0, count, values, 0);
            return values;
        }
    }

    /// Neither config nor tensors; other seeds give other weights.
    public static AdapterFixture empty(long seed) {
        return new AdapterFixture(seed);
    }

    /// A sound adapter of rank 4 on q_proj and v_proj of both layers; other seeds give other weights.
    public static AdapterFixture sound(long seed) {
        var fixture = new AdapterFixture(seed);
        fixture.config("{'peft_type':'LORA','task_type':'CAUSAL_LM','r':4,'lora_alpha':8,"
                + "'target_modules':['q_proj','v_proj'],'bias':'none','inference_mode':true,'lora_dropout':0.05}");
        for (int layer = 0; layer < BASE.layers(); layer++) {
            fixture.pair("model.layers." + layer + ".self_attn.q_proj", 4, DType.F32);
            fixture.pair("model.layers." + layer + ".self_attn.v_proj", 4, DType.F32);
        }
        return fixture;
    }

    /// Sets fields of the config, given as JSON with single quotes.
    public AdapterFixture config(String fields) {
        try {
            config.setAll((ObjectNode) JSON.readTree(fields.replace('\'', '"')));
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public AdapterFixture pair(String module, int rank, DType dtype) {
        ModuleShape shape = BASE.shape(module).orElseThrow();
        tensor(a(module), dtype, rank, shape.inputs());
        return tensor(b(module), dtype, shape.outputs(), rank);
    }

    /// DoRA's magnitudes, all positive.
    public AdapterFixture magnitude(String module, DType dtype) {
        var values = new float[BASE.shape(module).orElseThrow().outputs()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (1 + random.nextInt(256)) / 32f;
        }
        return tensor(magnitude(module), dtype, new long[] {values.length}, SafetensorsWriter.encode(dtype, values));
    }

    public AdapterFixture tensor(String name, DType dtype, int rows, int columns) {
        var values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (random.nextInt(257) - 128) / 128f;
        }
        return tensor(name, dtype, rows, columns, values);
    }

    public AdapterFixture tensor(String name, DType dtype, int rows, int columns, float[] values) {
        weights.tensor(name, dtype, new long[] {rows, columns}, values);
        return this;
    }

    public AdapterFixture tensor(String name, DType dtype, long[] shape, byte[] bytes) {
        weights.tensor(name, dtype, shape, bytes);
        return this;
    }

    public AdapterFixture remove(String tensor) {
        weights.remove(tensor);
        return this;
    }

    public byte[] weightBytes() {
        return weights.bytes();
    }

    public Path write(Path folder) {
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve(PeftConfig.FILE_NAME), config.toString());
            weights.write(folder.resolve("adapter_model.safetensors"));
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static String a(String module) {
        return name(module, TensorRole.A);
    }

    public static String b(String module) {
        return name(module, TensorRole.B);
    }

    public static String magnitude(String module) {
        return name(module, TensorRole.MAGNITUDE);
    }

    public static String baseCopy(String module) {
        return name(module, TensorRole.BASE_COPY);
    }

    private static String name(String module, TensorRole role) {
        return "base_model.model." + module + "."
                + role.written(BASE.shape(module).map(ModuleShape::point).orElse(LoraPoint.QKV));
    }
}
