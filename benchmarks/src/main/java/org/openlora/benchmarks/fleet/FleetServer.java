package org.openlora.benchmarks.fleet;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.openlora.benchmarks.load.CompletionRequest;
import org.openlora.benchmarks.load.CompletionsClient;
import org.openlora.benchmarks.load.LoadGenerator;
import org.openlora.benchmarks.load.Prompt;
import org.openlora.benchmarks.load.Prompts;
import org.openlora.benchmarks.serving.ServerProcess;
import org.openlora.server.problem.Problem;

/// `./openlora serve` over one fleet, with a home of its own, and a client of it.
final class FleetServer implements AutoCloseable {
    private static final String BASE = "base";
    private static final Duration TIMEOUT = Duration.ofMinutes(10);

    private final ServerProcess process;
    private final CompletionsClient client;
    private final List<String> modelNames;
    private final double readySeconds;

    private FleetServer(ServerProcess process, CompletionsClient client, List<String> modelNames, double readySeconds) {
        this.process = process;
        this.client = client;
        this.modelNames = modelNames;
        this.readySeconds = readySeconds;
    }

    /// How to start one.
    ///
    /// @param root the installation
    /// @param model name or path of the base
    /// @param home what the server keeps between runs; made where it is not there
    /// @param log where its output goes
    record Launch(Path root, String model, Room room, Path home, Path log) {}

    /// Starts a server and waits until it is healthy.
    static FleetServer start(Launch launch, Fleet fleet) throws InterruptedException {
        Path settings = launch.home().resolve("openlora.yaml");
        try {
            Files.createDirectories(launch.home());
            Files.writeString(settings, launch.room().settings());
        } catch (IOException e) {
            throw new Problem(
                    "%s cannot be written: %s".formatted(settings, Problem.describe(e)), "check the folder", e);
        }
        long start = System.nanoTime();
        ServerProcess process = ServerProcess.start(
                launch.root(),
                List.of(
                        "--model",
                        launch.model(),
                        "--served-model-name",
                        BASE,
                        "--adapter-root",
                        fleet.folder().toString(),
                        "--config",
                        settings.toString()),
                Map.of("OPENLORA_HOME", launch.home().toString()),
                launch.log());
        CompletionsClient client = new CompletionsClient(process.address(), null, TIMEOUT);
        try {
            process.awaitReady(client, launch.log());
            double readySeconds = (System.nanoTime() - start) / 1e9;
            List<String> names = new ArrayList<>(List.of(BASE));
            names.addAll(fleet.spec().names());
            return new FleetServer(process, client, names, readySeconds);
        } catch (InterruptedException | RuntimeException e) {
            client.close();
            process.close();
            throw e;
        }
    }

    CompletionsClient client() {
        return client;
    }

    long pid() {
        return process.pid();
    }

    String describe() {
        return process.describe();
    }

    /// From starting the process to its being healthy.
    double readySeconds() {
        return readySeconds;
    }

    /// The base, then the fleet in order.
    List<String> modelNames() {
        return modelNames;
    }

    LoadGenerator generator(Prompts prompts, int maxTokens) {
        return new LoadGenerator(client, prompts, modelNames, maxTokens);
    }

    CompletionRequest request(int adapter, Prompt prompt, int maxTokens) {
        return new CompletionRequest(modelNames.get(adapter + 1), adapter, prompt, maxTokens);
    }

    @Override
    public void close() {
        client.close();
        process.close();
    }
}
