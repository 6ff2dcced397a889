package org.openlora.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplingParamsTest {
    private static SamplingParams.Builder set(String field, double value) {
        SamplingParams.Builder builder = SamplingParams.builder(8);
        return switch (field) {
            case "max_tokens" -> builder.maxTokens((int) value);
            case "min_tokens" -> builder.minTokens((int) value);
            case "temperature" -> builder.temperature(value);
            case "top_p" -> builder.topP(value);
            case "top_k" -> builder.topK((int) value);
            case "min_p" -> builder.minP(value);
            case "repetition_penalty" -> builder.repetitionPenalty(value);
            case "presence_penalty" -> builder.presencePenalty(value);
            case "frequency_penalty" -> builder.frequencyPenalty(value);
            case "logprobs" -> builder.logprobs((int) value);
            case "logit_bias" -> builder.logitBias(5, value);
            case "stop_token_ids" -> builder.stopTokenIds(List.of((int) value));
            default -> throw new IllegalArgumentException(field);
        };
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
            max_tokens, 0, at least 1
            min_tokens, -1, from 0 to max_tokens
            min_tokens, 9, 'from 0 to max_tokens, which is 8'
            temperature, -1, from 0 to 100
            temperature, NaN, from 0 to 100
            temperature, Infinity, from 0 to 100
            top_p, 0, above 0 and at most 1
            top_p, 1.01, above 0 and at most 1
            top_p, NaN, above 0 and at most 1
            top_k, -2, 0 (all) or more
            min_p, -0.1, from 0 to 1
            min_p, 1.1, from 0 to 1
            repetition_penalty, 0, above 0
            repetition_penalty, NaN, above 0
            presence_penalty, 2.1, from -2 to 2
            frequency_penalty, -2.1, from -2 to 2
            logprobs, 21, from 0 to 20
            logprobs, -1, from 0 to 20
            logit_bias, 101, from -100.0 to 100.0
            logit_bias, NaN, from -100.0 to 100.0
            stop_token_ids, -1, ids of the vocabulary
            """)
    void build_fieldOutOfRange_namesItAndWhatIsAllowed(String field, double value, String allowed) {
        assertThatThrownBy(() -> set(field, value).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(field + " is ")
                .hasMessageContaining("allowed is " + allowed);
    }

    @Test
    void build_tooManyOrEmptyStops_areRefused() {
        assertThatThrownBy(() -> SamplingParams.builder(8)
                        .stop(Collections.nCopies(17, "x"))
                        .build())
                .hasMessage("stop is 17 strings: allowed is at most 16");
        assertThatThrownBy(() -> SamplingParams.builder(8).stop("").build())
                .hasMessageContaining("stop is an empty string");
        assertThatThrownBy(() -> SamplingParams.builder(8)
                        .stopTokenIds(Collections.nCopies(129, 1))
                        .build())
                .hasMessage("stop_token_ids is 129 ids: allowed is at most 128");
    }

    @Test
    void requireWithin_idsBeyondTheVocabulary_areRefused() {
        SamplingParams params = SamplingParams.builder(8)
                .logitBias(99, 1)
                .stopTokenIds(List.of(98))
                .build();
        params.requireWithin(100);
        assertThatThrownBy(() -> params.requireWithin(99))
                .hasMessage("logit_bias is for token 99: allowed is ids from 0 to 98");
        assertThatThrownBy(() -> params.requireWithin(98))
                .hasMessage("stop_token_ids is 98: allowed is ids from 0 to 97");
    }

    @Test
    void toBuilder_everyField_isKept() {
        SamplingParams params = SamplingParams.builder(8)
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
                .stop("a", "b")
                .stopTokenIds(List.of(9))
                .includeStop(true)
                .ignoreEos(true)
                .build();
        assertThat(params.toBuilder().build()).isEqualTo(params);
        assertThat(params.toBuilder().seed(78).build()).isNotEqualTo(params);
    }
}
