package org.openlora.benchmarks.attribution;

import java.util.SplittableRandom;
import org.openlora.meter.index.RowTokens;

/// Rows of tokens as text has them: few kinds are common (Zipf's law, exponent 1), phrases recur, rows differ
/// in length. Every row is a function of seed and number alone, so nothing of the corpus is held.
final class SyntheticCorpus implements RowTokens {
    /// As SmolLM2's tokenizer has.
    static final int VOCABULARY = 49_152;

    private static final int MEAN_ROW_TOKENS = 200;
    private static final int PHRASES = 50_000;
    private static final int SHORTEST_PHRASE = 3;
    private static final int LONGEST_PHRASE = 9;

    private final long seed;
    private final int rows;

    /// @param tokens about as many in all
    SyntheticCorpus(long tokens, long seed) {
        this.seed = seed;
        this.rows = Math.toIntExact(Math.max(1, tokens / MEAN_ROW_TOKENS));
    }

    @Override
    public int size() {
        return rows;
    }

    @Override
    public int[] tokens(int row) {
        SplittableRandom random = new SplittableRandom(seed * 0x9e3779b97f4a7c15L + row);
        int[] tokens = new int[random.nextInt(MEAN_ROW_TOKENS / 2, MEAN_ROW_TOKENS * 3 / 2)];
        fill(tokens, random);
        return tokens;
    }

    /// A response: passages of rows, and text of its own between them.
    int[] response(int tokens, SplittableRandom random) {
        int[] response = new int[tokens];
        fill(response, random);
        for (int at = random.nextInt(40); at < tokens; at += random.nextInt(20, 80)) {
            int[] row = tokens(random.nextInt(rows));
            int from = random.nextInt(row.length);
            int length = Math.min(Math.min(random.nextInt(5, 40), row.length - from), tokens - at);
            System.arraycopy(row, from, response, at, length);
        }
        return response;
    }

    private void fill(int[] tokens, SplittableRandom random) {
        for (int at = 0; at < tokens.length; ) {
            if (random.nextInt(3) == 0) {
                SplittableRandom phrase = new SplittableRandom(seed ^ zipf(random, PHRASES));
                int length = phrase.nextInt(SHORTEST_PHRASE, LONGEST_PHRASE);
                for (int i = 0; i < length && at < tokens.length; i++) {
                    tokens[at++] = zipf(phrase, VOCABULARY);
                }
            } else {
                tokens[at++] = zipf(random, VOCABULARY);
            }
        }
    }

    /// Number k has a probability near 1 / (k ln n).
    private static int zipf(SplittableRandom random, int kinds) {
        return (int) Math.exp(random.nextDouble() * Math.log(kinds + 1.0)) - 1;
    }
}
