package org.openlora.adapters.peft;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/// Spoils an adapter's files: knows their structure, so that what it makes gets past the first checks, and flips
/// plain bytes as well.
final class AdapterMutator {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String CONFIG = PeftConfig.FILE_NAME;
    private static final String WEIGHTS = "adapter_model.safetensors";
    private static final String INDEX = "adapter_model.safetensors.index.json";

    private static final List<String> FIELDS = List.of(
            "peft_type",
            "task_type",
            "r",
            "lora_alpha",
            "use_rslora",
            "use_dora",
            "rank_pattern",
            "alpha_pattern",
            "target_modules",
            "exclude_modules",
            "layers_to_transform",
            "layers_pattern",
            "bias",
            "lora_bias",
            "ensure_weight_tying",
            "init_lora_weights",
            "modules_to_save",
            "trainable_token_indices",
            "fan_in_fan_out",
            "target_parameters",
            "megatron_config",
            "loftq_config",
            "eva_config",
            "corda_config",
            "lora_ga_config",
            "velora_config",
            "kasa_config",
            "use_bdlora",
            "arrow_config",
            "monteclora_config",
            "use_qalora",
            "alora_invocation_tokens",
            "layer_replication",
            "inference_mode",
            "revision",
            "something_new");

    /// JSON with single quotes.
    private static final List<String> VALUES = List.of(
            "null",
            "true",
            "false",
            "0",
            "1",
            "2",
            "3",
            "4",
            "-1",
            "512",
            "513",
            "2147483648",
            "1e308",
            "1e999",
            "0.5",
            "-0.0",
            "9223372036854775808",
            "123456789012345678901234567890",
            "''",
            "'x'",
            "'LORA'",
            "'CAUSAL_LM'",
            "'none'",
            "'all-linear'",
            "'ALL-LINEAR'",
            "'.*'",
            "'.*q_proj'",
            "'(a+)+$'",
            "'(.*)*x'",
            "'((((((((((a))))))))))'",
            "'(?i)Q_PROJ'",
            "'[[a]]'",
            "'a{1,99999}'",
            "'(a{1,999}){1,999}'",
            "'\\\\'",
            "'(?<=a)b'",
            "'(.*)\\\\1'",
            "'a\\u0000b'",
            "'\\ud800'",
            "'lm_head'",
            "'model.embed_tokens'",
            "['q_proj','v_proj']",
            "['lm_head']",
            "['embed_tokens']",
            "['']",
            "[null]",
            "[[]]",
            "[0,1]",
            "[1,1,0]",
            "[-1]",
            "[99999999999]",
            "['layers']",
            "[]",
            "{}",
            "{'q_proj':3}",
            "{'q_proj':-1}",
            "{'(':1}",
            "{'(.*)*$':2}",
            "{'.*':1e400}",
            "{'a':{'b':{'c':1}}}",
            "[[[[[[[[[[]]]]]]]]]]",
            "'layers'",
            "'(a|b)'",
            "'../../etc/passwd'",
            "'\\n\\r\\u2028'",
            "'pissa_niter_4'",
            "'eva'");

    private static final List<String> NAMES = List.of(
            "base_model.model.lm_head.lora_A.weight",
            "base_model.model.lm_head.weight",
            "base_model.model.model.embed_tokens.lora_embedding_A",
            "base_model.model.model.embed_tokens.modules_to_save.weight",
            "base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight",
            "base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight",
            "base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector",
            "base_model.model.model.layers.0.self_attn.q_proj.base_layer.weight",
            "base_model.model.model.layers.0.self_attn.q_proj.lora_B.bias",
            "base_model.model..lora_A.weight",
            "",
            "__metadata__",
            "../../../etc/passwd",
            "a\u0000b",
            "\ud83d\ude00",
            "x".repeat(1025),
            "lm_head.weight");

    private static final List<String> DTYPES =
            List.of("F32", "F16", "BF16", "F64", "I8", "U8", "BOOL", "F8_E4M3", "F4", "f32", "", "X");

    private static final long[] SIZES = {
        0,
        1,
        2,
        3,
        4,
        7,
        8,
        15,
        16,
        17,
        64,
        1000,
        65_536,
        1L << 31,
        1L << 40,
        1L << 62,
        Long.MAX_VALUE,
        -1,
        -8,
        Long.MIN_VALUE
    };

    private final RandomGenerator random;

    AdapterMutator(RandomGenerator random) {
        this.random = random;
    }

    /// One to four changes of a copy of `files`, which are by name.
    Map<String, byte[]> spoil(Map<String, byte[]> files) {
        var spoilt = new TreeMap<>(files);
        for (int change = random.nextInt(4); change >= 0; change--) {
            switch (random.nextInt(8)) {
                case 0, 1 -> edit(spoilt, CONFIG, this::config);
                case 2 -> edit(spoilt, CONFIG, this::bytes);
                case 3, 4 -> edit(spoilt, weights(spoilt), this::header);
                case 5 -> edit(spoilt, weights(spoilt), this::bytes);
                case 6 -> edit(spoilt, spoilt.containsKey(INDEX) ? INDEX : CONFIG, this::index);
                default -> files(spoilt);
            }
        }
        return spoilt;
    }

    @FunctionalInterface
    private interface Edit {
        byte[] apply(byte[] bytes);
    }

    private static void edit(Map<String, byte[]> files, String name, Edit edit) {
        byte[] bytes = files.get(name);
        if (bytes != null) {
            files.put(name, edit.apply(bytes));
        }
    }

    private String weights(Map<String, byte[]> files) {
        List<String> names = files.keySet().stream()
                .filter(name -> name.endsWith(".safetensors"))
                .toList();
        return names.isEmpty() ? WEIGHTS : pick(names);
    }

    private byte[] config(byte[] bytes) {
        if (!(tree(bytes) instanceof ObjectNode config)) {
            return bytes;
        }
        String field = pick(FIELDS);
        switch (random.nextInt(6)) {
            case 0 -> config.remove(field);
            case 1 -> {
                // The same field twice, which a tree cannot hold.
                String text = config.toString();
                return (text.substring(0, text.length() - 1) + ",\"" + field + "\":" + value() + "}")
                        .getBytes(StandardCharsets.UTF_8);
            }
            default -> config.set(field, tree(value().getBytes(StandardCharsets.UTF_8)));
        }
        return encode(config);
    }

    private byte[] header(byte[] file) {
        if (file.length < Long.BYTES) {
            return file;
        }
        long length = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (length < 0 || length > file.length - Long.BYTES) {
            return file;
        }
        int dataAt = (int) (Long.BYTES + length);
        JsonNode header = tree(Arrays.copyOfRange(file, Long.BYTES, dataAt));
        byte[] data = Arrays.copyOfRange(file, dataAt, file.length);
        if (!(header instanceof ObjectNode tensors) || tensors.isEmpty()) {
            return file;
        }
        String text = changed(tensors);
        byte[] json = text.getBytes(StandardCharsets.UTF_8);
        long said = random.nextInt(12) == 0 ? pickSize() : json.length;
        return ByteBuffer.allocate(Long.BYTES + json.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(said)
                .put(json)
                .put(data)
                .array();
    }

    private String changed(ObjectNode tensors) {
        List<String> names = new ArrayList<>();
        tensors.fieldNames().forEachRemaining(names::add);
        String name = pick(names);
        if (!(tensors.get(name) instanceof ObjectNode tensor)) {
            return tensors.toString();
        }
        switch (random.nextInt(11)) {
            case 0 -> tensor.put("dtype", pick(DTYPES));
            case 1 -> sizes(tensor, "shape", 1 + random.nextInt(9));
            case 2 -> sizes(tensor, "data_offsets", random.nextInt(4));
            case 3 -> shiftOffset(tensor);
            case 4 -> swapShape(tensor);
            case 5 -> tensors.set(pick(NAMES), tensors.remove(name));
            case 6 -> tensors.set(pick(NAMES), tensor.deepCopy());
            case 7 -> tensors.remove(name);
            case 8 ->
                tensor.set(
                        pick(List.of("dtype", "shape", "data_offsets", "extra")),
                        tree(value().getBytes(StandardCharsets.UTF_8)));
            case 9 -> tensors.set("__metadata__", tree(value().getBytes(StandardCharsets.UTF_8)));
            default -> {
                String text = tensors.toString();
                return text.substring(0, text.length() - 1) + ",\"" + name + "\":" + tensor + "}";
            }
        }
        return tensors.toString();
    }

    private void sizes(ObjectNode tensor, String field, int count) {
        ArrayNode list = tensor.putArray(field);
        for (int i = 0; i < count; i++) {
            list.add(pickSize());
        }
    }

    private void shiftOffset(ObjectNode tensor) {
        if (tensor.get("data_offsets") instanceof ArrayNode offsets && offsets.size() == 2) {
            int which = random.nextInt(2);
            offsets.set(which, offsets.get(which).asLong() + random.nextInt(-8, 9));
        }
    }

    private static void swapShape(ObjectNode tensor) {
        if (tensor.get("shape") instanceof ArrayNode shape && shape.size() == 2) {
            JsonNode first = shape.get(0);
            shape.set(0, shape.get(1));
            shape.set(1, first);
        }
    }

    private byte[] index(byte[] bytes) {
        if (!(tree(bytes) instanceof ObjectNode index) || !(index.get("weight_map") instanceof ObjectNode map)) {
            return config(bytes);
        }
        List<String> names = new ArrayList<>();
        map.fieldNames().forEachRemaining(names::add);
        String tensor = names.isEmpty() ? "x" : pick(names);
        switch (random.nextInt(5)) {
            case 0 ->
                map.put(
                        tensor,
                        pick(List.of(
                                "../secret.safetensors",
                                "/etc/passwd",
                                "..",
                                "a/b.safetensors",
                                "s9.safetensors",
                                "C:\\x.safetensors",
                                ".safetensors",
                                "s1.bin",
                                "s1.safetensors\u0000",
                                "",
                                "file:s1.safetensors",
                                "s1.safetensors/../s2.safetensors")));
            case 1 -> map.remove(tensor);
            case 2 -> map.put(pick(NAMES), "s1.safetensors");
            case 3 -> map.put(tensor, random.nextBoolean() ? "s1.safetensors" : "s2.safetensors");
            default -> index.set("weight_map", tree(value().getBytes(StandardCharsets.UTF_8)));
        }
        return encode(index);
    }

    private byte[] bytes(byte[] original) {
        int length = original.length;
        return switch (random.nextInt(6)) {
            case 0 -> Arrays.copyOf(original, random.nextInt(length + 1));
            case 1 -> Arrays.copyOf(original, length + 1 + random.nextInt(64));
            default -> flipped(original);
        };
    }

    private byte[] flipped(byte[] original) {
        byte[] flipped = original.clone();
        String json = "{}[]\",:0123456789.eE-\\ntfu\u0000\u00ff";
        for (int i = random.nextInt(4); i >= 0 && original.length > 0; i--) {
            int value = random.nextBoolean() ? random.nextInt(256) : json.charAt(random.nextInt(json.length()));
            // Most of what can go wrong stands at the beginning.
            int within = random.nextBoolean() ? original.length : Math.min(original.length, 1500);
            flipped[random.nextInt(within)] = (byte) value;
        }
        return flipped;
    }

    private void files(Map<String, byte[]> files) {
        String weights = weights(files);
        byte[] bytes = files.getOrDefault(weights, new byte[0]);
        switch (random.nextInt(6)) {
            case 0 -> {
                files.remove(weights);
                files.put("adapter_model.bin", bytes);
            }
            case 1 -> files.remove(weights);
            case 2 -> files.put(weights, new byte[0]);
            case 3 -> files.remove(CONFIG);
            case 4 ->
                files.put(INDEX, "{\"weight_map\":{\"a\":\"../a.safetensors\"}}".getBytes(StandardCharsets.UTF_8));
            default -> files.put(weights, nested(1000 + random.nextInt(3000)));
        }
    }

    /// A header of brackets within brackets.
    private byte[] nested(int depth) {
        String open = random.nextBoolean() ? "[" : "{\"a\":";
        byte[] json = open.repeat(depth).getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(Long.BYTES + json.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .array();
    }

    private String value() {
        return pick(VALUES).replace('\'', '"');
    }

    private long pickSize() {
        return SIZES[random.nextInt(SIZES.length)];
    }

    private <T> T pick(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    /// Null nodes stand for text that is no JSON.
    private static JsonNode tree(byte[] json) {
        try {
            JsonNode tree = JSON.readTree(json);
            return tree == null ? JSON.nullNode() : tree;
        } catch (IOException e) {
            return JSON.nullNode();
        }
    }

    private static byte[] encode(JsonNode tree) {
        try {
            return JSON.writeValueAsBytes(tree);
        } catch (JsonProcessingException e) {
            return tree.toString().getBytes(StandardCharsets.UTF_8);
        }
    }
}
