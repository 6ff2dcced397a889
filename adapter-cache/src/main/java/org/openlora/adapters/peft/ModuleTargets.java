package org.openlora.adapters.peft;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.kernels.LoraPoint;

/// Decides as PEFT's `check_target_module_exists` which modules a config changes, and by what rank and alpha.
final class ModuleTargets {
    /// The first numbered part of a path: `model.layers.0.` of a layer, not the experts within it.
    private static final Pattern ANY_LAYERS = Pattern.compile(".*?\\.[^.]*\\.(?<index>\\d{1,9})\\.");

    private final PeftConfig config;
    private final ModulePatterns ranks;
    private final ModulePatterns alphas;
    private final Selector targets;
    private final @Nullable Selector excluded;

    ModuleTargets(PeftConfig config) {
        this.config = config;
        this.ranks = new ModulePatterns("rank_pattern", config.rankPattern());
        this.alphas = new ModulePatterns("alpha_pattern", config.alphaPattern());
        this.targets = Selector.of("target_modules", config.targetModules());
        this.excluded =
                config.excludeModules() == null ? null : Selector.of("exclude_modules", config.excludeModules());
    }

    /// Whether the config changes the module of this path. `all-linear` leaves head and embedding out.
    boolean targets(String modulePath, LoraPoint point) {
        boolean outsideLayers = point == LoraPoint.LM_HEAD || point == LoraPoint.EMBEDDING;
        if (outsideLayers && config.targetModules() instanceof ModuleSelector.AllLinear) {
            return false;
        }
        return !isSaved(modulePath) && !isExcluded(modulePath) && targets.selects(modulePath) && isInLayers(modulePath);
    }

    /// Whether the adapter brings the module of this path whole; it then gets no pair, be it targeted or not.
    boolean isSaved(String modulePath) {
        return Selector.isNamed(config.modulesToSave(), modulePath);
    }

    int rank(String modulePath) {
        return (int) ranks.find(modulePath).orElse(config.r());
    }

    double alpha(String modulePath) {
        return alphas.find(modulePath).orElse(config.loraAlpha());
    }

    private boolean isExcluded(String modulePath) {
        return excluded != null && excluded.selects(modulePath);
    }

    private boolean isInLayers(String modulePath) {
        List<Integer> layers = config.layersToTransform();
        if (layers == null || isNamedInFull(modulePath)) {
            return true;
        }
        PeftConfig.LayersPattern pattern = config.layersPattern();
        List<Pattern> expressions = pattern == null
                ? List.of(ANY_LAYERS)
                : pattern.names().stream()
                        .map(name -> Pattern.compile("(?:|.*?\\.)" + name + "\\.(?<index>\\d{1,9})\\."))
                        .toList();
        for (Pattern expression : expressions) {
            Matcher matcher = expression.matcher(modulePath);
            if (matcher.lookingAt()) {
                return layers.contains(Integer.parseInt(matcher.group("index")));
            }
        }
        return false;
    }

    /// PEFT asks for no layer where the list names the module's whole path.
    private boolean isNamedInFull(String modulePath) {
        return config.targetModules() instanceof ModuleSelector.Names list
                && list.names().contains(modulePath);
    }

    @FunctionalInterface
    private interface Selector {
        boolean selects(String modulePath);

        static Selector of(String field, ModuleSelector selector) {
            return switch (selector) {
                case ModuleSelector.Names list -> path -> isNamed(list.names(), path);
                case ModuleSelector.Expression expression -> expression(field, expression.regex());
                case ModuleSelector.AllLinear all -> path -> true;
            };
        }

        /// Whether a list has the path or its last parts.
        static boolean isNamed(List<String> names, String path) {
            return names.stream().anyMatch(name -> path.equals(name) || path.endsWith("." + name));
        }

        private static Selector expression(String field, String regex) {
            try {
                var compiled = new PythonRegex(regex);
                return path -> {
                    try {
                        return compiled.fullMatch(path);
                    } catch (IllegalArgumentException e) {
                        throw new AdapterException(Code.INVALID, field + " " + e.getMessage(), e);
                    }
                };
            } catch (IllegalArgumentException e) {
                throw new AdapterException(Code.INVALID, field + " " + e.getMessage(), e);
            }
        }
    }
}
