package org.openlora.server.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.Usage;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.AdapterChoice;
import org.openlora.server.serving.GenerationCall;
import org.openlora.server.serving.PromptInput;
import org.openlora.server.serving.ServingStack;

/// From an answer of the bundled model to its trace, beside the server and without it.
class TracesTest {
    private static final Path ROOT = Path.of(System.getProperty("openlora.root"));
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @TempDir
    private Path home;

    @Test
    void of_answerAsTextAsTokensOrNotAtAll_showsWhoseItIs() throws IOException {
        Installation installation = new Installation(ROOT, home);
        ServerConfig config = ConfigLoader.load(installation, null);
        Usage usage;
        String text;
        Path plain = home.resolve("answer.txt");
        Path tokens = home.resolve("answer.json");
        try (ServingStack stack = open(config, installation)) {
            usage = generate(stack, config);
            text = stack.decode(usage.outputTokens());
            stack.meter().drain(PATIENCE);
            Files.writeString(plain, text.strip() + "\n");
            Files.writeString(
                    tokens,
                    Arrays.stream(usage.outputTokens())
                            .mapToObj(Integer::toString)
                            .collect(Collectors.joining(", ", "{\"tokens\": [", "]}")));

            // The server has the ledger open all the while.
            try (Traces traces = Traces.open(config, installation, Map.of())) {
                Trace trace = traces.of(usage.requestId(), plain, null);
                assertThat(trace.pieces().stream().map(Trace.Piece::text).collect(Collectors.joining()))
                        .isEqualTo(text);
                assertThat(trace).isEqualTo(traces.of(usage.requestId(), tokens, null));
                assertThat(trace).isEqualTo(traces.of(usage.requestId(), tokens, usage.salt()));
            }
        }
        try (Traces traces = Traces.open(config, installation, Map.of())) {
            Trace trace = traces.of(usage.requestId(), tokens, null);
            assertThat(trace.evidenceTokens()).isGreaterThan(10);
            assertThat(trace.notes()).isNotEmpty().allSatisfy(note -> {
                assertThat(note.datanet()).isEqualTo("sea-lore");
                assertThat(Double.parseDouble(note.paid())).isPositive();
                assertThat(note.passages()).allSatisfy(passage -> assertThat(passage.rowText())
                        .contains(trace.pieces().stream()
                                .filter(piece -> piece.start() == passage.start())
                                .findFirst()
                                .orElseThrow()
                                .text()
                                .strip()));
            });
            assertThat(trace.payments().stream().mapToDouble(Trace.Payee::share).sum())
                    .isCloseTo(1, within(1e-9));

            Trace without = traces.of(usage.requestId(), null, null);
            assertThat(without.textMissing()).contains("--text");
            assertThat(without.notes()).isEqualTo(trace.notes());
        }
    }

    @Test
    void of_whatTheReceiptIsNotAbout_isRefused() throws IOException {
        Installation installation = new Installation(ROOT, home);
        ServerConfig config = ConfigLoader.load(installation, null);
        Usage usage;
        try (ServingStack stack = open(config, installation)) {
            usage = generate(stack, config);
            stack.meter().drain(PATIENCE);
        }
        Path other = Files.writeString(home.resolve("other.txt"), "Something else altogether.");
        Path changed = Files.writeString(
                home.resolve("changed.json"), "{\"tokens\": [" + (usage.outputTokens()[0] + 1) + "]}");
        try (Traces traces = Traces.open(config, installation, Map.of())) {
            for (Path file : List.of(other, changed)) {
                assertThatThrownBy(() -> traces.of(usage.requestId(), file, null))
                        .isInstanceOf(Problem.class)
                        .hasMessageContaining(file + " is not the answer that the receipt is about");
            }
            assertThatThrownBy(() -> traces.of("0x" + "ab".repeat(32), null, null))
                    .hasMessageContaining("there is no receipt for request 0xabab");
        }
    }

    @Test
    void open_withoutALedger_isOneLine() {
        Installation installation = new Installation(ROOT, home);
        assertThatThrownBy(() -> Traces.open(ConfigLoader.load(installation, null), installation, Map.of()))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("there is no ledger in");
    }

    private static Usage generate(ServingStack stack, ServerConfig config) {
        CompletableFuture<Usage> end = new CompletableFuture<>();
        stack.submit(
                new GenerationCall(
                        null,
                        config.tenants().getFirst(),
                        new PromptInput.Chat(List.of(new PromptInput.Turn("user", "Give me one piece of advice."))),
                        List.of(new AdapterChoice.ByName("harbour-keeper", 1_000_000)),
                        SamplingParams.greedy(64),
                        Instant.now().plus(PATIENCE)),
                event -> {
                    switch (event) {
                        case GenerationEvent.Started _, GenerationEvent.Delta _, GenerationEvent.Attributed _ -> {}
                        case GenerationEvent.Finished finished -> end.complete(finished.usage());
                        case GenerationEvent.Failed(var cause) -> end.completeExceptionally(cause);
                    }
                });
        return end.join();
    }

    private static ServingStack open(ServerConfig config, Installation installation) {
        ResolvedModel model = new ResolvedModel(
                "openlora-tiny",
                ROOT.resolve("models/openlora-tiny"),
                ROOT.resolve("examples/adapters"),
                ROOT.resolve("examples/datanets"),
                "");
        return ServingStack.open(config, installation, model, Map.of());
    }
}
