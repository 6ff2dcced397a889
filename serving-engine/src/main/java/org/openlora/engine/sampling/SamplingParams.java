package org.openlora.engine.sampling;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/// How a response is drawn from the model's logits, and when it ends. The fields mean what vLLM's of the same names
/// mean; [Sampler] says in which order they act.
///
/// A field out of range is an [IllegalArgumentException] that names it as clients do, its value and what is allowed.
///
/// @param maxTokens most tokens to generate, at least 1
/// @param minTokens the model's end tokens and `stopTokenIds` cannot be drawn, and stop strings do not count, before
///     that many tokens; from 0 to `maxTokens`
/// @param temperature 0 for greedy decoding; otherwise logits are divided by it
/// @param topK keep that many most likely tokens; 0 keeps all
/// @param topP nucleus: the smallest set of most likely tokens whose probabilities reach it, in (0, 1]
/// @param minP drop tokens less likely than `minP` times the most likely one, in \[0, 1]
/// @param penalties on tokens that stand in the prompt or the response already
/// @param logitBias added to the logits of these token ids, each from -100 to 100
/// @param seed of the draws; the same seed gives the same response whatever else runs beside it
/// @param logprobs if present, each token comes with its log-probability and those of that many most likely tokens
/// @param stop the response ends before any of these strings would be complete
/// @param stopTokenIds token ids that end the response, besides the model's own end tokens
/// @param includeStop the text contains the stop string, or the text of the stop token, that ended it
/// @param ignoreEos generate past the model's end tokens
public record SamplingParams(
        int maxTokens,
        int minTokens,
        float temperature,
        int topK,
        float topP,
        float minP,
        Penalties penalties,
        Map<Integer, Float> logitBias,
        long seed,
        OptionalInt logprobs,
        List<String> stop,
        List<Integer> stopTokenIds,
        boolean includeStop,
        boolean ignoreEos) {
    /// Most log-probabilities beside the drawn token's.
    public static final int MOST_LOGPROBS = 20;

    private static final int MOST_STOPS = 16;
    private static final int MOST_STOP_TOKENS = 128;
    private static final int MOST_BIASES = 1024;
    private static final float LARGEST_BIAS = 100;

    public SamplingParams {
        Requirement.that(maxTokens >= 1, "max_tokens", maxTokens, "at least 1");
        Requirement.that(
                minTokens >= 0 && minTokens <= maxTokens,
                "min_tokens",
                minTokens,
                "from 0 to max_tokens, which is " + maxTokens);
        Requirement.that(temperature >= 0 && temperature <= 100, "temperature", temperature, "from 0 to 100");
        Requirement.that(topK >= 0, "top_k", topK, "0 (all) or more");
        Requirement.that(topP > 0 && topP <= 1, "top_p", topP, "above 0 and at most 1");
        Requirement.that(minP >= 0 && minP <= 1, "min_p", minP, "from 0 to 1");
        Requirement.that(
                logprobs.isEmpty() || (logprobs.getAsInt() >= 0 && logprobs.getAsInt() <= MOST_LOGPROBS),
                "logprobs",
                logprobs.isEmpty() ? "absent" : logprobs.getAsInt(),
                "from 0 to " + MOST_LOGPROBS);
        logitBias = checkedBias(logitBias);
        stop = List.copyOf(stop);
        stopTokenIds = List.copyOf(stopTokenIds);
        Requirement.that(stop.size() <= MOST_STOPS, "stop", stop.size() + " strings", "at most " + MOST_STOPS);
        Requirement.that(
                stop.stream().noneMatch(String::isEmpty),
                "stop",
                "an empty string",
                "strings of one character or more");
        Requirement.that(
                stopTokenIds.size() <= MOST_STOP_TOKENS,
                "stop_token_ids",
                stopTokenIds.size() + " ids",
                "at most " + MOST_STOP_TOKENS);
        for (int id : stopTokenIds) {
            Requirement.that(id >= 0, "stop_token_ids", id, "ids of the vocabulary");
        }
    }

    private static Map<Integer, Float> checkedBias(Map<Integer, Float> bias) {
        Requirement.that(bias.size() <= MOST_BIASES, "logit_bias", bias.size() + " tokens", "at most " + MOST_BIASES);
        bias.forEach((id, value) -> {
            Requirement.that(id >= 0, "logit_bias", "for token " + id, "ids of the vocabulary");
            Requirement.that(
                    Math.abs(value) <= LARGEST_BIAS,
                    "logit_bias",
                    value + " for token " + id,
                    "from -" + LARGEST_BIAS + " to " + LARGEST_BIAS);
        });
        return Map.copyOf(bias);
    }

    /// The most likely token at each step, up to `maxTokens`.
    public static SamplingParams greedy(int maxTokens) {
        return builder(maxTokens).build();
    }

    /// Begins with greedy decoding up to `maxTokens`, nothing penalised, no stops but the model's own.
    public static Builder builder(int maxTokens) {
        return new Builder(maxTokens);
    }

    /// Begins with these values.
    public Builder toBuilder() {
        return new Builder(this);
    }

    public boolean isGreedy() {
        return temperature == 0;
    }

    /// Throws [IllegalArgumentException] if a token id is beyond a vocabulary of `vocabularySize` tokens.
    public void requireWithin(int vocabularySize) {
        String allowed = "ids from 0 to " + (vocabularySize - 1);
        for (int id : stopTokenIds) {
            Requirement.that(id < vocabularySize, "stop_token_ids", id, allowed);
        }
        for (int id : logitBias.keySet()) {
            Requirement.that(id < vocabularySize, "logit_bias", "for token " + id, allowed);
        }
    }

    /// Collects parameters by name. [#build] checks them.
    public static final class Builder {
        private int maxTokens;
        private int minTokens;
        private float temperature;
        private int topK;
        private float topP = 1;
        private float minP;
        private float repetitionPenalty;
        private float presencePenalty;
        private float frequencyPenalty;
        private final Map<Integer, Float> logitBias = new TreeMap<>();
        private long seed;
        private OptionalInt logprobs = OptionalInt.empty();
        private final List<String> stop = new ArrayList<>();
        private final List<Integer> stopTokenIds = new ArrayList<>();
        private boolean includeStop;
        private boolean ignoreEos;

        private Builder(int maxTokens) {
            this.maxTokens = maxTokens;
            penalties(Penalties.NONE);
        }

        private Builder(SamplingParams params) {
            this(params.maxTokens);
            minTokens = params.minTokens;
            temperature = params.temperature;
            topK = params.topK;
            topP = params.topP;
            minP = params.minP;
            penalties(params.penalties);
            logitBias.putAll(params.logitBias);
            seed = params.seed;
            logprobs = params.logprobs;
            stop.addAll(params.stop);
            stopTokenIds.addAll(params.stopTokenIds);
            includeStop = params.includeStop;
            ignoreEos = params.ignoreEos;
        }

        private void penalties(Penalties penalties) {
            repetitionPenalty = penalties.repetition();
            presencePenalty = penalties.presence();
            frequencyPenalty = penalties.frequency();
        }

        public Builder maxTokens(int tokens) {
            maxTokens = tokens;
            return this;
        }

        public Builder minTokens(int tokens) {
            minTokens = tokens;
            return this;
        }

        public Builder temperature(double value) {
            temperature = (float) value;
            return this;
        }

        public Builder topK(int tokens) {
            topK = tokens;
            return this;
        }

        public Builder topP(double probability) {
            topP = (float) probability;
            return this;
        }

        public Builder minP(double share) {
            minP = (float) share;
            return this;
        }

        public Builder repetitionPenalty(double penalty) {
            repetitionPenalty = (float) penalty;
            return this;
        }

        public Builder presencePenalty(double penalty) {
            presencePenalty = (float) penalty;
            return this;
        }

        public Builder frequencyPenalty(double penalty) {
            frequencyPenalty = (float) penalty;
            return this;
        }

        /// Adds one bias; the last one for a token counts.
        public Builder logitBias(int tokenId, double bias) {
            logitBias.put(tokenId, (float) bias);
            return this;
        }

        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /// Asks for the drawn token's log-probability and those of `top` most likely ones.
        public Builder logprobs(int top) {
            logprobs = OptionalInt.of(top);
            return this;
        }

        /// Adds stop strings.
        public Builder stop(String... strings) {
            return stop(List.of(strings));
        }

        /// Adds stop strings.
        public Builder stop(List<String> strings) {
            stop.addAll(strings);
            return this;
        }

        /// Adds stop tokens.
        public Builder stopTokenIds(List<Integer> ids) {
            stopTokenIds.addAll(ids);
            return this;
        }

        public Builder includeStop(boolean include) {
            includeStop = include;
            return this;
        }

        public Builder ignoreEos(boolean ignore) {
            ignoreEos = ignore;
            return this;
        }

        /// Throws [IllegalArgumentException] naming the first field that is out of range.
        public SamplingParams build() {
            return new SamplingParams(
                    maxTokens,
                    minTokens,
                    temperature,
                    topK,
                    topP,
                    minP,
                    new Penalties(repetitionPenalty, presencePenalty, frequencyPenalty),
                    logitBias,
                    seed,
                    logprobs,
                    stop,
                    stopTokenIds,
                    includeStop,
                    ignoreEos);
        }
    }
}
