package org.openlora.server.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import picocli.CommandLine.Option;

/// Options of the commands that serve.
final class ServerOptions {
    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "Settings over the defaults, instead of $OPENLORA_HOME/openlora.yaml.")
    private @Nullable Path config;

    @Option(
            names = "--model",
            paramLabel = "NAME-or-DIR",
            description = "A name of openlora model list, a folder or a .gguf file.")
    private @Nullable String model;

    @Option(
            names = "--adapter-root",
            paramLabel = "DIR",
            description = "Each folder in it with an adapter_config.json is an adapter.")
    private @Nullable Path adapterRoot;

    @Option(
            names = "--weights",
            paramLabel = "FORMAT",
            description = "Format of the base in memory: bf16, or int8 for half of it.")
    private @Nullable String weights;

    /// The settings with what was given on the command line.
    ServerConfig load(Installation installation) {
        ServerConfig loaded = ConfigLoader.load(installation, config);
        if (model != null) {
            loaded = loaded.withModel(model);
        }
        if (adapterRoot != null) {
            loaded = loaded.withAdapterRoot(adapterRoot.toAbsolutePath().toString());
        }
        if (weights != null) {
            loaded = loaded.withWeights(weights);
        }
        return loaded;
    }

    /// Whether the command line names what to serve.
    boolean namesModel() {
        return model != null;
    }

    boolean namesAdapterRoot() {
        return adapterRoot != null;
    }
}
