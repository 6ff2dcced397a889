package org.openlora.engine.sampling;

import java.util.Arrays;

/// Which tokens stand in a prompt and its response, and how often in the response: an open-addressing hash table of
/// the distinct ones, so that a penalty costs by the tokens that were used and not by the vocabulary.
final class TokenCounts {
    private static final int FREE = -1;
    private static final int HASH_FACTOR = 0x9e3779b9;

    private int[] tokens = new int[64]; // a power of two, at most half of it in use
    private int[] outputs = new int[64]; // times in the response
    private int distinct;

    TokenCounts() {
        Arrays.fill(tokens, FREE);
    }

    void addPrompt(int token) {
        int _ = slot(token);
    }

    void addOutput(int token) {
        int slot = slot(token); // first: it may replace the arrays
        outputs[slot]++;
    }

    /// Repetition over prompt and response first, then frequency and presence over the response.
    void penalise(float[] logits, Penalties penalties) {
        if (distinct == 0) {
            return;
        }
        for (int slot = 0; slot < tokens.length; slot++) {
            int token = tokens[slot];
            if (token != FREE) {
                logits[token] = penalised(logits[token], outputs[slot], penalties);
            }
        }
    }

    private static float penalised(float logit, int outputs, Penalties penalties) {
        float repeated = logit > 0 ? logit / penalties.repetition() : logit * penalties.repetition();
        return outputs == 0 ? repeated : repeated - penalties.frequency() * outputs - penalties.presence();
    }

    /// Where the token stands; puts it there if it is new.
    private int slot(int token) {
        int slot = find(token);
        if (tokens[slot] == token) {
            return slot;
        }
        if (2 * (distinct + 1) > tokens.length) {
            grow();
            slot = find(token);
        }
        tokens[slot] = token;
        distinct++;
        return slot;
    }

    private int find(int token) {
        int mask = tokens.length - 1;
        int slot = ((token * HASH_FACTOR) >>> 8) & mask;
        while (tokens[slot] != FREE && tokens[slot] != token) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private void grow() {
        int[] oldTokens = tokens;
        int[] oldOutputs = outputs;
        tokens = new int[2 * oldTokens.length];
        outputs = new int[2 * oldTokens.length];
        Arrays.fill(tokens, FREE);
        for (int i = 0; i < oldTokens.length; i++) {
            if (oldTokens[i] != FREE) {
                int slot = find(oldTokens[i]);
                tokens[slot] = oldTokens[i];
                outputs[slot] = oldOutputs[i];
            }
        }
    }
}
