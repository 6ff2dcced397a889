package org.openlora.adapters.peft;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.ModuleShape;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.safetensors.TensorInfo;

/// Matches stored tensors with the modules that config and base ask for; both sides must come out even.
final class PeftPlan {
    private static final Pattern TENSOR_NAME =
            Pattern.compile("base_model\\.model\\.(?<module>.+)\\.lora_(?<half>[AB])(?:\\.default)?\\.weight");

    /// Modules that PEFT could change and the engine does not yet let adapters change.
    private static final List<String> UNSERVED_MODULES = List.of("lm_head", "model.embed_tokens");

    /// Tensors of PEFT's other features, so that a refusal can name the feature.
    private static final List<Map.Entry<String, String>> FEATURES = List.of(
            Map.entry("lora_magnitude_vector", "DoRA"),
            Map.entry("lora_embedding_", "an embedding adapter"),
            Map.entry("modules_to_save", "modules_to_save"),
            Map.entry("base_layer", "a copy of the base's own weights (save_embedding_layers)"),
            Map.entry("lora_B.bias", "lora_bias"),
            Map.entry(".bias", "a trained bias"));

    private static final class Pair {
        private @Nullable String a;
        private @Nullable String b;
    }

    private final BaseWeights base;
    private final ModuleTargets targets;
    private final SortedMap<String, TensorInfo> tensors;

    private PeftPlan(PeftConfig config, BaseWeights base, SortedMap<String, TensorInfo> tensors) {
        this.base = base;
        this.targets = new ModuleTargets(config);
        this.tensors = tensors;
    }

    /// The modules in the order of layer, point and output; throws [AdapterException] naming a tensor.
    static List<PeftModule> of(PeftConfig config, BaseWeights base, SortedMap<String, TensorInfo> tensors) {
        return new PeftPlan(config, base, tensors).modules(config);
    }

    private List<PeftModule> modules(PeftConfig config) {
        refuseUnservedTargets();
        Map<String, Pair> pairs = claim();
        var modules = new ArrayList<PeftModule>();
        for (String path : base.modulePaths()) {
            Pair pair = pairs.remove(path);
            if (pair == null && !targets.targetsLinear(path)) {
                continue;
            }
            modules.add(module(config, path, pair == null ? new Pair() : pair));
        }
        if (modules.isEmpty()) {
            throw invalid("target_modules matches no module of the base; its modules are like "
                    + OneLine.quote(base.modulePaths().getFirst()));
        }
        modules.sort(
                Comparator.comparingInt((PeftModule module) -> module.shape().layer())
                        .thenComparing(module -> module.shape().point())
                        .thenComparingInt(module -> module.shape().outputOffset()));
        return List.copyOf(modules);
    }

    private void refuseUnservedTargets() {
        for (String path : UNSERVED_MODULES) {
            if (targets.targetsOther(path)) {
                throw new AdapterException(
                        Code.UNSUPPORTED,
                        PeftConfig.FILE_NAME + ": target_modules includes " + path
                                + ", which adapters may not change yet; allowed: modules like "
                                + OneLine.quote(base.modulePaths().getFirst()));
            }
        }
    }

    private Map<String, Pair> claim() {
        var pairs = new TreeMap<String, Pair>();
        for (TensorInfo tensor : tensors.values()) {
            Matcher name = TENSOR_NAME.matcher(tensor.name());
            if (!name.matches() || base.shape(name.group("module")).isEmpty()) {
                throw unclaimed(tensor);
            }
            String path = name.group("module");
            if (!targets.targetsLinear(path)) {
                throw invalid(describe(tensor) + " belongs to " + path + ", which the config does not target");
            }
            if (!tensor.dtype().isReadable()) {
                throw invalid(describe(tensor) + " is stored as " + tensor.dtype() + "; allowed: F32, F16, BF16");
            }
            Pair pair = pairs.computeIfAbsent(path, key -> new Pair());
            boolean isA = name.group("half").equals("A");
            String other = isA ? pair.a : pair.b;
            if (other != null) {
                throw invalid(describe(tensor) + " and " + OneLine.quote(other) + " are the same half of one pair");
            }
            if (isA) {
                pair.a = tensor.name();
            } else {
                pair.b = tensor.name();
            }
        }
        return pairs;
    }

    private PeftModule module(PeftConfig config, String path, Pair pair) {
        ModuleShape shape = base.shape(path)
                .orElseThrow(() -> new IllegalStateException("module path " + path + " without a shape"));
        int rank = targets.rank(path);
        double alpha = targets.alpha(path);
        String a = present(path, "A", pair.a, rank, shape.inputs());
        String b = present(path, "B", pair.b, shape.outputs(), rank);
        checkShape(a, rank, shape.inputs(), "[rank, inputs]");
        checkShape(b, shape.outputs(), rank, "[outputs, rank]");
        return new PeftModule(path, shape, rank, alpha, config.scaling(rank, alpha), a, b);
    }

    private static String present(String path, String half, @Nullable String tensor, long rows, long columns) {
        if (tensor == null) {
            throw invalid("tensor 'base_model.model." + path + ".lora_" + half + ".weight' of shape [" + rows + ", "
                    + columns + "] is missing, although the config targets its module");
        }
        return tensor;
    }

    private void checkShape(String name, long rows, long columns, String meaning) {
        TensorInfo tensor = tensors.get(name);
        if (tensor == null || !tensor.hasShape(rows, columns)) {
            throw invalid("tensor " + OneLine.quote(name) + " has shape " + (tensor == null ? "[]" : tensor.shape())
                    + ", expected [" + rows + ", " + columns + "] " + meaning + " by the config's rank and the base");
        }
    }

    private AdapterException unclaimed(TensorInfo tensor) {
        for (Map.Entry<String, String> feature : FEATURES) {
            if (tensor.name().contains(feature.getKey())) {
                return new AdapterException(
                        Code.UNSUPPORTED,
                        describe(tensor) + " belongs to " + feature.getValue() + ", which is not served");
            }
        }
        return invalid(describe(tensor)
                + " is no half of a low-rank pair of this base; allowed: names like 'base_model.model."
                + base.modulePaths().getFirst() + ".lora_A.weight'");
    }

    private static String describe(TensorInfo tensor) {
        return "tensor " + OneLine.quote(tensor.name()) + " of shape " + tensor.shape();
    }

    private static AdapterException invalid(String problem) {
        return new AdapterException(Code.INVALID, problem);
    }
}
