package org.openlora.engine.tokenizer;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.OptionalInt;
import org.openlora.engine.weights.GgufMetadata;
import org.openlora.engine.weights.ModelLoadException;

/// Writes the tokenizer inside a GGUF file as the `tokenizer.json` object it came from, so that one library runs
/// both and one digest names both. Byte-level BPE only (`tokenizer.ggml.model` `gpt2`).
final class GgufTokenizer {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    // tokenizer.ggml.token_type
    private static final int NORMAL = 1;
    private static final int UNKNOWN = 2;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    private static final int UNUSED = 5;

    private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private static final String WORDS_AND_SPACES = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    private GgufTokenizer() {}

    static ObjectNode toJson(GgufMetadata metadata) {
        String model = metadata.requireString("tokenizer.ggml.model");
        if (!model.equals("gpt2")) {
            throw failure(
                    metadata,
                    "tokenizer.ggml.model %s is not supported; gpt2 (byte-level BPE) is. Use the model's Hugging Face directory"
                            .formatted(model));
        }
        List<String> tokens = required(metadata, "tokenizer.ggml.tokens");
        String pre = metadata.string("tokenizer.ggml.pre").orElse("default");
        ObjectNode json = NODES.objectNode();
        json.put("version", "1.0");
        json.putNull("truncation");
        json.putNull("padding");
        ObjectNode vocabulary = NODES.objectNode();
        json.set("added_tokens", addTokens(metadata, tokens, vocabulary));
        json.set("normalizer", pre.equals("qwen2") ? NODES.objectNode().put("type", "NFC") : NODES.nullNode());
        json.set("pre_tokenizer", preTokenizer(metadata, pre));
        setPostProcessor(metadata, json, tokens, pre);
        json.set("decoder", byteLevel(true));
        json.set("model", model(metadata, vocabulary, isLlama3(pre)));
        return json;
    }

    private static ModelLoadException failure(GgufMetadata metadata, String message) {
        return new ModelLoadException(metadata.file() + ": " + message);
    }

    private static List<String> required(GgufMetadata metadata, String key) {
        return metadata.strings(key).orElseThrow(() -> metadata.missing(key));
    }

    /// Fills the vocabulary and lists the tokens that are recognised as they stand in text.
    private static ArrayNode addTokens(GgufMetadata metadata, List<String> tokens, ObjectNode vocabulary) {
        long[] types = metadata.integers("tokenizer.ggml.token_type").orElse(new long[0]);
        if (types.length != 0 && types.length != tokens.size()) {
            throw failure(
                    metadata,
                    "tokenizer.ggml.token_type has %d entries for %d tokens".formatted(types.length, tokens.size()));
        }
        ArrayNode added = NODES.arrayNode();
        for (int id = 0; id < tokens.size(); id++) {
            long type = types.length == 0 ? NORMAL : types[id];
            if (type == UNUSED) {
                continue;
            }
            if (type < NORMAL
                    || type > USER_DEFINED
                    || (type == UNKNOWN && tokens.get(id).isEmpty())) {
                throw failure(metadata, "token %d has the type %d; supported are 1 to 5".formatted(id, type));
            }
            if (vocabulary.has(tokens.get(id))) {
                throw failure(metadata, "token %s stands twice".formatted(tokens.get(id)));
            }
            vocabulary.put(tokens.get(id), id);
            if (type == CONTROL || type == USER_DEFINED) {
                added.add(addedToken(id, tokens.get(id), type == CONTROL));
            }
        }
        return added;
    }

    private static ObjectNode addedToken(int id, String content, boolean special) {
        return NODES.objectNode()
                .put("id", id)
                .put("content", content)
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", false)
                .put("special", special);
    }

    private static ObjectNode preTokenizer(GgufMetadata metadata, String pre) {
        return switch (pre) {
            case "gpt-2" -> byteLevel(true);
            case "smollm" ->
                sequence(NODES.objectNode().put("type", "Digits").put("individual_digits", true), byteLevel(true));
            case "llama-bpe", "llama3", "llama-v3" ->
                sequence(
                        split(CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}" + WORDS_AND_SPACES),
                        byteLevel(false));
            case "qwen2" ->
                sequence(
                        split(CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" + WORDS_AND_SPACES),
                        byteLevel(false));
            case "default" ->
                sequence(
                        split("[\\p{P}\\$\\+<=>\\^~\\|]+"),
                        split("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"),
                        split("\\p{N}+"),
                        split("[0-9][0-9][0-9]"),
                        byteLevel(false));
            default ->
                throw failure(
                        metadata,
                        "tokenizer.ggml.pre %s is not supported; supported are gpt-2, smollm, llama-bpe, qwen2, default"
                                .formatted(pre));
        };
    }

    private static boolean isLlama3(String pre) {
        return pre.equals("llama-bpe") || pre.equals("llama3") || pre.equals("llama-v3");
    }

    private static ObjectNode sequence(ObjectNode... steps) {
        ObjectNode json = NODES.objectNode().put("type", "Sequence");
        ArrayNode all = json.putArray("pretokenizers");
        for (ObjectNode step : steps) {
            all.add(step);
        }
        return json;
    }

    private static ObjectNode split(String regex) {
        ObjectNode json = NODES.objectNode().put("type", "Split");
        json.putObject("pattern").put("Regex", regex);
        return json.put("behavior", "Isolated").put("invert", false);
    }

    private static ObjectNode byteLevel(boolean useRegex) {
        return NODES.objectNode()
                .put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", useRegex);
    }

    /// A BOS token before every text is written as the template that Transformers would write. Without a word on
    /// it, Llama 3 adds one and no other family does.
    private static void setPostProcessor(GgufMetadata metadata, ObjectNode json, List<String> tokens, String pre) {
        OptionalInt bos = metadata.integer("tokenizer.ggml.bos_token_id", 0, tokens.size() - 1);
        if (bos.isEmpty() || !metadata.flag("tokenizer.ggml.add_bos_token", isLlama3(pre))) {
            json.putNull("post_processor");
            return;
        }
        String name = tokens.get(bos.getAsInt());
        ObjectNode template = json.putObject("post_processor").put("type", "TemplateProcessing");
        template.set("single", NODES.arrayNode().add(special(name)).add(sequenceItem("A", 0)));
        template.set(
                "pair",
                NODES.arrayNode()
                        .add(special(name))
                        .add(sequenceItem("A", 0))
                        .add(special(name))
                        .add(sequenceItem("B", 1)));
        ObjectNode entry = template.putObject("special_tokens").putObject(name).put("id", name);
        entry.putArray("ids").add(bos.getAsInt());
        entry.putArray("tokens").add(name);
    }

    private static ObjectNode special(String name) {
        ObjectNode item = NODES.objectNode();
        item.putObject("SpecialToken").put("id", name).put("type_id", 0);
        return item;
    }

    private static ObjectNode sequenceItem(String id, int typeId) {
        ObjectNode item = NODES.objectNode();
        item.putObject("Sequence").put("id", id).put("type_id", typeId);
        return item;
    }

    private static ObjectNode model(GgufMetadata metadata, ObjectNode vocabulary, boolean ignoreMerges) {
        ObjectNode model = NODES.objectNode().put("type", "BPE");
        model.putNull("dropout");
        model.putNull("unk_token");
        model.putNull("continuing_subword_prefix");
        model.putNull("end_of_word_suffix");
        model.put("fuse_unk", false);
        model.put("byte_fallback", false);
        model.put("ignore_merges", ignoreMerges);
        model.set("vocab", vocabulary);
        ArrayNode merges = model.putArray("merges");
        for (String merge : required(metadata, "tokenizer.ggml.merges")) {
            int space = merge.indexOf(' ');
            String joined = merge.replace(" ", "");
            if (space < 1 || joined.length() != merge.length() - 1 || !vocabulary.has(joined)) {
                throw failure(metadata, "merge '%s' is not two parts of a token".formatted(merge));
            }
            merges.add(merge);
        }
        return model;
    }
}
