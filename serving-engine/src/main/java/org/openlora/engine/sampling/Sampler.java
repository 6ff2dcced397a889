package org.openlora.engine.sampling;

/// Draws one token from one row of logits.
///
/// Greedy decoding takes the largest logit, of equal ones the lowest id. Sampling walks the tokens from the most
/// likely on and needs one uniform number per position, which is a pure function of (seed, position): neither the
/// batch, nor a preemption in between, nor the other requests can change a draw.
///
/// Not thread-safe: it owns scratch memory. The engine thread holds one.
public final class Sampler {
    private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

    private final float[] probabilities;
    private final int[] heap;

    public Sampler(int vocabularySize) {
        this.probabilities = new float[vocabularySize];
        this.heap = new int[vocabularySize];
    }

    /// The token after `position` tokens of the sequence.
    ///
    /// @param logits holds the row's `vocabularySize` logits from `offset` on; not changed
    public int sample(float[] logits, int offset, SamplingParams params, long position) {
        if (params.isGreedy()) {
            return argmax(logits, offset, probabilities.length);
        }
        return draw(logits, offset, params, uniform(params.seed(), position));
    }

    /// Index of the largest of `length` values from `offset` on, relative to `offset`; the lowest of equal ones.
    public static int argmax(float[] values, int offset, int length) {
        int best = 0;
        for (int i = 1; i < length; i++) {
            if (values[offset + i] > values[offset + best]) {
                best = i;
            }
        }
        return best;
    }

    private int draw(float[] logits, int offset, SamplingParams params, double uniform) {
        int vocabulary = probabilities.length;
        float largest = logits[offset + argmax(logits, offset, vocabulary)];
        double total = 0;
        int kept = 0;
        for (int id = 0; id < vocabulary; id++) {
            double weight = StrictMath.exp((logits[offset + id] - largest) / (double) params.temperature());
            probabilities[id] = (float) weight;
            total += weight;
            if (weight >= params.minP() && weight > 0) {
                heap[kept++] = id;
            }
        }
        return drawByRank(kept, total, params, uniform);
    }

    /// Takes candidates off a heap in descending order only as far as top-k and top-p reach, then draws among
    /// them.
    private int drawByRank(int candidates, double total, SamplingParams params, double uniform) {
        for (int i = candidates / 2 - 1; i >= 0; i--) {
            siftDown(i, candidates);
        }
        int limit = params.topK() == 0 ? candidates : Math.min(params.topK(), candidates);
        double nucleus = params.topP() * total;
        double mass = 0;
        int end = candidates;
        int taken = 0;
        while (taken < limit && (taken == 0 || mass < nucleus)) {
            int id = heap[0];
            mass += probabilities[id];
            end--;
            heap[0] = heap[end];
            heap[end] = id; // the taken ones stand at the end, the most likely last
            siftDown(0, end);
            taken++;
        }
        double target = uniform * mass;
        double cumulative = 0;
        for (int i = candidates - 1; i > end; i--) {
            cumulative += probabilities[heap[i]];
            if (target < cumulative) {
                return heap[i];
            }
        }
        return heap[end];
    }

    private void siftDown(int root, int size) {
        int at = root;
        while (true) {
            int child = 2 * at + 1;
            if (child >= size) {
                return;
            }
            if (child + 1 < size && before(heap[child + 1], heap[child])) {
                child++;
            }
            if (!before(heap[child], heap[at])) {
                return;
            }
            int swapped = heap[at];
            heap[at] = heap[child];
            heap[child] = swapped;
            at = child;
        }
    }

    private boolean before(int left, int right) {
        int order = Float.compare(probabilities[left], probabilities[right]);
        return order > 0 || (order == 0 && left < right);
    }

    /// A uniform number in \[0, 1) from SplitMix64's output function over (seed, position).
    static double uniform(long seed, long position) {
        long state = mix(seed) + GOLDEN_GAMMA * (position + 1);
        return (mix(state) >>> 11) * 0x1.0p-53;
    }

    private static long mix(long value) {
        long z = value;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
