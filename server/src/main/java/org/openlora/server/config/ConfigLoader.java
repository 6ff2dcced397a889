package org.openlora.server.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.openlora.server.problem.Problem;

/// Reads the settings: the shipped defaults, and over them one file of the user's.
public final class ConfigLoader {
    private ConfigLoader() {}

    /// The settings with `file` over the defaults; without a file, `$OPENLORA_HOME/openlora.yaml` where there is one.
    public static ServerConfig load(Installation installation, @Nullable Path file) {
        YamlDocument document = shipped("openlora.yaml");
        Path settings = file == null ? installation.settings() : file;
        if (file != null || Files.exists(settings)) {
            document = document.overlaidBy(read(settings));
        }
        return document.bind(ServerConfig.class);
    }

    /// A file of `config/`, as it was shipped.
    public static YamlDocument shipped(String name) {
        return YamlDocument.parse(shippedText(name), "config/" + name);
    }

    private static YamlDocument read(Path file) {
        try {
            return YamlDocument.parse(Files.readString(file), file.toString());
        } catch (IOException e) {
            throw new Problem(
                    "the settings file %s cannot be read: %s".formatted(file, Problem.describe(e)),
                    "name a readable YAML file",
                    e);
        }
    }

    /// The text of a file of `config/`, as it was shipped.
    public static String shippedText(String name) {
        try (InputStream stream = ConfigLoader.class.getResourceAsStream(name)) {
            if (stream == null) {
                throw new IllegalStateException("the resource %s is missing from the server's jar".formatted(name));
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException("the resource %s of the server's jar cannot be read".formatted(name), e);
        }
    }
}
