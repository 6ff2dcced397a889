package org.openlora.server.serving;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The smallest adapter of the bundled model: rank 1 on one matrix, which it leaves as it is.
final class TinyAdapter {
    static final List<String> FILES = List.of("adapter_config.json", "adapter_model.safetensors");

    private static final int WIDTH = 256;
    private static final String MODULE = "base_model.model.model.layers.0.self_attn.q_proj.";

    private TinyAdapter() {}

    /// Writes its files into a folder.
    static void write(Path folder) throws IOException {
        Files.writeString(folder.resolve(FILES.getFirst()), """
                {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "openlora-tiny", "r": 1,
                 "lora_alpha": 1, "target_modules": ["q_proj"], "layers_to_transform": [0], "bias": "none"}
                """);
        int bytes = WIDTH * Float.BYTES;
        byte[] header = """
                {"%slora_A.weight":{"dtype":"F32","shape":[1,%d],"data_offsets":[0,%d]},\
                "%slora_B.weight":{"dtype":"F32","shape":[%d,1],"data_offsets":[%d,%d]}}"""
                .formatted(MODULE, WIDTH, bytes, MODULE, WIDTH, bytes, 2 * bytes)
                .getBytes(StandardCharsets.UTF_8);
        ByteBuffer file =
                ByteBuffer.allocate(Long.BYTES + header.length + 2 * bytes).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(header.length).put(header);
        Files.write(folder.resolve(FILES.getLast()), file.array());
    }
}
