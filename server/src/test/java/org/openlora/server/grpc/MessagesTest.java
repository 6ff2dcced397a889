package org.openlora.server.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.openlora.api.v1.Delta;
import org.openlora.api.v1.GenerateRequest;
import org.openlora.api.v1.Prompt;
import org.openlora.api.v1.SamplingParams;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.sampling.TokenLogprobs;
import org.openlora.engine.sampling.TokenLogprobs.TokenLogprob;
import org.openlora.server.config.ServerConfig.Tenant;

class MessagesTest {
    private static final Tenant TENANT = new Tenant("t", "", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");

    private static org.openlora.engine.sampling.SamplingParams read(SamplingParams.Builder sampling) {
        GenerateRequest request = GenerateRequest.newBuilder()
                .setPrompt(Prompt.newBuilder().setText("hello"))
                .setSampling(sampling)
                .build();
        return Messages.call(request, TENANT, null, 256, InstantSource.system()).params();
    }

    @Test
    void call_absentSampling_isGreedyUpToTheServersDefault() {
        org.openlora.engine.sampling.SamplingParams params = read(SamplingParams.newBuilder());
        assertThat(params.toBuilder().seed(0).build())
                .isEqualTo(org.openlora.engine.sampling.SamplingParams.greedy(256));
    }

    @Test
    void call_everySamplingField_reachesTheEngine() {
        assertThat(read(SamplingParams.newBuilder()
                        .setMaxTokens(9)
                        .setMinTokens(2)
                        .setTemperature(0.5)
                        .setTopK(3)
                        .setTopP(0.25)
                        .setMinP(0.125)
                        .setRepetitionPenalty(1.5)
                        .setPresencePenalty(0.75)
                        .setFrequencyPenalty(-0.5)
                        .putLogitBias(4, -1)
                        .setSeed(77)
                        .setLogprobs(5)
                        .addStop("a")
                        .addStopTokenIds(9)
                        .setIncludeStopStrInOutput(true)
                        .setIgnoreEos(true)))
                .isEqualTo(org.openlora.engine.sampling.SamplingParams.builder(9)
                        .minTokens(2)
                        .temperature(0.5)
                        .topK(3)
                        .topP(0.25)
                        .minP(0.125)
                        .repetitionPenalty(1.5)
                        .presencePenalty(0.75)
                        .frequencyPenalty(-0.5)
                        .logitBias(4, -1)
                        .seed(77)
                        .logprobs(5)
                        .stop("a")
                        .stopTokenIds(List.of(9))
                        .includeStop(true)
                        .ignoreEos(true)
                        .build());
    }

    @Test
    void call_fieldOutOfRange_namesItAsTheClientDoes() {
        assertThatThrownBy(() -> read(SamplingParams.newBuilder().setRepetitionPenalty(0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("repetition_penalty is 0.0: allowed is above 0 and at most 10.0");
    }

    @Test
    void delta_logprobsAndIds_areWrittenWhereTheyAreThere() {
        TokenLogprobs logprobs = new TokenLogprobs(
                new TokenLogprob(7, -1.5f), List.of(new TokenLogprob(3, -0.5f), new TokenLogprob(7, -1.5f)));
        Delta delta = Messages.delta(new GenerationEvent.Delta(2, 7, "x", logprobs), true);
        assertThat(delta.getChoice()).isEqualTo(2);
        assertThat(delta.getTokenIdsList()).containsExactly(7);
        assertThat(delta.getLogprobsCount()).isOne();
        assertThat(delta.getLogprobs(0).getDrawn().getTokenId()).isEqualTo(7);
        assertThat(delta.getLogprobs(0).getTop(0).getLogprob()).isEqualTo(-0.5f);
        assertThat(delta.getLogprobs(0).getTopCount()).isEqualTo(2);

        Delta plain = Messages.delta(new GenerationEvent.Delta(0, 7, "x", null), false);
        assertThat(plain).isEqualTo(Delta.newBuilder().setText("x").build());
    }
}
