package org.openlora.server.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.util.Timestamps;
import java.io.PrintWriter;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.openlora.api.v1.AdapterRef;
import org.openlora.api.v1.ChatMessage;
import org.openlora.api.v1.ChatMessages;
import org.openlora.api.v1.Finished;
import org.openlora.api.v1.GenerateRequest;
import org.openlora.api.v1.GenerateResponse;
import org.openlora.api.v1.InferenceGrpc;
import org.openlora.api.v1.Prompt;
import org.openlora.api.v1.Started;
import org.openlora.api.v1.TokenLogprob;
import org.openlora.api.v1.TokenLogprobs;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora generate`: a client of `openlora serve`, which it starts in its own process where none is running.
@Command(name = "generate", description = "Answers one prompt; streams the answer to standard output.")
final class GenerateCommand implements Callable<Integer> {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String DIGEST_PREFIX = "sha256:";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private ServerOptions serverOptions = new ServerOptions();

    @Mixin
    private ClientOptions clientOptions = new ClientOptions();

    @Mixin
    private SamplingOptions samplingOptions = new SamplingOptions();

    @Option(names = "--prompt", required = true, paramLabel = "TEXT", description = "What to answer.")
    private String prompt = "";

    @Option(names = "--raw", description = "Gives the prompt to the model as it stands, without the chat template.")
    private boolean raw;

    @Option(
            names = "--adapter",
            paramLabel = "NAME[=SCALE]",
            description = "An adapter by name or digest; may be given several times.")
    private List<String> adapters = List.of();

    @Option(names = "--json", description = "Prints one JSON object instead of the stream.")
    private boolean json;

    @Override
    public Integer call() throws JsonProcessingException {
        Installation installation = Environment.installation();
        ServerConfig config = serverOptions.load(installation);
        GenerateRequest request = request();
        Optional<ClientOptions.Found> found = clientOptions.find(config);
        if (found.isPresent()) {
            requireSame(config, found.get());
            answer(clientOptions.inference(found.get().address()), request);
            return ExitStatus.OK;
        }
        try (RunningServer server = RunningServer.start(config.withPort(0), installation, installation.chain())) {
            answer(clientOptions.inference(server.listener().address()), request);
        }
        return ExitStatus.OK;
    }

    /// A running server serves what it serves: another model or other adapters cannot be asked of it.
    private void requireSame(ServerConfig config, ClientOptions.Found found) {
        String model = found.model().getName();
        if (serverOptions.namesModel()
                && !model.equals(config.model())
                && !config.model().endsWith("/" + model)) {
            throw new Problem(
                    "the server at %s serves %s, not %s".formatted(found.address(), model, config.model()),
                    "end it, or leave --model out");
        }
        if (serverOptions.namesAdapterRoot()) {
            throw new Problem(
                    "a server is running at %s with adapters of its own".formatted(found.address()),
                    "end it, or leave --adapter-root out");
        }
    }

    private GenerateRequest request() {
        GenerateRequest.Builder request = GenerateRequest.newBuilder()
                .setPrompt(
                        raw
                                ? Prompt.newBuilder().setText(prompt)
                                : Prompt.newBuilder()
                                        .setMessages(ChatMessages.newBuilder()
                                                .addMessages(ChatMessage.newBuilder()
                                                        .setRole("user")
                                                        .setContent(prompt))))
                .setReturnTokenIds(json);
        adapters.forEach(adapter -> request.addAdapters(reference(adapter)));
        return request.setSampling(samplingOptions.message()).build();
    }

    private static AdapterRef reference(String text) {
        int equals = text.lastIndexOf('=');
        String name = equals < 0 ? text : text.substring(0, equals);
        AdapterRef.Builder reference = AdapterRef.newBuilder();
        if (equals >= 0) {
            try {
                reference.setScale(Double.parseDouble(text.substring(equals + 1)));
            } catch (NumberFormatException e) {
                throw new Problem(
                        "--adapter %s has a scale that is no number".formatted(text), "write NAME or NAME=0.5", e);
            }
        }
        return name.startsWith(DIGEST_PREFIX)
                ? reference.setDigest(name).build()
                : reference.setName(name).build();
    }

    private void answer(InferenceGrpc.InferenceBlockingStub inference, GenerateRequest request)
            throws JsonProcessingException {
        PrintWriter out = spec.commandLine().getOut();
        Iterator<GenerateResponse> events = inference.generate(request);
        ObjectNode object = JSON.createObjectNode();
        StringBuilder text = new StringBuilder();
        while (events.hasNext()) {
            GenerateResponse event = events.next();
            switch (event.getEventCase()) {
                case STARTED -> describe(object, event.getStarted());
                case DELTA -> {
                    text.append(event.getDelta().getText());
                    event.getDelta().getTokenIdsList().forEach(object.withArray("tokens")::add);
                    event.getDelta().getLogprobsList().forEach(logprobs -> describe(object, logprobs));
                    if (!json) {
                        out.print(event.getDelta().getText());
                        out.flush();
                    }
                }
                case FINISHED -> describe(object, event.getFinished());
                // Not asked for, and events of newer servers.
                case ATTRIBUTION, EVENT_NOT_SET -> {}
            }
        }
        object.put("text", text.toString());
        out.println(json ? JSON.writerWithDefaultPrettyPrinter().writeValueAsString(object) : "");
    }

    private static void describe(ObjectNode object, Started started) {
        object.put("requestId", started.getRequestId()).put("baseDigest", started.getBaseDigest());
        started.getAdaptersList().forEach(adapter -> object.withArray("adapters")
                .addObject()
                .put("name", adapter.getName())
                .put("digest", adapter.getDigest())
                .put("scalePpm", adapter.getScalePpm()));
    }

    private static void describe(ObjectNode object, TokenLogprobs logprobs) {
        ObjectNode token = object.withArray("logprobs").addObject();
        describe(token, logprobs.getDrawn());
        logprobs.getTopList().forEach(top -> describe(token.withArray("top").addObject(), top));
    }

    private static void describe(ObjectNode object, TokenLogprob logprob) {
        object.put("token", logprob.getTokenId()).put("logprob", logprob.getLogprob());
    }

    private static void describe(ObjectNode object, Finished finished) {
        object.put(
                "finishReason",
                finished.getFinishReason().name().replace("FINISH_REASON_", "").toLowerCase(Locale.ROOT));
        object.putObject("usage")
                .put("promptTokens", finished.getUsage().getPromptTokens())
                .put("cachedTokens", finished.getUsage().getCachedTokens())
                .put("generatedTokens", finished.getUsage().getGeneratedTokens())
                .put("discardedTokens", finished.getUsage().getDiscardedTokens());
        object.putObject("acknowledgement")
                .put("operator", finished.getAcknowledgement().getOperator())
                .put(
                        "includeBy",
                        Timestamps.toString(finished.getAcknowledgement().getIncludeBy()))
                .put(
                        "salt",
                        "0x"
                                + HexFormat.of()
                                        .formatHex(finished.getAcknowledgement()
                                                .getSalt()
                                                .toByteArray()))
                .put("signed", finished.getAcknowledgement().getPayload().toStringUtf8());
    }
}
