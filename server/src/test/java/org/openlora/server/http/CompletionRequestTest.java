package org.openlora.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.openlora.engine.sampling.Penalties;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.server.serving.PromptInput;

class CompletionRequestTest {
    private static final int DEFAULT_MAX_TOKENS = 77;

    @Test
    void parse_everyField_isUnderstood() {
        CompletionRequest request = text("""
                {"model": "a", "prompt": "p", "max_tokens": 9, "min_tokens": 2, "temperature": 0.5, "top_p": 0.9,
                 "top_k": 40, "min_p": 0.1, "repetition_penalty": 1.2, "presence_penalty": 0.3,
                 "frequency_penalty": -0.4, "logit_bias": {"5": -100, "6": 1.5}, "seed": -3, "logprobs": 2,
                 "stop": ["x", "y"], "stop_token_ids": [7], "include_stop_str_in_output": true, "ignore_eos": true,
                 "n": 3, "best_of": 3, "stream": true, "stream_options": {"include_usage": true,
                 "continuous_usage_stats": true}, "openlora": true, "request_id": "mine", "priority": -1,
                 "cache_salt": "s", "user": "u", "echo": false, "of_the_future": {"a": [1]}}""");

        assertThat(request.params())
                .isEqualTo(SamplingParams.builder(9)
                        .minTokens(2)
                        .temperature(0.5f)
                        .topP(0.9f)
                        .topK(40)
                        .minP(0.1f)
                        .repetitionPenalty(1.2f)
                        .presencePenalty(0.3f)
                        .frequencyPenalty(-0.4f)
                        .logitBias(5, -100)
                        .logitBias(6, 1.5)
                        .seed(-3)
                        .logprobs(2)
                        .stop("x", "y")
                        .stopTokenIds(List.of(7))
                        .includeStop(true)
                        .ignoreEos(true)
                        .build());
        assertThat(request.params().penalties()).isEqualTo(new Penalties(1.2f, 0.3f, -0.4f));
        assertThat(request.params().logitBias()).isEqualTo(Map.of(5, -100f, 6, 1.5f));
        assertThat(request)
                .extracting("model", "choices", "stream", "includeUsage", "continuousUsage", "evidence", "requestId")
                .containsExactly("a", 3, true, true, true, true, "mine");
        assertThat(request).extracting("priority", "cacheSalt", "echo").containsExactly(-1, "s", false);
    }

    @Test
    void parse_nullsAndNothing_areTheDefaults() {
        CompletionRequest request = text("{\"prompt\": \"p\", \"stop\": null, \"seed\": null, \"n\": null}");

        assertThat(request.model()).isEmpty();
        assertThat(request.choices()).isEqualTo(1);
        assertThat(request.stream()).isFalse();
        assertThat(request.evidence()).isFalse();
        assertThat(request.params().maxTokens()).isEqualTo(DEFAULT_MAX_TOKENS);
        assertThat(request.params().temperature()).isEqualTo(1);
        assertThat(request.params().logprobs()).isEqualTo(OptionalInt.empty());
    }

    @ParameterizedTest
    @MethodSource("promptForms")
    void parse_promptForms_areAllUnderstood(String prompt, List<PromptInput> expected) {
        assertThat(text("{\"prompt\": " + prompt + "}").prompts()).isEqualTo(expected);
    }

    static Stream<Arguments> promptForms() {
        return Stream.of(
                arguments("\"a\"", List.of(new PromptInput.Text("a"))),
                arguments("[\"a\", \"b\"]", List.of(new PromptInput.Text("a"), new PromptInput.Text("b"))),
                arguments("[1, 2]", List.of(new PromptInput.Tokens(List.of(1, 2)))),
                arguments(
                        "[[1], [2, 3]]",
                        List.of(new PromptInput.Tokens(List.of(1)), new PromptInput.Tokens(List.of(2, 3)))));
    }

    @Test
    void parse_conversation_joinsItsTextParts() {
        CompletionRequest request = chat("""
                {"messages": [{"role": "system", "content": "s"},
                 {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}],
                 "max_completion_tokens": 5, "max_tokens": 6, "logprobs": true, "top_logprobs": 4}""");

        assertThat(request.prompts())
                .containsExactly(new PromptInput.Chat(
                        List.of(new PromptInput.Turn("system", "s"), new PromptInput.Turn("user", "ab"))));
        assertThat(request.params().maxTokens()).isEqualTo(5);
        assertThat(request.params().logprobs()).hasValue(4);
    }

    @ParameterizedTest
    @MethodSource("refused")
    void parse_whatCannotBeServed_namesTheField(String fields, String message) {
        assertThatThrownBy(() -> text("{\"prompt\": \"p\", " + fields + "}")).hasMessageContaining(message);
    }

    static Stream<Arguments> refused() {
        return Stream.of(
                arguments("\"max_tokens\": 0", "max_tokens is 0: allowed is at least 1"),
                arguments("\"max_tokens\": 1.5", "max_tokens is 1.5: allowed is an integer"),
                arguments("\"max_tokens\": 99999999999", "max_tokens is 99999999999"),
                arguments("\"temperature\": \"hot\"", "temperature is \"hot\": allowed is a number"),
                arguments("\"top_p\": 0", "top_p is 0.0"),
                arguments("\"stream\": 1", "stream is 1: allowed is true or false"),
                arguments("\"stop\": [1]", "stop is [1]: allowed is a string or an array of strings"),
                arguments("\"stop\": \"\"", "stop is an empty string"),
                arguments("\"logit_bias\": {\"x\": 1}", "logit_bias"),
                arguments("\"best_of\": 2", "best_of is 2: allowed is n, which is 1"),
                arguments("\"echo\": true, \"logprobs\": 1", "echo with logprobs"),
                arguments("\"suffix\": \"end\"", "suffix is not served"),
                arguments("\"response_format\": {\"type\": \"json_object\"}", "response_format is not served"),
                arguments("\"guided_regex\": \"a+\"", "guided_regex is not served"),
                arguments("\"prompt\": []", "prompt is []: allowed is a string"),
                arguments("\"prompt\": [\"a\", 1]", "prompt is [\"a\",1]"),
                arguments("\"prompt\": [1, \"a\"]", "prompt is \"a\": allowed is an integer"),
                arguments("\"prompt\": {}", "prompt is {}"));
    }

    @Test
    void parse_noPrompt_saysWhatToGive() {
        assertThatThrownBy(() -> text("{}")).hasMessageContaining("prompt is missing: give a string");
        assertThatThrownBy(() -> chat("{}")).hasMessageContaining("messages is missing");
    }

    @Test
    void parse_noJsonObject_isRefusedWithItsPlace() {
        assertThatThrownBy(() -> text("{\"prompt\": ")).hasMessageContaining("not valid JSON, line 1 column");
        assertThatThrownBy(() -> text("[]")).hasMessageContaining("must be a JSON object");
        assertThatThrownBy(() -> text("")).hasMessageContaining("must be a JSON object");
    }

    private static CompletionRequest text(String body) {
        return parse(ReplyKind.TEXT, body);
    }

    private static CompletionRequest chat(String body) {
        return parse(ReplyKind.CHAT, body);
    }

    private static CompletionRequest parse(ReplyKind kind, String body) {
        return CompletionRequest.parse(kind, body.getBytes(StandardCharsets.UTF_8), DEFAULT_MAX_TOKENS);
    }
}
