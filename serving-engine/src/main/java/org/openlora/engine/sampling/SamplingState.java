package org.openlora.engine.sampling;

import java.util.Arrays;
import java.util.Map;

/// What drawing the next token of one response needs to know of the tokens before it. It grows with the response and
/// is kept through preemption; one object for each response.
///
/// Not thread-safe; the engine thread owns it.
public final class SamplingState {
    private final SamplingParams params;
    private final int choice;
    private final int[] stopTokenIds; // ascending
    private final int[] biasedIds;
    private final float[] biases; // of biasedIds
    private final TokenCounts counts = new TokenCounts();
    private int generated;

    /// @param choice which of the request's responses, from 0; each has draws of its own
    /// @param prompt token ids, for the repetition penalty; not kept
    public SamplingState(SamplingParams params, int choice, int[] prompt) {
        this.params = params;
        this.choice = choice;
        this.stopTokenIds = params.stopTokenIds().stream()
                .mapToInt(Integer::intValue)
                .sorted()
                .toArray();
        this.biasedIds = params.logitBias().keySet().stream()
                .mapToInt(Integer::intValue)
                .sorted()
                .toArray();
        this.biases = biases(params.logitBias(), biasedIds);
        if (params.penalties().repetition() != 1) {
            for (int token : prompt) {
                counts.addPrompt(token);
            }
        }
    }

    private static float[] biases(Map<Integer, Float> logitBias, int[] ids) {
        float[] biases = new float[ids.length];
        for (int i = 0; i < ids.length; i++) {
            biases[i] = logitBias.getOrDefault(ids[i], 0f);
        }
        return biases;
    }

    /// Adds a token to the response.
    public void accept(int token) {
        generated++;
        if (!params.penalties().isNone()) {
            counts.addOutput(token);
        }
    }

    /// Whether the request names this token as one that ends the response.
    public boolean isStopToken(int token) {
        return Arrays.binarySearch(stopTokenIds, token) >= 0;
    }

    SamplingParams params() {
        return params;
    }

    /// Where the next token stands in the response, from 0.
    int position() {
        return generated;
    }

    int choice() {
        return choice;
    }

    /// Whether the next token is drawn from other logits than the model's.
    boolean adjustsLogits() {
        return forbidsEnd() || biasedIds.length > 0 || !params.penalties().isNone();
    }

    /// Applies, in this order, `minTokens`, `logitBias` and the penalties.
    ///
    /// @param logits one row, changed in place
    /// @param endTokenIds the model's own
    void adjust(float[] logits, int[] endTokenIds) {
        if (forbidsEnd()) {
            forbid(logits, endTokenIds);
            forbid(logits, stopTokenIds);
        }
        for (int i = 0; i < biasedIds.length; i++) {
            logits[biasedIds[i]] += biases[i];
        }
        counts.penalise(logits, params.penalties());
    }

    private boolean forbidsEnd() {
        return generated < params.minTokens();
    }

    private static void forbid(float[] logits, int[] ids) {
        for (int id : ids) {
            logits[id] = Float.NEGATIVE_INFINITY;
        }
    }
}
