package org.openlora.benchmarks.fleet;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.ModuleShape;
import org.openlora.kernels.Bf16;

/// Writes one adapter of a fleet as PEFT does: `adapter_config.json` and `adapter_model.safetensors`, bf16.
final class PeftFolder {
    private static final ObjectMapper JSON = new ObjectMapper();
    /// A trained adapter moves what a layer gives by a fraction of it; less would leave the greedy answer the base's.
    private static final double DELTA = 0.25;
    /// Safetensors pads its header so that the data behind it is aligned.
    private static final int ALIGNMENT_BYTES = 8;

    private static final int SHORTS_PER_LONG = 4;

    private final FleetSpec spec;
    private final BaseWeights base;

    PeftFolder(FleetSpec spec, BaseWeights base) {
        this.spec = spec;
        this.base = base;
    }

    /// @param bound of its values, which are uniform in [-bound, bound)
    private record Tensor(String name, int rows, int columns, double bound) {
        long bytes() {
            return (long) rows * columns * Bf16.BYTES;
        }
    }

    /// Writes adapter number `adapter` into an existing, empty folder.
    void write(int adapter, Path folder) throws IOException {
        int rank = spec.rank(adapter);
        Files.writeString(folder.resolve("adapter_config.json"), config(rank));
        List<Tensor> tensors = tensors(rank);
        byte[] header = header(tensors);
        long dataBytes = tensors.stream().mapToLong(Tensor::bytes).sum();
        ByteBuffer file = ByteBuffer.allocate(Math.toIntExact(Long.BYTES + header.length + dataBytes))
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header);
        SplittableRandom random = spec.random(adapter).split();
        tensors.forEach(tensor -> fill(file, tensor, random));
        file.flip();
        try (FileChannel channel = FileChannel.open(
                folder.resolve("adapter_model.safetensors"), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            while (file.hasRemaining()) {
                channel.write(file);
            }
        }
    }

    private String config(int rank) {
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        config.put("base_model_name_or_path", "fleet");
        config.put("peft_type", "LORA");
        config.put("task_type", "CAUSAL_LM");
        config.put("bias", "none");
        config.put("r", rank);
        config.put("lora_alpha", 2 * rank);
        spec.targets().forEach(config.putArray("target_modules")::add);
        return config.toPrettyString();
    }

    private List<Tensor> tensors(int rank) {
        List<Tensor> tensors = new ArrayList<>();
        for (String path : base.modulePaths()) {
            if (spec.targets().contains(path.substring(path.lastIndexOf('.') + 1))) {
                ModuleShape shape = base.shape(path).orElseThrow();
                String name = "base_model.model." + path;
                // A as PEFT begins; B so that the delta's size does not depend on the rank.
                tensors.add(new Tensor(name + ".lora_A.weight", rank, shape.inputs(), 1 / Math.sqrt(shape.inputs())));
                tensors.add(new Tensor(name + ".lora_B.weight", shape.outputs(), rank, DELTA / Math.sqrt(rank)));
            }
        }
        return tensors;
    }

    private static byte[] header(List<Tensor> tensors) throws IOException {
        ObjectNode header = JsonNodeFactory.instance.objectNode();
        long begin = 0;
        for (Tensor tensor : tensors) {
            ObjectNode entry = header.putObject(tensor.name());
            entry.put("dtype", "BF16");
            entry.putArray("shape").add(tensor.rows()).add(tensor.columns());
            entry.putArray("data_offsets").add(begin).add(begin + tensor.bytes());
            begin += tensor.bytes();
        }
        String json = JSON.writeValueAsString(header);
        int padding = Math.floorMod(-json.length(), ALIGNMENT_BYTES);
        return (json + " ".repeat(padding)).getBytes(StandardCharsets.US_ASCII);
    }

    private static void fill(ByteBuffer out, Tensor tensor, SplittableRandom random) {
        float step = (float) (tensor.bound() / -Short.MIN_VALUE);
        long values = (long) tensor.rows() * tensor.columns();
        long bits = 0;
        for (long i = 0; i < values; i++) {
            bits = i % SHORTS_PER_LONG == 0 ? random.nextLong() : bits >>> Short.SIZE;
            out.putShort(Bf16.fromFloat((short) bits * step));
        }
    }
}
