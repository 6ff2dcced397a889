package org.openlora.engine.sampling;

import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/// The plainest way to do what [Sampler] does: sort everything, in f64.
final class ReferenceSampler {
    private ReferenceSampler() {}

    /// The logits after `minTokens`, bias and penalties.
    static double[] adjusted(
            float[] logits, SamplingParams params, int[] prompt, List<Integer> output, Set<Integer> endTokenIds) {
        double[] adjusted = new double[logits.length];
        Map<Integer, Integer> counts = new HashMap<>();
        output.forEach(token -> counts.merge(token, 1, Integer::sum));
        Set<Integer> seen = new HashSet<>(output);
        IntStream.of(prompt).forEach(seen::add);
        Penalties penalties = params.penalties();
        for (int id = 0; id < logits.length; id++) {
            double logit = logits[id];
            boolean end = endTokenIds.contains(id) || params.stopTokenIds().contains(id);
            if (end && output.size() < params.minTokens()) {
                logit = Double.NEGATIVE_INFINITY;
            }
            logit += params.logitBias().getOrDefault(id, 0f);
            if (seen.contains(id)) {
                logit = logit > 0 ? logit / penalties.repetition() : logit * penalties.repetition();
            }
            int count = counts.getOrDefault(id, 0);
            logit -= penalties.frequency() * count;
            logit -= count > 0 ? penalties.presence() : 0;
            adjusted[id] = logit;
        }
        return adjusted;
    }

    /// Probabilities after temperature, min-p, top-k and top-p.
    static double[] probabilities(double[] logits, SamplingParams params) {
        int vocabulary = logits.length;
        double max =
                IntStream.range(0, vocabulary).mapToDouble(i -> logits[i]).max().orElseThrow();
        double[] weights = new double[vocabulary];
        for (int id = 0; id < vocabulary; id++) {
            weights[id] = Math.exp((logits[id] - max) / params.temperature());
            if (weights[id] < params.minP()) {
                weights[id] = 0;
            }
        }
        List<Integer> ranking = IntStream.range(0, vocabulary)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer id) -> -logits[id]).thenComparing(id -> id))
                .toList();
        if (params.topK() > 0) {
            ranking.stream().skip(params.topK()).forEach(id -> weights[id] = 0);
        }
        double nucleus = params.topP() * sum(weights);
        double mass = 0;
        for (int id : ranking) {
            if (params.topP() < 1 && mass >= nucleus) {
                weights[id] = 0;
            }
            mass += weights[id];
        }
        double total = sum(weights);
        return IntStream.range(0, vocabulary)
                .mapToDouble(id -> weights[id] / total)
                .toArray();
    }

    /// The token at share `uniform` of the probabilities in order of their ids.
    static int draw(double[] probabilities, double uniform) {
        double cumulative = 0;
        for (int id = 0; id < probabilities.length; id++) {
            cumulative += probabilities[id];
            if (uniform < cumulative) {
                return id;
            }
        }
        throw new IllegalStateException("the probabilities sum to " + cumulative);
    }

    private static double sum(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum;
    }
}
