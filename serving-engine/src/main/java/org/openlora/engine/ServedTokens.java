package org.openlora.engine;

import java.util.Arrays;

/// The generated tokens of one answer by the weights that served them, as each step's [StepProof] read them.
final class ServedTokens {
    private long[] tags = {}; // by place among the row's adapters
    private int[] tokens = {};

    /// Counts a token that was drawn from `row` of the step that `proof` has checked.
    ///
    /// @throws IllegalStateException if it was served by other weights than the token before
    void count(StepProof proof, int row) {
        int places = proof.adapters(row);
        if (tokens.length == 0 && places > 0) {
            tags = new long[places];
            tokens = new int[places];
            for (int place = 0; place < places; place++) {
                tags[place] = proof.tag(row, place);
            }
        }
        if (places != tokens.length) {
            throw new IllegalStateException(
                    "a token was served by " + places + " adapters, those before by " + tokens.length);
        }
        for (int place = 0; place < places; place++) {
            if (tags[place] != proof.tag(row, place)) {
                throw new IllegalStateException("a token was served by weights of tag "
                        + Long.toHexString(proof.tag(row, place)) + ", those before by " + Arrays.toString(tags));
            }
            tokens[place]++;
        }
    }

    /// Tokens that the weights of `tag` served as the adapter at `place`.
    int of(int place, long tag) {
        return place < tokens.length && tags[place] == tag ? tokens[place] : 0;
    }
}
