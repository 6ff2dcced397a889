package org.openlora.benchmarks.serving;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.benchmarks.load.Prompts;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Option;

/// Which server to load, and with which prompts.
public final class TargetOptions {
    static final String BASE = "base";

    private static final int PROMPT_POOL = 256;

    @Option(
            names = "--url",
            paramLabel = "URL",
            description = "A running OpenAI-style server; without it, one is started for this run.")
    @Nullable
    URI url;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "A folder with model/, adapters/ and prompts.jsonl; stands for --model and --adapter-root.")
    @Nullable
    Path data;

    @Option(names = "--model", paramLabel = "NAME-or-DIR", description = "What to serve, as for openlora serve.")
    @Nullable
    String model;

    @Option(names = "--adapter-root", paramLabel = "DIR", description = "Each folder in it is an adapter.")
    @Nullable
    Path adapterRoot;

    @Option(
            names = "--base-model",
            paramLabel = "NAME",
            defaultValue = BASE,
            description = "Name of the bare base in requests; default ${DEFAULT-VALUE}.")
    String baseModel = BASE;

    @Option(
            names = "--ranks",
            paramLabel = "R",
            split = ",",
            defaultValue = "16,8,32,64",
            description = "Ranks of adapters whose files are not at hand, in turn; default ${DEFAULT-VALUE}.")
    List<Integer> ranks = List.of();

    @Option(names = "--api-key", paramLabel = "KEY", description = "Sent as a bearer token.")
    @Nullable
    String apiKey;

    @Option(
            names = "--pid",
            paramLabel = "PID",
            description = "Process of the server at --url on this machine: reports its memory.")
    @Nullable
    Long pid;

    @Option(
            names = "--serve-arg",
            paramLabel = "ARG",
            description = "A further argument of openlora serve; may be repeated.")
    List<String> serveArguments = new ArrayList<>();

    @Option(
            names = "--server-log",
            paramLabel = "FILE",
            defaultValue = "openlora-bench-server.log",
            description = "Output of the server that is started; default ${DEFAULT-VALUE}, in the temporary folder.")
    Path serverLog = Path.of("openlora-bench-server.log");

    @Option(
            names = "--prompt-tokens",
            paramLabel = "N[-M]",
            defaultValue = "128",
            description = "Length of random prompts, or shortest and longest; default ${DEFAULT-VALUE}.")
    String promptTokens = "128";

    @Option(names = "--prompt-ids", description = "Sends the prompts of --data as token ids instead of text.")
    boolean promptIds;

    @Option(
            names = "--vocabulary",
            paramLabel = "N",
            description = "Token ids of random prompts are below this; default: the model's.")
    @Nullable
    Integer vocabulary;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            defaultValue = "600",
            description = "Of one request; default ${DEFAULT-VALUE}.")
    int timeoutSeconds = 600;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Of everything drawn at random.")
    private long seed = 1;

    public long seed() {
        return seed;
    }

    /// Folder or file of the model, where its files are on this machine; the bundled one where none is named.
    @Nullable
    Path modelPath(Path root) {
        if (model != null) {
            Path path = Path.of(model);
            return Files.exists(path) ? path : null;
        }
        if (data != null) {
            return data.resolve("model");
        }
        return url == null ? root.resolve("models").resolve("openlora-tiny") : null;
    }

    @Nullable
    Path adapterPath() {
        return adapterRoot != null ? adapterRoot : data == null ? null : data.resolve("adapters");
    }

    /// Arguments of `openlora serve`.
    List<String> serveArguments() {
        List<String> arguments = new ArrayList<>(List.of("--served-model-name", baseModel));
        String served = model != null
                ? model
                : data == null ? null : data.resolve("model").toString();
        if (served != null) {
            arguments.addAll(List.of("--model", served));
        }
        Path adapters = adapterPath();
        if (adapters != null) {
            arguments.addAll(List.of("--adapter-root", adapters.toString()));
        }
        arguments.addAll(serveArguments);
        return arguments;
    }

    Path logFile() {
        return Path.of(System.getProperty("java.io.tmpdir")).resolve(serverLog);
    }

    Duration timeout() {
        return Duration.ofSeconds(timeoutSeconds);
    }

    /// @param modelVocabulary tokens of the model; null where it is not known
    Prompts prompts(@Nullable Integer modelVocabulary) {
        if (data != null) {
            return Prompts.read(data.resolve("prompts.jsonl"), promptIds);
        }
        Integer size = vocabulary != null ? vocabulary : modelVocabulary;
        if (size == null) {
            throw new Problem(
                    "the vocabulary of the served model is not known", "give --vocabulary, --model or --data");
        }
        String[] range = promptTokens.split("-", 2);
        try {
            int shortest = Integer.parseInt(range[0]);
            int longest = range.length == 1 ? shortest : Integer.parseInt(range[1]);
            return Prompts.random(PROMPT_POOL, shortest, longest, size, seed);
        } catch (NumberFormatException e) {
            throw new Problem("--prompt-tokens is " + promptTokens, "write a number or two, such as 64-256", e);
        }
    }
}
