package org.openlora.adapters.peft;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.openlora.adapters.Digest;
import org.openlora.adapters.LlamaModules;
import org.openlora.adapters.ModuleShape;
import org.openlora.adapters.safetensors.DType;
import org.openlora.adapters.safetensors.SafetensorsWriter;

/// Writes adapter folders for tests: a sound one, which a test then spoils.
public final class AdapterFixture {
    public static final Digest BASE_DIGEST = new Digest("ab".repeat(32));

    /// Hidden size 16, 4 heads of 4, 2 key/value heads, MLP of 24, 2 layers.
    public static final LlamaModules BASE = new LlamaModules(BASE_DIGEST, 2, 16, 4, 2, 4, 24);

    private static final ObjectMapper JSON = new ObjectMapper();

    private final ObjectNode config = JSON.createObjectNode();
    private final SafetensorsWriter weights = new SafetensorsWriter();
    private final Random random;

    private AdapterFixture(long seed) {
        random = new Random(seed);
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
        return "base_model.model." + module + ".lora_A.weight";
    }

    public static String b(String module) {
        return "base_model.model." + module + ".lora_B.weight";
    }
}
