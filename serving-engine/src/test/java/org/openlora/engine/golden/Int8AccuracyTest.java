package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.openlora.engine.TeacherForcing;
import org.openlora.engine.model.LlamaModel;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.engine.tokenizer.Tokenizer;
import org.openlora.engine.tokenizer.Tokenizers;
import org.openlora.engine.weights.BaseCheckpoint;
import org.openlora.kernels.Int8PanelKernel;
import org.openlora.kernels.LinearKernel;
import org.openlora.kernels.PanelKernel;
import org.openlora.kernels.WorkerPool;

/// What quantising the base to int8 costs: both bases read the same English, and their distributions of the next
/// token are compared, each after at least [#PROMPT_TOKENS] tokens of context. (With a few tokens of context a single
/// line can outweigh all others: its distribution is near a tipping point, which any rounding passes.)
///
/// The bounds are twice what rounding to nearest costs, which is below what a broken quantiser costs. Measured, mean
/// Kullback-Leibler divergence in nats and share of equal best tokens:
///
/// | quantiser | SmolLM2-135M | openlora-tiny |
/// |---|---|---|
/// | as it is | 0.0017, 97.3 % | 0.0007, 98.4 % |
/// | truncates instead of rounding | 0.0085, 94.4 % | 0.0043, 97.5 % |
/// | seven bits instead of eight | 0.0076, 95.2 % | 0.0027, 96.6 % |
/// | scales of the neighbouring output | 37, 0 % | 1.1, 44 % |
class Int8AccuracyTest {
    private static final int LINE_TOKENS = 256;
    private static final int PROMPT_TOKENS = 128;
    private static final int LINES = 8;
    private static final int LINES_AT_ONCE = 4;
    private static final int STEP_TOKENS = 256;

    @Test
    void int8_bundledModel_isNearBf16() throws IOException {
        Deviation deviation = compare(Examples.model());
        System.out.println("openlora-tiny, int8 against bf16: " + deviation);
        assertThat(deviation.meanDivergence()).isLessThan(1.4e-3);
        assertThat(deviation.agreement()).isGreaterThan(0.975);
        assertThat(deviation.perplexityRatio()).isBetween(0.98, 1.02);
    }

    @Test
    void int8_smolLm2_isNearBf16() throws IOException, InterruptedException {
        Optional<Path> gguf = SmolLm2File.find();
        Assumptions.assumeTrue(gguf.isPresent(), SmolLm2File.REASON);
        Deviation deviation = compare(gguf.orElseThrow());
        System.out.println("SmolLM2-135M-Instruct, int8 against bf16: " + deviation);
        assertThat(deviation.meanDivergence()).isLessThan(3.5e-3);
        assertThat(deviation.agreement()).isGreaterThan(0.96);
        assertThat(deviation.perplexityRatio()).isBetween(0.98, 1.02);
    }

    private static Deviation compare(Path path) throws IOException {
        Deviation deviation = new Deviation();
        try (BaseCheckpoint checkpoint = BaseCheckpoint.open(path);
                Tokenizer tokenizer = Tokenizers.open(path);
                WorkerPool pool = new WorkerPool(2);
                LlamaModel bf16 = load(checkpoint, new PanelKernel(pool), pool);
                LlamaModel int8 = load(checkpoint, new Int8PanelKernel(pool), pool)) {
            List<int[]> lines = lines(tokenizer);
            for (int first = 0; first < lines.size(); first += LINES_AT_ONCE) {
                List<int[]> some = lines.subList(first, Math.min(first + LINES_AT_ONCE, lines.size()));
                Map<Integer, float[]> expected = new HashMap<>();
                read(bf16, some, expected::put);
                read(
                        int8,
                        some,
                        (at, logits) ->
                                deviation.add(expected.get(at), logits, some.get(at / LINE_TOKENS)[at % LINE_TOKENS]));
            }
        }
        return deviation;
    }

    private static LlamaModel load(BaseCheckpoint checkpoint, LinearKernel kernel, WorkerPool pool) {
        return LlamaModel.load(checkpoint, kernel, pool, 64 << 20, STEP_TOKENS);
    }

    @FunctionalInterface
    private interface Reader {
        /// @param at line × LINE_TOKENS + the position of the token that the logits are for
        void next(int at, float[] logits);
    }

    private static void read(LlamaModel model, List<int[]> lines, Reader reader) {
        List<TeacherForcing.Line> forced = new ArrayList<>();
        for (int line = 0; line < lines.size(); line++) {
            int from = line * LINE_TOKENS;
            int[] tokens = lines.get(line);
            forced.add(new TeacherForcing.Line(
                    Arrays.copyOf(tokens, PROMPT_TOKENS), List.of(), LINE_TOKENS - PROMPT_TOKENS, (step, logits) -> {
                        int position = PROMPT_TOKENS + step;
                        reader.next(from + position, logits);
                        return tokens[position];
                    }));
        }
        new TeacherForcing(model, new SchedulerConfig(LINES_AT_ONCE, STEP_TOKENS)).run(forced);
    }

    /// Evenly spread over questions of everyday life and their answers.
    private static List<int[]> lines(Tokenizer tokenizer) throws IOException {
        int[] tokens = tokenizer.encode(Files.readString(Examples.everyday()));
        assertThat(tokens).hasSizeGreaterThanOrEqualTo(LINES * LINE_TOKENS);
        List<int[]> lines = new ArrayList<>();
        for (int line = 0; line < LINES; line++) {
            int from = line * (tokens.length / LINES);
            lines.add(Arrays.copyOfRange(tokens, from, from + LINE_TOKENS));
        }
        return lines;
    }

    /// How far distributions of the next token lie apart.
    private static final class Deviation {
        private int tokens;
        private int agreeing;
        private double divergence;
        private double expectedLoss;
        private double actualLoss;

        /// @param next the token that the text goes on with
        void add(float[] expected, float[] actual, int next) {
            double expectedNorm = logSumExp(expected);
            double actualNorm = logSumExp(actual);
            for (int i = 0; i < expected.length; i++) {
                double log = expected[i] - expectedNorm;
                divergence += Math.exp(log) * (log - (actual[i] - actualNorm));
            }
            expectedLoss += expectedNorm - expected[next];
            actualLoss += actualNorm - actual[next];
            agreeing += best(expected) == best(actual) ? 1 : 0;
            tokens++;
        }

        /// Mean Kullback-Leibler divergence of int8 from bf16, nats.
        double meanDivergence() {
            return divergence / tokens;
        }

        /// Share of tokens for which both bases have the same best one.
        double agreement() {
            return (double) agreeing / tokens;
        }

        double perplexityRatio() {
            return Math.exp((actualLoss - expectedLoss) / tokens);
        }

        @Override
        public String toString() {
            return "%d tokens, perplexity %.4f against %.4f (x %.5f), greedy agreement %.2f %%, mean KL %.2e nats"
                    .formatted(
                            tokens,
                            Math.exp(actualLoss / tokens),
                            Math.exp(expectedLoss / tokens),
                            perplexityRatio(),
                            100 * agreement(),
                            meanDivergence());
        }

        private static double logSumExp(float[] logits) {
            double largest = logits[best(logits)];
            double sum = 0;
            for (float logit : logits) {
                sum += Math.exp(logit - largest);
            }
            return largest + Math.log(sum);
        }

        private static int best(float[] logits) {
            int best = 0;
            for (int i = 1; i < logits.length; i++) {
                if (logits[i] > logits[best]) {
                    best = i;
                }
            }
            return best;
        }
    }
}
