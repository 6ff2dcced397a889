package org.openlora.adapters.peft;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// All of `adapter_config.json` that has a say in the result: the *effective* config, which enters the adapter's
/// digest.
///
/// @param r rank of modules that `rankPattern` does not name, 1 to 512
/// @param loraAlpha alpha of modules that `alphaPattern` does not name
/// @param useRsLora scaling alpha / √r instead of alpha / r
/// @param useDora each module has a trained magnitude for each of its outputs
/// @param rankPattern ranks by expression, in file order
/// @param alphaPattern alphas by expression, in file order
/// @param modulesToSave names of head and embedding where the adapter brings them whole, in UTF-8 byte order;
///     in the digest only where there are any
/// @param excludeModules outside the digest: what it leaves out shows in which tensors there are
/// @param ensureWeightTying outside the digest: refused where it has an effect, as head and embedding are one weight
/// @param layersToTransform ascending; null: all layers
/// @param layersPattern name of the list of layers that the indices count in; null: any
public record PeftConfig(
        int r,
        double loraAlpha,
        boolean useRsLora,
        boolean useDora,
        Map<String, Integer> rankPattern,
        Map<String, Double> alphaPattern,
        ModuleSelector targetModules,
        List<String> modulesToSave,
        @Nullable ModuleSelector excludeModules,
        boolean ensureWeightTying,
        @Nullable List<Integer> layersToTransform,
        @Nullable LayersPattern layersPattern) {
    /// The file's name, by which a folder is known as an adapter.
    public static final String FILE_NAME = "adapter_config.json";

    /// The largest rank that is served.
    public static final int MAX_RANK = 512;

    /// One or several names of lists of layers, such as `layers`; whether it was a list enters the digest.
    public record LayersPattern(List<String> names, boolean isList) {
        public LayersPattern {
            names = List.copyOf(names);
        }
    }

    public PeftConfig {
        rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
        alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
        modulesToSave = List.copyOf(modulesToSave);
        layersToTransform = layersToTransform == null ? null : List.copyOf(layersToTransform);
    }

    /// Reads `adapter_config.json` of a folder.
    ///
    /// Throws [org.openlora.adapters.AdapterException] naming the field: `INVALID` where PEFT itself would not
    /// take it,
    /// `UNSUPPORTED` where it asks for what is not served, be it a field that is not known here.
    public static PeftConfig read(Path directory) {
        return PeftConfigReader.read(directory.resolve(FILE_NAME));
    }

    /// The object whose RFC 8785 form enters the adapter's digest; docs/formats.md specifies it.
    public JsonNode effectiveJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.set("alpha_pattern", pairs(alphaPattern));
        json.set("layers_pattern", layersPatternJson());
        json.set("layers_to_transform", layersJson());
        json.put("lora_alpha", loraAlpha);
        json.put("r", r);
        json.set("rank_pattern", pairs(rankPattern));
        if (!modulesToSave.isEmpty()) {
            modulesToSave.forEach(json.putArray("modules_to_save")::add);
        }
        switch (targetModules) {
            case ModuleSelector.Names list -> list.names().forEach(json.putArray("target_modules")::add);
            case ModuleSelector.Expression expression -> json.put("target_modules", expression.regex());
            case ModuleSelector.AllLinear all -> json.put("target_modules", all.word());
        }
        json.put("use_dora", useDora);
        json.put("use_rslora", useRsLora);
        return json;
    }

    /// A module's scaling by its own rank and alpha.
    float scaling(int rank, double alpha) {
        return (float) (alpha / (useRsLora ? Math.sqrt(rank) : rank));
    }

    private JsonNode layersPatternJson() {
        if (layersPattern == null) {
            return JsonNodeFactory.instance.nullNode();
        }
        if (!layersPattern.isList()) {
            return JsonNodeFactory.instance.textNode(layersPattern.names().getFirst());
        }
        ArrayNode names = JsonNodeFactory.instance.arrayNode();
        layersPattern.names().forEach(names::add);
        return names;
    }

    private JsonNode layersJson() {
        if (layersToTransform == null) {
            return JsonNodeFactory.instance.nullNode();
        }
        ArrayNode layers = JsonNodeFactory.instance.arrayNode();
        layersToTransform.forEach(layers::add);
        return layers;
    }

    private static ArrayNode pairs(Map<String, ? extends Number> pattern) {
        ArrayNode pairs = JsonNodeFactory.instance.arrayNode();
        pattern.forEach((key, value) -> pairs.addArray().add(key).add(value.doubleValue()));
        return pairs;
    }
}
