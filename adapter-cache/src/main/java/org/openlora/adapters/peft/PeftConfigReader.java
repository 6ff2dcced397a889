package org.openlora.adapters.peft;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.Utf8;

/// Reads `adapter_config.json` and decides, field by field, whether it can be honoured.
final class PeftConfigReader {
    private static final int MAX_BYTES = 1 << 20;
    private static final int MAX_ENTRIES = 4096;

    /// Defaults of PEFT's `LoraConfig`, for files that leave a field out.
    private static final int DEFAULT_RANK = 8;

    private static final double DEFAULT_ALPHA = 8;

    private static final Set<String> READ = Set.of(
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
            "modules_to_save",
            "layers_to_transform",
            "layers_pattern",
            "bias",
            "ensure_weight_tying",
            "init_lora_weights");

    /// Fields without a say in the result: about training, the base's name, or used only with a field refused
    /// here.
    private static final Set<String> WITHOUT_EFFECT = Set.of(
            "auto_mapping",
            "base_model_name_or_path",
            "corda_config",
            "eva_config",
            "inference_mode",
            "loftq_config",
            "lora_dropout",
            "lora_ga_config",
            "megatron_core",
            "peft_version",
            "qalora_group_size",
            "revision",
            "runtime_config");

    /// Initialisations that leave the base's weights alone, so that the stored pair is the whole change.
    private static final Set<String> SAFE_INITIALISATIONS = Set.of("gaussian", "eva", "orthogonal", "mica");

    /// What an adapter may bring whole: outside all layers, so that its rows alone see it.
    private static final Set<String> SAVABLE = Set.of("lm_head", "embed_tokens", "model.embed_tokens");

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final JsonNode json;

    private PeftConfigReader(JsonNode json) {
        this.json = json;
    }

    static PeftConfig read(Path file) {
        JsonNode json;
        try {
            json = JSON.readTree(bytes(file));
        } catch (JsonProcessingException e) {
            throw new AdapterException(
                    Code.INVALID, PeftConfig.FILE_NAME + ": not readable JSON: " + OneLine.reason(e), e);
        } catch (NoSuchFileException e) {
            throw new AdapterException(Code.INVALID, PeftConfig.FILE_NAME + ": no such file", e);
        } catch (IOException e) {
            // Its message would name the folder's place, which is nobody's business but the operator's.
            throw new AdapterException(
                    Code.INVALID,
                    PeftConfig.FILE_NAME + ": cannot be read: " + e.getClass().getSimpleName(),
                    e);
        }
        if (!json.isObject()) {
            throw invalid("must be a JSON object");
        }
        return new PeftConfigReader(json).config();
    }

    /// A file may be anything, a pipe or an endless device too, and grow while it is read.
    private static byte[] bytes(Path file) throws IOException {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw invalid("is not a regular file");
        }
        try (InputStream stream = Files.newInputStream(file)) {
            byte[] bytes = stream.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                throw invalid("is longer than " + MAX_BYTES + " bytes");
            }
            return bytes;
        }
    }

    private PeftConfig config() {
        refuseOtherKinds();
        refuseUnservedFields();
        refuseInitialisation();
        ModuleSelector targets = selector("target_modules");
        if (targets == null) {
            throw invalid("target_modules must be a list of names, a regular expression or all-linear");
        }
        List<Integer> layers = layersToTransform();
        PeftConfig.LayersPattern layersPattern = layersPattern();
        if (!(targets instanceof ModuleSelector.Names) && (layers != null || layersPattern != null)) {
            throw invalid("layers_to_transform and layers_pattern need target_modules to be a list");
        }
        if (layersPattern != null && layers == null) {
            throw invalid("layers_pattern needs layers_to_transform");
        }
        return new PeftConfig(
                json.hasNonNull("r") ? rank("r", json.get("r")) : DEFAULT_RANK,
                json.hasNonNull("lora_alpha") ? alpha("lora_alpha", json.get("lora_alpha")) : DEFAULT_ALPHA,
                flag("use_rslora"),
                flag("use_dora"),
                pattern("rank_pattern", PeftConfigReader::rank),
                pattern("alpha_pattern", PeftConfigReader::alpha),
                targets,
                modulesToSave(),
                selector("exclude_modules"),
                flag("ensure_weight_tying"),
                layers,
                layersPattern);
    }

    private void refuseOtherKinds() {
        String peftType = json.path("peft_type").asText("");
        if (!peftType.equals("LORA")) {
            throw unsupported("peft_type " + OneLine.quote(peftType) + " is not served; allowed: LORA");
        }
        JsonNode taskType = json.path("task_type");
        if (!isOff(taskType) && !taskType.asText().equals("CAUSAL_LM")) {
            throw unsupported(
                    "task_type " + OneLine.quote(taskType.asText()) + " is not served; allowed: CAUSAL_LM or null");
        }
        JsonNode bias = json.path("bias");
        if (!isOff(bias) && !bias.asText().equals("none")) {
            throw unsupported("bias " + OneLine.quote(bias.asText()) + " is not served; allowed: none");
        }
    }

    private void refuseUnservedFields() {
        json.properties().forEach(field -> {
            String name = field.getKey();
            // PEFT turns activated LoRA on for any list, an empty one too.
            boolean off = isOff(field.getValue())
                    && !(name.equals("alora_invocation_tokens")
                            && field.getValue().isArray());
            if (!READ.contains(name) && !WITHOUT_EFFECT.contains(name) && !off) {
                throw unsupported("field " + OneLine.quote(name) + " with value "
                        + OneLine.quote(field.getValue().toString())
                        + " is not served; allowed: absent, null, false or empty");
            }
        });
    }

    private void refuseInitialisation() {
        JsonNode value = json.path("init_lora_weights");
        if (value.isMissingNode()
                || value.isNull()
                || value.isBoolean()
                || SAFE_INITIALISATIONS.contains(value.asText().toLowerCase(Locale.ROOT))) {
            return;
        }
        throw unsupported("init_lora_weights " + OneLine.quote(value.asText())
                + " changes the base's weights; save the adapter with path_initial_model_for_weight_conversion"
                + " (allowed: true, false, gaussian, eva, orthogonal, mica)");
    }

    private @Nullable ModuleSelector selector(String field) {
        JsonNode value = json.path(field);
        if (isOff(value)) {
            return null;
        }
        if (value.isArray()) {
            return new ModuleSelector.Names(strings(field, value));
        }
        if (!value.isTextual()) {
            throw invalid(field + " must be a list of strings or a string");
        }
        String text = value.textValue();
        if (field.equals("target_modules") && text.toLowerCase(Locale.ROOT).equals("all-linear")) {
            return new ModuleSelector.AllLinear(text);
        }
        return new ModuleSelector.Expression(text);
    }

    private List<String> modulesToSave() {
        JsonNode value = json.path("modules_to_save");
        if (isOff(value)) {
            return List.of();
        }
        if (!value.isArray()) {
            throw invalid("modules_to_save must be a list of names");
        }
        List<String> names = strings("modules_to_save", value);
        for (String name : names) {
            if (!SAVABLE.contains(name)) {
                throw unsupported("modules_to_save " + OneLine.quote(name)
                        + " is not served; allowed: lm_head, embed_tokens, model.embed_tokens");
            }
        }
        return names;
    }

    private List<String> strings(String field, JsonNode list) {
        var names = new TreeSet<String>(Utf8.BYTE_ORDER);
        for (JsonNode entry : list) {
            if (!entry.isTextual() || entry.textValue().isEmpty()) {
                throw invalid(field + " must be a list of strings that are not empty");
            }
            names.add(entry.textValue());
        }
        checkCount(field, names.size());
        return List.copyOf(names);
    }

    private @Nullable List<Integer> layersToTransform() {
        JsonNode value = json.path("layers_to_transform");
        if (isOff(value)) {
            return null;
        }
        var layers = new TreeSet<Integer>();
        for (JsonNode layer : value.isArray() ? value : List.of(value)) {
            if (!layer.isInt() || layer.intValue() < 0) {
                throw invalid("layers_to_transform must be a layer index or a list of them");
            }
            layers.add(layer.intValue());
        }
        return List.copyOf(layers);
    }

    private PeftConfig.@Nullable LayersPattern layersPattern() {
        JsonNode value = json.path("layers_pattern");
        if (isOff(value)) {
            return null;
        }
        var names = new ArrayList<String>();
        for (JsonNode name : value.isArray() ? value : List.of(value)) {
            if (!name.isTextual() || !name.textValue().matches("[A-Za-z0-9_]{1,100}")) {
                throw unsupported("layers_pattern " + OneLine.quote(name.toString())
                        + " is not served; allowed: names of letters, digits and _");
            }
            names.add(name.textValue());
        }
        return new PeftConfig.LayersPattern(names, value.isArray());
    }

    private <T> Map<String, T> pattern(String field, ValueReader<T> reader) {
        JsonNode value = json.path(field);
        if (isOff(value)) {
            return Map.of();
        }
        if (!value.isObject()) {
            throw invalid(field + " must be an object of expressions to numbers");
        }
        checkCount(field, value.size());
        var entries = new LinkedHashMap<String, T>();
        value.properties()
                .forEach(entry -> entries.put(
                        entry.getKey(), reader.read(field + " " + OneLine.quote(entry.getKey()), entry.getValue())));
        return entries;
    }

    private boolean flag(String field) {
        JsonNode value = json.path(field);
        if (!value.isMissingNode() && !value.isNull() && !value.isBoolean()) {
            throw invalid(field + " must be true or false");
        }
        return value.asBoolean(false);
    }

    private static int rank(String field, JsonNode value) {
        if (!value.isInt() || value.intValue() < 1 || value.intValue() > PeftConfig.MAX_RANK) {
            throw invalid(field + " is " + OneLine.quote(value.toString()) + "; allowed: a rank from 1 to "
                    + PeftConfig.MAX_RANK);
        }
        return value.intValue();
    }

    private static double alpha(String field, JsonNode value) {
        if (!value.isNumber() || !Float.isFinite(value.floatValue())) {
            throw invalid(field + " is " + OneLine.quote(value.toString()) + "; allowed: a finite number");
        }
        return value.doubleValue();
    }

    private static void checkCount(String field, int count) {
        if (count > MAX_ENTRIES) {
            throw invalid(field + " has more than " + MAX_ENTRIES + " entries");
        }
    }

    /// Absent, null, false, or empty.
    private static boolean isOff(JsonNode value) {
        return value.isMissingNode()
                || value.isNull()
                || (value.isBoolean() && !value.booleanValue())
                || (value.isContainerNode() && value.isEmpty())
                || (value.isTextual() && value.textValue().isEmpty());
    }

    private static AdapterException invalid(String problem) {
        return new AdapterException(Code.INVALID, PeftConfig.FILE_NAME + ": " + problem);
    }

    private static AdapterException unsupported(String problem) {
        return new AdapterException(Code.UNSUPPORTED, PeftConfig.FILE_NAME + ": " + problem);
    }

    @FunctionalInterface
    private interface ValueReader<T> {
        T read(String field, JsonNode value);
    }
}
