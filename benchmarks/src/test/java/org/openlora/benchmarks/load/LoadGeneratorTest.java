package org.openlora.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.openlora.benchmarks.load.Completion.Outcome;

class LoadGeneratorTest {
    private static final int TOKENS = 5;
    private static final List<String> NAMES = List.of("base", "a00", "a01");

    private FakeCompletionsServer server;
    private CompletionsClient client;

    @BeforeEach
    void start() throws IOException {
        server = new FakeCompletionsServer(NAMES);
        client = new CompletionsClient(server.address(), null, Duration.ofSeconds(20));
    }

    @AfterEach
    void end() {
        client.close();
        server.close();
    }

    @Test
    void run_closedLoop_sendsEveryRequestOnceAndNoMoreAtATimeThanStreams() {
        Workload workload =
                new Workload("x", new Arrivals.ClosedLoop(3), List.of(0, 1, Workload.NO_ADAPTER, 0, 1, 0, 0));
        LoadGenerator.Run run = generator(NAMES).run(workload, 0);

        assertThat(run.completions()).extracting(Completion::outcome).containsOnly(Outcome.FINISHED);
        assertThat(run.completions()).extracting(Completion::adapter).isEqualTo(workload.adapters());
        assertThat(run.completions()).allSatisfy(completion -> {
            assertThat(completion.arrivals()).hasSize(TOKENS).isSorted();
            assertThat(completion.outputTokens()).isEqualTo(TOKENS);
            assertThat(completion.startNanos())
                    .isLessThanOrEqualTo(completion.arrivals().getFirst());
        });
        assertThat(server.requests()).hasSize(7);
        assertThat(server.mostRunning()).isBetween(1, 3);
        assertThat(LoadSummary.of(run).outputTokens()).isEqualTo(7 * TOKENS);
        assertThat(LoadSummary.of(run).cachedShare()).isEqualTo(0.5);
    }

    @Test
    void run_openLoop_sendsEveryRequest() {
        Workload workload = new Workload("x", new Arrivals.OpenLoop(500, 1), Collections.nCopies(20, 1));
        LoadGenerator.Run run = generator(NAMES).run(workload, 0);

        assertThat(run.completions())
                .hasSize(20)
                .extracting(Completion::outcome)
                .containsOnly(Outcome.FINISHED);
        assertThat(run.completions()).extracting(Completion::startNanos).isSorted();
        assertThat(server.requests())
                .allSatisfy(
                        request -> assertThat(request.path("model").asText()).isEqualTo("a01"));
    }

    @Test
    void run_request_isGreedyStreamedAndHasAPromptOfItsOwn() {
        generator(NAMES).run(new Workload("x", new Arrivals.ClosedLoop(1), List.of(0, 0)), 1);

        assertThat(server.requests())
                .extracting(request -> request.path("prompt").toString())
                .containsExactly("[7,8]", "\"text\"");
        JsonNode request = server.requests().getFirst();
        assertThat(request.path("temperature").asInt(-1)).isZero();
        assertThat(request.path("ignore_eos").asBoolean()).isTrue();
        assertThat(request.path("stream").asBoolean()).isTrue();
        assertThat(request.path("max_tokens").asInt()).isEqualTo(TOKENS);
        assertThat(request.at("/stream_options/include_usage").asBoolean()).isTrue();
    }

    @Test
    void run_serverRefuses_isAResultThatSaysWhy() {
        LoadGenerator.Run run = generator(List.of("base", "unknown"))
                .run(new Workload("x", new Arrivals.ClosedLoop(2), List.of(0, Workload.NO_ADAPTER, 0)), 0);

        assertThat(run.completions())
                .extracting(Completion::outcome)
                .containsExactly(Outcome.FAILED, Outcome.FINISHED, Outcome.FAILED);
        assertThat(run.completions().getFirst().problem()).contains("404").contains("no such model");
        assertThat(LoadSummary.of(run).failed()).isEqualTo(2);
    }

    @Test
    void run_moreAdaptersThanOffered_isRefused() {
        assertThatThrownBy(() -> generator(NAMES).run(new Workload("x", new Arrivals.ClosedLoop(1), List.of(2)), 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("needs 3 adapters")
                .hasMessageContaining("offers 2");
    }

    @Test
    void complete_abortedHalfway_endsAsAborted() {
        CompletionRequest request = new CompletionRequest("base", Workload.NO_ADAPTER, new Prompt.Text("x"), 10_000);
        Completion completion = client.complete(request, 3).join();

        assertThat(completion.outcome()).isEqualTo(Outcome.ABORTED);
        assertThat(completion.arrivals()).hasSizeGreaterThanOrEqualTo(3).hasSizeLessThan(10_000);
        assertThat(client.isHealthy()).isTrue();
    }

    @Test
    void models_areThoseOffered() {
        assertThat(client.models()).isEqualTo(NAMES);
    }

    private LoadGenerator generator(List<String> names) {
        Prompts prompts = new Prompts("test", 2, List.of(new Prompt.Text("text"), new Prompt.Tokens(List.of(7, 8))));
        return new LoadGenerator(client, prompts, names, TOKENS);
    }
}
