package org.openlora.server.cli;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.openlora.api.v1.SamplingParams;
import picocli.CommandLine.Option;

/// How the next token is chosen and where the answer ends. What is absent here is left to the server.
final class SamplingOptions {
    @Option(names = "--max-tokens", paramLabel = "N", description = "Most tokens to generate.")
    private @Nullable Integer maxTokens;

    @Option(
            names = "--min-tokens",
            paramLabel = "N",
            description = "Nothing but --max-tokens ends it before that many.")
    private @Nullable Integer minTokens;

    @Option(names = "--temperature", paramLabel = "T", description = "0, the default, takes the best token each time.")
    private @Nullable Double temperature;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Draws from the best tokens that reach this probability.")
    private @Nullable Double topP;

    @Option(names = "--top-k", paramLabel = "K", description = "Draws from this many best tokens.")
    private @Nullable Integer topK;

    @Option(names = "--min-p", paramLabel = "P", description = "Drops tokens less likely than this share of the best.")
    private @Nullable Double minP;

    @Option(
            names = "--repetition-penalty",
            paramLabel = "F",
            description = "Above 1 makes tokens of the prompt and the answer less likely.")
    private @Nullable Double repetitionPenalty;

    @Option(
            names = "--presence-penalty",
            paramLabel = "X",
            description = "Taken off the logits of tokens of the answer.")
    private @Nullable Double presencePenalty;

    @Option(
            names = "--frequency-penalty",
            paramLabel = "X",
            description = "Taken off the logits of tokens of the answer for each time they stand there.")
    private @Nullable Double frequencyPenalty;

    @Option(
            names = "--logit-bias",
            paramLabel = "ID=BIAS",
            description = "Added to the logit of a token id; several times.")
    private Map<Integer, Float> logitBias = Map.of();

    @Option(names = "--seed", paramLabel = "N", description = "Makes drawing repeatable.")
    private @Nullable Long seed;

    @Option(
            names = "--logprobs",
            paramLabel = "N",
            description = "With --json: each token's log-probability and those of the N best.")
    private @Nullable Integer logprobs;

    @Option(names = "--stop", paramLabel = "TEXT", description = "Ends the answer before this text; several times.")
    private List<String> stop = List.of();

    @Option(names = "--stop-token-id", paramLabel = "ID", description = "Ends the answer at this token; several times.")
    private List<Integer> stopTokenIds = List.of();

    @Option(names = "--include-stop", description = "Leaves the stop text at the answer's end.")
    private boolean includeStop;

    @Option(names = "--ignore-eos", description = "Generates beyond the model's end of text.")
    private boolean ignoreEos;

    SamplingParams message() {
        SamplingParams.Builder message = SamplingParams.newBuilder()
                .putAllLogitBias(logitBias)
                .addAllStop(stop)
                .addAllStopTokenIds(stopTokenIds)
                .setIncludeStopStrInOutput(includeStop)
                .setIgnoreEos(ignoreEos);
        if (maxTokens != null) {
            message.setMaxTokens(maxTokens);
        }
        if (minTokens != null) {
            message.setMinTokens(minTokens);
        }
        if (temperature != null) {
            message.setTemperature(temperature);
        }
        if (topP != null) {
            message.setTopP(topP);
        }
        if (topK != null) {
            message.setTopK(topK);
        }
        if (minP != null) {
            message.setMinP(minP);
        }
        if (repetitionPenalty != null) {
            message.setRepetitionPenalty(repetitionPenalty);
        }
        if (presencePenalty != null) {
            message.setPresencePenalty(presencePenalty);
        }
        if (frequencyPenalty != null) {
            message.setFrequencyPenalty(frequencyPenalty);
        }
        if (seed != null) {
            message.setSeed(seed);
        }
        if (logprobs != null) {
            message.setLogprobs(logprobs);
        }
        return message.build();
    }
}
