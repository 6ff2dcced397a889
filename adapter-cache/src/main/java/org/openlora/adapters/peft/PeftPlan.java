package org.openlora.adapters.peft;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
import org.openlora.kernels.LoraPoint;

/// Matches stored tensors with the modules that config and base ask for; both sides must come out even.
final class PeftPlan {
    private static final String PREFIX = "base_model.model.";
    private static final Pattern TENSOR_NAME =
            Pattern.compile("base_model\\.model\\.(?<module>.+?)\\.(?<suffix>(?:lora_|base_layer\\.).+)");

    /// Of a module that is brought whole.
    private static final Pattern SAVED_NAME = Pattern.compile("base_model\\.model\\.(?<module>.+)\\.weight");

    /// Tensors of PEFT's other features, so that a refusal can name the feature.
    private static final List<Map.Entry<String, String>> FEATURES = List.of(
            Map.entry("lora_embedding_", "an adapted embedding"),
            Map.entry("modules_to_save", "a form of modules_to_save that PEFT does not write"),
            Map.entry("lora_B.bias", "lora_bias"),
            Map.entry(".bias", "a trained bias"),
            Map.entry("lora_diag", "KaSA"));

    private final PeftConfig config;
    private final BaseWeights base;
    private final ModuleTargets targets;
    private final SortedMap<String, TensorInfo> tensors;

    private PeftPlan(PeftConfig config, BaseWeights base, SortedMap<String, TensorInfo> tensors) {
        this.config = config;
        this.base = base;
        this.targets = new ModuleTargets(config);
        this.tensors = tensors;
    }

    /// What the adapter changes; throws [AdapterException] naming a tensor.
    static PeftModules of(PeftConfig config, BaseWeights base, SortedMap<String, TensorInfo> tensors) {
        return new PeftPlan(config, base, tensors).modules();
    }

    private PeftModules modules() {
        Map<String, EnumMap<TensorRole, TensorInfo>> claims = claim();
        var modules = new ArrayList<PeftModule>();
        var saved = new ArrayList<SavedModule>();
        for (String path : base.modulePaths()) {
            ModuleShape shape = shape(path);
            if (targets.isSaved(path)) {
                saved.add(saved(path, shape));
            } else if (targets.targets(path, shape.point())) {
                modules.add(module(path, shape, claims.getOrDefault(path, new EnumMap<>(TensorRole.class))));
            }
        }
        if (modules.isEmpty()) {
            throw invalid("target_modules matches no module of the base; its modules are like " + example());
        }
        modules.sort(
                Comparator.comparingInt((PeftModule module) -> module.shape().layer())
                        .thenComparing(module -> module.shape().point())
                        .thenComparingInt(module -> module.shape().outputOffset()));
        return new PeftModules(modules, saved);
    }

    /// Whether a tensor is the matrix of a module that is brought whole.
    private boolean isSavedMatrix(TensorInfo tensor) {
        Matcher name = SAVED_NAME.matcher(tensor.name());
        return name.matches()
                && targets.isSaved(name.group("module"))
                && base.shape(name.group("module")).isPresent();
    }

    private SavedModule saved(String path, ModuleShape shape) {
        refuseTying(path, "modules_to_save");
        var module = new SavedModule(path, shape, PREFIX + path + ".weight");
        TensorInfo tensor = tensors.get(module.tensor());
        long[] expected = {module.tokens(), module.width()};
        if (tensor == null) {
            throw invalid("tensor '" + module.tensor() + "' of shape " + Arrays.toString(expected)
                    + " is missing, although modules_to_save names its module");
        }
        requireReadable(tensor);
        if (!tensor.hasShape(expected)) {
            long[] stored = tensor.shapeArray();
            if (stored.length == 2 && stored[1] == expected[1]) {
                throw new AdapterException(
                        Code.UNSUPPORTED,
                        describe(tensor) + " is of a resized vocabulary, which is not served: the base has "
                                + module.tokens() + " tokens");
            }
            throw invalid(describe(tensor) + " must have shape " + Arrays.toString(expected)
                    + ", as the base's weight that it replaces");
        }
        return module;
    }

    /// The tensors of each module by what they are to it.
    private Map<String, EnumMap<TensorRole, TensorInfo>> claim() {
        var claims = new TreeMap<String, EnumMap<TensorRole, TensorInfo>>();
        for (TensorInfo tensor : tensors.values()) {
            if (isSavedMatrix(tensor)) {
                continue;
            }
            Matcher name = TENSOR_NAME.matcher(tensor.name());
            ModuleShape shape =
                    name.matches() ? base.shape(name.group("module")).orElse(null) : null;
            if (shape == null) {
                throw unclaimed(tensor);
            }
            String path = name.group("module");
            TensorRole role = TensorRole.of(name.group("suffix"), shape.point()).orElseThrow(() -> unclaimed(tensor));
            if (!targets.targets(path, shape.point())) {
                throw invalid(describe(tensor) + " belongs to " + path + ", which the config does not target");
            }
            if (role == TensorRole.MAGNITUDE && !config.useDora()) {
                throw invalid(describe(tensor) + " belongs to DoRA, which the config does not use (use_dora)");
            }
            requireReadable(tensor);
            TensorInfo other = claims.computeIfAbsent(path, key -> new EnumMap<>(TensorRole.class))
                    .put(role, tensor);
            if (other != null) {
                throw invalid(
                        describe(tensor) + " and " + OneLine.quote(other.name()) + " are the same part of one module");
            }
        }
        return claims;
    }

    private static void requireReadable(TensorInfo tensor) {
        if (!tensor.dtype().isReadable()) {
            throw invalid(describe(tensor) + " is stored as " + tensor.dtype() + "; allowed: F32, F16, BF16");
        }
    }

    private PeftModule module(String path, ModuleShape shape, Map<TensorRole, TensorInfo> parts) {
        if (shape.point() == LoraPoint.LM_HEAD || shape.point() == LoraPoint.EMBEDDING) {
            refuseTying(path, "the targets");
        }
        int rank = targets.rank(path);
        double alpha = targets.alpha(path);
        int outputs = shape.outputs();
        int inputs = shape.inputs();
        String a = present(path, shape, TensorRole.A, parts, "[rank, inputs]", rank, inputs);
        String b = present(path, shape, TensorRole.B, parts, "[outputs, rank]", outputs, rank);
        String magnitude =
                config.useDora() ? present(path, shape, TensorRole.MAGNITUDE, parts, "[outputs]", outputs) : null;
        @Nullable String copy = null;
        if (parts.containsKey(TensorRole.BASE_COPY)) {
            boolean isEmbedding = shape.point() == LoraPoint.EMBEDDING;
            long[] stored = isEmbedding ? new long[] {inputs, outputs} : new long[] {outputs, inputs};
            copy = present(path, shape, TensorRole.BASE_COPY, parts, "of the base's weight", stored);
        }
        return new PeftModule(
                path, shape, rank, alpha, config.scaling(rank, alpha), new PeftModule.Tensors(a, b, magnitude, copy));
    }

    private void refuseTying(String path, String where) {
        if (config.ensureWeightTying() && base.hasTiedHead()) {
            throw new AdapterException(
                    Code.UNSUPPORTED,
                    PeftConfig.FILE_NAME + ": ensure_weight_tying with " + path + " among " + where
                            + " is not served, as the base's head and embedding are one weight; allowed: false");
        }
    }

    /// The name of a tensor that must be there in this shape.
    private static String present(
            String path,
            ModuleShape shape,
            TensorRole role,
            Map<TensorRole, TensorInfo> parts,
            String meaning,
            long... dimensions) {
        TensorInfo tensor = parts.get(role);
        String expected = Arrays.toString(dimensions);
        if (tensor == null) {
            throw invalid("tensor '" + PREFIX + path + "." + role.written(shape.point()) + "' of shape " + expected
                    + " is missing, although the config targets its module");
        }
        if (!tensor.hasShape(dimensions)) {
            throw invalid("tensor " + OneLine.quote(tensor.name()) + " has shape " + tensor.shape() + ", expected "
                    + expected + " " + meaning + " by the config's rank and the base");
        }
        return tensor.name();
    }

    private ModuleShape shape(String path) {
        return base.shape(path)
                .orElseThrow(() -> new IllegalStateException("module path " + path + " without a shape"));
    }

    private AdapterException unclaimed(TensorInfo tensor) {
        Optional<String> feature = FEATURES.stream()
                .filter(entry -> tensor.name().contains(entry.getKey()))
                .map(Map.Entry::getValue)
                .findFirst();
        if (feature.isPresent()) {
            return new AdapterException(
                    Code.UNSUPPORTED,
                    describe(tensor) + " belongs to " + feature.orElseThrow() + ", which is not served here");
        }
        return invalid(describe(tensor) + " is no part of a low-rank pair of this base; allowed: names like '" + PREFIX
                + base.modulePaths().getFirst() + ".lora_A.weight'");
    }

    private String example() {
        return OneLine.quote(base.modulePaths().getFirst());
    }

    private static String describe(TensorInfo tensor) {
        return "tensor " + OneLine.quote(tensor.name()) + " of shape " + tensor.shape();
    }

    private static AdapterException invalid(String problem) {
        return new AdapterException(Code.INVALID, problem);
    }
}
