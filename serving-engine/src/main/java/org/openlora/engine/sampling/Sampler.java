package org.openlora.engine.sampling;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.openlora.engine.sampling.TokenLogprobs.TokenLogprob;
import org.openlora.kernels.Vocabulary;

/// Draws one token from one row of logits.
///
/// The parameters act in vLLM's order: `minTokens`, `logitBias`, repetition, frequency and presence penalties; then,
/// unless decoding is greedy, temperature, `minP`, `topK`, and `topP` over the probabilities of what those left.
/// Unlike vLLM's, a cut through equal logits keeps the lowest ids, so `topK` keeps no more than it says. Greedy
/// decoding takes the largest logit, of equal ones the lowest id.
///
/// A draw needs one uniform number, which is a pure function of (seed, choice, position in the response): neither the
/// batch, nor a preemption in between, nor other requests can change it. Nothing sorts the vocabulary: passes over
/// all of it are vectorised ([Vocabulary]), the rest looks at blocks whose largest logit can survive the cuts.
///
/// Not thread-safe: it owns scratch memory. The engine thread holds one.
public final class Sampler {
    /// Exponents below the largest at which a nucleus is looked for first; and beyond which nothing weighs anything.
    private static final double FIRST_REACH = 4;

    private static final double LAST_REACH = 256;

    private final int vocabularySize;
    private final int[] endTokenIds;
    private final Vocabulary vocabulary = new Vocabulary();
    private final float[] adjusted;
    private final float[] blockMaxima;
    private final Ranking blockRanking;
    private final double[] blockSums;
    private final float[] block = new float[Vocabulary.BLOCK];
    private final Candidates candidates;

    /// @param endTokenIds the model's own, which `minTokens` forbids
    public Sampler(int vocabularySize, Set<Integer> endTokenIds) {
        this.vocabularySize = vocabularySize;
        this.endTokenIds = endTokenIds.stream()
                .mapToInt(Integer::intValue)
                .filter(id -> id < vocabularySize)
                .toArray();
        this.adjusted = new float[vocabularySize];
        int blocks = Vocabulary.blocks(vocabularySize);
        this.blockMaxima = new float[blocks];
        this.blockRanking = new Ranking(blockMaxima, blocks);
        this.blockSums = new double[blocks];
        this.candidates = new Candidates(vocabularySize);
    }

    /// The next token of a response; [SamplingState#accept] it afterwards.
    ///
    /// @param logits holds the row's `vocabularySize` logits from `offset` on; not changed
    /// @throws UnusableLogitsException if no token can be drawn
    public int sample(float[] logits, int offset, SamplingState state) {
        if (!state.adjustsLogits()) {
            return choose(logits, offset, state);
        }
        System.arraycopy(logits, offset, adjusted, 0, vocabularySize);
        state.adjust(adjusted, endTokenIds);
        return choose(adjusted, 0, state);
    }

    /// The log-probabilities of a token and of the `top` most likely ones, in f64 over exponentials in f32.
    ///
    /// @param logits a row that [#sample] drew from
    public TokenLogprobs logprobs(float[] logits, int offset, int token, int top) {
        float max = requireUsable(Vocabulary.blockMaxima(logits, offset, vocabularySize, blockMaxima));
        double logSum = max + StrictMath.log(vocabulary.expSums(logits, offset, vocabularySize, max, 1, blockSums));
        List<TokenLogprob> best = new ArrayList<>(top);
        if (top > 0) {
            candidates.collect(logits, offset, topKFloor(top), blockMaxima);
            candidates.keepTop(top);
            for (int id : candidates.ranked()) {
                best.add(new TokenLogprob(id, (float) (logits[offset + id] - logSum)));
            }
        }
        return new TokenLogprobs(new TokenLogprob(token, (float) (logits[offset + token] - logSum)), best);
    }

    /// How far `token` was from being drawn where [#sample] draws another one.
    ///
    /// @param state as it was for the draw
    public DrawGap gap(float[] logits, int offset, int token, SamplingState state) {
        int drawn = sample(logits, offset, state);
        if (drawn == token) {
            return DrawGap.NONE;
        }
        float[] row = state.adjustsLogits() ? adjusted : logits;
        int start = state.adjustsLogits() ? 0 : offset;
        SamplingParams params = state.params();
        if (params.isGreedy()) {
            return new DrawGap(DrawGap.Unit.LOGIT, row[start + drawn] - row[start + token]);
        }
        if (!cuts(params)) {
            float max = requireUsable(Vocabulary.blockMaxima(row, start, vocabularySize, blockMaxima));
            candidates.collect(row, start, Float.NEGATIVE_INFINITY, blockMaxima);
            candidates.weigh(max, Math.min(1 / params.temperature(), Float.MAX_VALUE));
        }
        double uniform = UniformDraws.at(params.seed(), state.choice(), state.position());
        return candidates.gap(token, row[start + token], uniform);
    }

    private int choose(float[] logits, int offset, SamplingState state) {
        SamplingParams params = state.params();
        if (params.isGreedy()) {
            return greedy(logits, offset);
        }
        float max = requireUsable(Vocabulary.blockMaxima(logits, offset, vocabularySize, blockMaxima));
        float factor = Math.min(1 / params.temperature(), Float.MAX_VALUE);
        double uniform = UniformDraws.at(params.seed(), state.choice(), state.position());
        return cuts(params)
                ? drawCut(logits, offset, max, factor, params, uniform)
                : drawAny(logits, offset, max, factor, uniform);
    }

    private int greedy(float[] logits, int offset) {
        int best = Vocabulary.argmax(logits, offset, vocabularySize);
        requireUsable(best < 0 ? Float.NaN : logits[offset + best]);
        return best;
    }

    private static float requireUsable(float max) {
        if (Float.isNaN(max)) {
            throw new UnusableLogitsException("the logits hold a NaN");
        }
        if (max == Float.POSITIVE_INFINITY) {
            throw new UnusableLogitsException("the largest logit is infinite");
        }
        if (max == Float.NEGATIVE_INFINITY) {
            throw new UnusableLogitsException("no token is left to draw: all logits are -Infinity");
        }
        return max;
    }

    private boolean cuts(SamplingParams params) {
        return params.topP() < 1 || params.minP() > 0 || cutsTopK(params);
    }

    private boolean cutsTopK(SamplingParams params) {
        return params.topK() > 0 && params.topK() < vocabularySize;
    }

    /// Finds the block that the draw falls into by the blocks' sums, then the token in it.
    private int drawAny(float[] logits, int offset, float max, float factor, double uniform) {
        double total = vocabulary.expSums(logits, offset, vocabularySize, max, factor, blockSums);
        double target = uniform * total;
        double before = 0;
        int drawn = 0;
        for (int i = 0; i < blockSums.length; i++) {
            if (blockSums[i] > 0) {
                drawn = i;
                if (target < before + blockSums[i]) {
                    break;
                }
                before += blockSums[i];
            }
        }
        int start = drawn * Vocabulary.BLOCK;
        int count = Math.min(Vocabulary.BLOCK, vocabularySize - start);
        System.arraycopy(logits, offset + start, block, 0, count);
        Vocabulary.exp(block, count, max, factor);
        return start + Candidates.indexAt(block, count, target - before);
    }

    private int drawCut(float[] logits, int offset, float max, float factor, SamplingParams params, double uniform) {
        if (params.minP() == 0 && !cutsTopK(params)) {
            collectNucleus(logits, offset, max, factor, params);
            return candidates.draw(uniform);
        }
        candidates.collect(logits, offset, Math.max(minPFloor(max, params), topKFloor(params.topK())), blockMaxima);
        candidates.weigh(max, factor);
        if (params.minP() > 0) {
            candidates.keepWeights(params.minP());
        }
        if (cutsTopK(params)) {
            candidates.keepTop(params.topK());
        }
        if (params.topP() < 1) {
            candidates.keepMass(params.topP() * candidates.mass());
        }
        return candidates.draw(uniform);
    }

    /// Looks at ever smaller logits until those above them hold the nucleus; most often the first look is enough.
    private void collectNucleus(float[] logits, int offset, float max, float factor, SamplingParams params) {
        double total = vocabulary.expSums(logits, offset, vocabularySize, max, factor, blockSums);
        double nucleus = params.topP() * total;
        double reach = FIRST_REACH;
        do {
            float floor = (float) (max - params.temperature() * reach);
            candidates.collect(logits, offset, floor, blockMaxima);
            candidates.weigh(max, factor);
            reach *= 2;
        } while (candidates.mass() < nucleus && reach < LAST_REACH);
        candidates.keepMass(nucleus);
    }

    /// A logit below that of every one of the `topK` most likely tokens: there are as many blocks whose largest reaches
    /// it.
    private float topKFloor(int topK) {
        return topK == 0 || topK > blockMaxima.length
                ? Float.NEGATIVE_INFINITY
                : blockMaxima[blockRanking.lastOfTop(topK, blockMaxima.length)];
    }

    /// A little below where a token's weight is `minP`; the weights then decide.
    private static float minPFloor(float max, SamplingParams params) {
        return (float) (max + params.temperature() * StrictMath.log(0.999 * params.minP()));
    }
}
