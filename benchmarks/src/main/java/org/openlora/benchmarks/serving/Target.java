package org.openlora.benchmarks.serving;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.benchmarks.load.CompletionsClient;
import org.openlora.benchmarks.load.Prompts;
import org.openlora.benchmarks.roofline.ModelShape;
import org.openlora.engine.weights.BaseCheckpoint;
import org.openlora.engine.weights.ModelConfig;
import org.openlora.server.problem.Problem;

/// The server under load: started for the occasion or running already, and what is known of its models.
public final class Target implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final TargetOptions options;
    private final @Nullable ServerProcess process;
    private final URI address;
    private final CompletionsClient client;
    private final List<String> modelNames;
    private final @Nullable ModelConfig config;

    private Target(
            TargetOptions options,
            @Nullable ServerProcess process,
            URI address,
            CompletionsClient client,
            @Nullable ModelConfig config) {
        this.options = options;
        this.process = process;
        this.address = address;
        this.client = client;
        this.config = config;
        this.modelNames = names(client.models(), options.baseModel);
    }

    /// @throws Problem if the server does not answer or lacks the base model's name
    public static Target open(TargetOptions options, Path root) throws InterruptedException {
        Path modelPath = options.modelPath(root);
        ModelConfig config = modelPath == null ? null : config(modelPath);
        URI url = options.url;
        if (url != null) {
            if (url.getHost() == null) {
                throw new Problem("--url is " + url, "write it like http://127.0.0.1:8080");
            }
            CompletionsClient client = new CompletionsClient(url, options.apiKey, options.timeout());
            return closingOnFailure(options, null, url, client, config);
        }
        Path log = options.logFile();
        ServerProcess process = ServerProcess.start(root, options.serveArguments(), log);
        CompletionsClient client = new CompletionsClient(process.address(), options.apiKey, options.timeout());
        try {
            process.awaitReady(client, log);
        } catch (InterruptedException | RuntimeException e) {
            client.close();
            process.close();
            throw e;
        }
        return closingOnFailure(options, process, process.address(), client, config);
    }

    public URI address() {
        return address;
    }

    public CompletionsClient client() {
        return client;
    }

    /// The base's name, then the adapters' in alphabetical order.
    public List<String> modelNames() {
        return modelNames;
    }

    public int adapters() {
        return modelNames.size() - 1;
    }

    /// Null where the model's files are not on this machine.
    public @Nullable ModelShape shape() {
        return config == null ? null : ModelShape.of(config);
    }

    public Prompts prompts() {
        return options.prompts(config == null ? null : config.vocabularySize());
    }

    /// Rank of an adapter: from its files, or from --ranks in turn.
    public int rank(int adapter) {
        Path root = options.adapterPath();
        Path file =
                root == null ? null : root.resolve(modelNames.get(adapter + 1)).resolve("adapter_config.json");
        if (file == null || !Files.exists(file)) {
            return options.ranks.get(adapter % options.ranks.size());
        }
        try {
            return JSON.readTree(file.toFile()).path("r").asInt(1);
        } catch (IOException e) {
            throw new Problem("%s cannot be read: %s".formatted(file, Problem.describe(e)), "check the adapter", e);
        }
    }

    /// Process of the server on this machine; null for one elsewhere.
    public @Nullable Long pid() {
        return process == null ? options.pid : Long.valueOf(process.pid());
    }

    public String describe() {
        return process == null ? address.toString() : process.describe();
    }

    @Override
    public void close() {
        client.close();
        if (process != null) {
            process.close();
        }
    }

    private static Target closingOnFailure(
            TargetOptions options,
            @Nullable ServerProcess process,
            URI address,
            CompletionsClient client,
            @Nullable ModelConfig config) {
        try {
            return new Target(options, process, address, client, config);
        } catch (RuntimeException e) {
            client.close();
            if (process != null) {
                process.close();
            }
            throw e;
        }
    }

    private static List<String> names(List<String> offered, String base) {
        if (!offered.contains(base)) {
            throw new Problem(
                    "the server offers no model %s; it offers %s".formatted(base, offered),
                    "name its base with --base-model");
        }
        List<String> names = new ArrayList<>(List.of(base));
        offered.stream().filter(name -> !name.equals(base)).sorted().forEach(names::add);
        return names;
    }

    private static ModelConfig config(Path model) {
        try (BaseCheckpoint checkpoint = BaseCheckpoint.open(model)) {
            return checkpoint.config();
        }
    }
}
