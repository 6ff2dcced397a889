package org.openlora.server.catalog;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.problem.Problem;

/// The models that can be named, read from `config/models.yaml`.
///
/// @param models entries by name
public record ModelCatalog(@JsonProperty(required = true) Map<String, Entry> models) {
    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9._-]*");

    public ModelCatalog {
        SortedMap<String, Entry> sorted = new TreeMap<>(models);
        sorted.keySet()
                .forEach(name -> ModelSource.Checks.that(
                        NAME.matcher(name).matches(), "the name %s must be of a-z 0-9 . _ -".formatted(name)));
        models = Map.copyOf(sorted);
    }

    /// One model.
    ///
    /// @param description one sentence
    /// @param licence SPDX id
    /// @param baseDigest the digest that its tensors and configuration must have; empty where it is not known yet
    /// @param examples what this installation holds for it
    public record Entry(
            @JsonProperty(required = true) String description,
            @JsonProperty(required = true) String licence,
            @JsonProperty(required = true) String baseDigest,
            @JsonProperty(required = true) ModelSource source,
            @JsonProperty(required = true) Examples examples) {
        private static final Pattern DIGEST = Pattern.compile("|sha256:[0-9a-f]{64}");

        public Entry {
            ModelSource.Checks.that(
                    DIGEST.matcher(baseDigest).matches(),
                    "baseDigest %s must be empty or sha256: and 64 hexadecimal digits".formatted(baseDigest));
        }
    }

    /// Folders of this installation, relative to it; empty where there is none.
    ///
    /// @param adapters made for the model
    /// @param datanets that those adapters' lineages name
    public record Examples(
            @JsonProperty(required = true) String adapters,
            @JsonProperty(required = true) String datanets) {
        /// What a model without examples has.
        public static final Examples NONE = new Examples("", "");

        public Examples {
            ModelSource.Checks.relativeOrEmpty("adapters", adapters);
            ModelSource.Checks.relativeOrEmpty("datanets", datanets);
        }
    }

    /// The shipped catalogue.
    public static ModelCatalog shipped() {
        return ConfigLoader.shipped("models.yaml").bind(ModelCatalog.class);
    }

    public Optional<Entry> find(String name) {
        return Optional.ofNullable(models.get(name));
    }

    /// The entry of a name, or a [Problem] that lists the names there are.
    public Entry require(String name) {
        return find(name).orElseThrow(() -> unknown(name));
    }

    Problem unknown(String name) {
        return new Problem(
                "there is no model %s".formatted(name),
                "known are %s; a folder or a .gguf file serves as well".formatted(String.join(", ", names())));
    }

    /// All names, sorted.
    public Iterable<String> names() {
        return new TreeMap<>(models).keySet();
    }
}
