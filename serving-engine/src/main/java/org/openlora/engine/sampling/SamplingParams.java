package org.openlora.engine.sampling;

import java.util.List;
import java.util.Objects;

/// How a response is drawn from the model's logits, and when it ends.
///
/// @param maxTokens most tokens to generate, at least 1
/// @param temperature 0 for greedy decoding; otherwise logits are divided by it
/// @param topP nucleus: the smallest set of most likely tokens whose probabilities reach it, in (0, 1]
/// @param topK keep that many most likely tokens; 0 keeps all
/// @param minP drop tokens less likely than `minP` times the most likely one, in \[0, 1)
/// @param seed of the draws; the same seed gives the same response whatever else runs beside it
/// @param stop the response ends before any of these strings would be complete
/// @param stopTokenIds token ids that end the response, besides the model's own end tokens
/// @param ignoreEos generate past the model's end tokens
public record SamplingParams(
        int maxTokens,
        float temperature,
        float topP,
        int topK,
        float minP,
        long seed,
        List<String> stop,
        List<Integer> stopTokenIds,
        boolean ignoreEos) {
    private static final int MOST_STOPS = 16;

    public SamplingParams {
        require(maxTokens >= 1, "max_tokens", maxTokens, "at least 1");
        require(temperature >= 0 && temperature <= 100, "temperature", temperature, "between 0 and 100");
        require(topP > 0 && topP <= 1, "top_p", topP, "above 0 and at most 1");
        require(topK >= 0, "top_k", topK, "0 (all) or more");
        require(minP >= 0 && minP < 1, "min_p", minP, "at least 0 and below 1");
        stop = List.copyOf(stop);
        stopTokenIds = List.copyOf(stopTokenIds);
        require(stop.size() <= MOST_STOPS, "stop", stop.size() + " strings", "at most " + MOST_STOPS);
        require(
                stop.stream().noneMatch(String::isEmpty),
                "stop",
                "an empty string",
                "strings of one character or more");
    }

    /// The most likely token at each step, up to `maxTokens`.
    public static SamplingParams greedy(int maxTokens) {
        return new SamplingParams(maxTokens, 0, 1, 0, 0, 0, List.of(), List.of(), false);
    }

    public boolean isGreedy() {
        return temperature == 0;
    }

    public SamplingParams withIgnoreEos(boolean ignore) {
        return new SamplingParams(maxTokens, temperature, topP, topK, minP, seed, stop, stopTokenIds, ignore);
    }

    /// For one of several answers to a prompt: its draws have a seed of their own, a function of this one and the
    /// choice. Choice 0 draws as a single answer does.
    public SamplingParams forChoice(int choice) {
        long own = seed + choice * 0x9e3779b97f4a7c15L;
        return new SamplingParams(maxTokens, temperature, topP, topK, minP, own, stop, stopTokenIds, ignoreEos);
    }

    private static void require(boolean holds, String field, Object value, String allowed) {
        if (!holds) {
            throw new IllegalArgumentException(field + " is " + Objects.toString(value) + ": allowed is " + allowed);
        }
    }
}
