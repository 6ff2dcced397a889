package org.openlora.engine.sampling;

import org.openlora.kernels.Vocabulary;

/// The tokens of one row that may still be drawn, in order of their ids, with their logits and weights. Each cut
/// removes some. Scratch memory, filled anew for each row.
final class Candidates {
    private final int vocabularySize;
    private final int[] ids;
    private final float[] logits;
    private final float[] weights; // padded to whole blocks
    private final Ranking ranking;
    private int size;

    Candidates(int vocabularySize) {
        this.vocabularySize = vocabularySize;
        this.ids = new int[vocabularySize];
        this.logits = new float[vocabularySize];
        this.weights = new float[Vocabulary.blocks(vocabularySize) * Vocabulary.BLOCK];
        this.ranking = new Ranking(logits, vocabularySize);
    }

    /// Begins with the tokens whose logits are at least `floor`.
    ///
    /// @param blockMaxima of the row: blocks that lie below the floor are not looked at
    void collect(float[] row, int offset, float floor, float[] blockMaxima) {
        size = 0;
        for (int block = 0; block < blockMaxima.length; block++) {
            if (blockMaxima[block] >= floor) {
                int start = block * Vocabulary.BLOCK;
                int end = Math.min(start + Vocabulary.BLOCK, vocabularySize);
                for (int id = start; id < end; id++) {
                    float logit = row[offset + id];
                    if (logit >= floor) {
                        ids[size] = id;
                        logits[size++] = logit;
                    }
                }
            }
        }
    }

    /// Gives each its weight `exp((logit - max) · factor)`.
    void weigh(float max, float factor) {
        System.arraycopy(logits, 0, weights, 0, size);
        Vocabulary.exp(weights, size, max, factor);
    }

    /// Keeps weights of at least `weight`.
    void keepWeights(float weight) {
        int kept = 0;
        for (int i = 0; i < size; i++) {
            if (weights[i] >= weight) {
                move(i, kept++);
            }
        }
        size = kept;
    }

    /// Keeps the `count` largest logits, of equal ones the lowest ids.
    void keepTop(int count) {
        if (count < size) {
            keepUpTo(ranking.lastOfTop(count, size));
        }
    }

    /// Keeps the fewest of the largest logits whose weights reach `mass`; all, if they do not together.
    void keepMass(double mass) {
        keepUpTo(ranking.lastOfMass(mass, weights, size));
    }

    private void keepUpTo(int last) {
        float lastLogit = logits[last];
        int kept = 0;
        for (int i = 0; i < size; i++) {
            boolean keep = logits[i] == lastLogit ? i <= last : logits[i] > lastLogit;
            move(i, kept);
            kept += keep ? 1 : 0;
        }
        size = kept;
    }

    private void move(int from, int to) {
        ids[to] = ids[from];
        logits[to] = logits[from];
        weights[to] = weights[from];
    }

    /// Sum of the weights.
    double mass() {
        double mass = 0;
        for (int i = 0; i < size; i++) {
            mass += weights[i];
        }
        return mass;
    }

    /// The token at share `uniform`, in \[0, 1), of the mass.
    int draw(double uniform) {
        return ids[indexAt(weights, size, uniform * mass())];
    }

    /// How far the draw at `uniform` is from a token: from its share of the mass, or, where it was cut off, its logit
    /// from the smallest that was kept.
    DrawGap gap(int token, float logit, double uniform) {
        double mass = mass();
        double before = 0;
        float smallest = Float.POSITIVE_INFINITY;
        for (int i = 0; i < size; i++) {
            if (ids[i] == token) {
                double from = before / mass;
                double to = (before + weights[i]) / mass;
                double gap = uniform < from ? from - uniform : Math.max(0, uniform - to);
                return new DrawGap(DrawGap.Unit.PROBABILITY, gap);
            }
            before += weights[i];
            smallest = Math.min(smallest, logits[i]);
        }
        return new DrawGap(DrawGap.Unit.LOGIT, Math.abs(smallest - logit));
    }

    /// The first index up to which the weights sum to more than `target`; for a target that rounding put at their
    /// sum, the last one that weighs anything.
    static int indexAt(float[] weights, int size, double target) {
        double cumulative = 0;
        int last = 0;
        for (int i = 0; i < size; i++) {
            if (weights[i] > 0) {
                cumulative += weights[i];
                last = i;
                if (target < cumulative) {
                    return i;
                }
            }
        }
        return last;
    }

    /// The ids by rank, best first. Quadratic: for a handful.
    int[] ranked() {
        int[] ranked = new int[size];
        for (int i = 0; i < size; i++) {
            int rank = 0;
            for (int other = 0; other < size; other++) {
                if (ranking.before(other, i)) {
                    rank++;
                }
            }
            ranked[rank] = ids[i];
        }
        return ranked;
    }
}
