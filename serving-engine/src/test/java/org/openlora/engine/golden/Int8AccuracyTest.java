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

/// What quantising the base to int8 costs: both bases read the same English text, and the distributions of the next
/// token are compared. `-Dopenlora.accuracy.lines=N` reads more of it than the default.
///
/// The bounds are about twice the divergence that is measured, so a quantiser that loses more than rounding must
/// lose passes them. SmolLM2's is the larger one: its weights and activations have outliers.
class Int8AccuracyTest {
    private static final int LINE_TOKENS = 64;
    private static final int PROMPT_TOKENS = 8;
    private static final int LINES = Integer.getInteger("openlora.accuracy.lines", 8);
    private static final int LINES_AT_ONCE = 16;

    @Test
    void int8_bundledModel_isNearBf16() throws IOException {
        Path model = Examples.model();
        Deviation deviation = compare(model);
        System.out.println("openlora-tiny, int8 against bf16: " + deviation);
        assertThat(deviation.meanDivergence()).isLessThan(2e-3);
        assertThat(deviation.agreement()).isGreaterThan(0.96);
        assertThat(deviation.perplexityRatio()).isBetween(0.96, 1.04);
    }

    @Test
    void int8_smolLm2_isNearBf16() throws IOException, InterruptedException {
        Optional<Path> gguf = SmolLm2File.find();
        Assumptions.assumeTrue(gguf.isPresent(), SmolLm2File.REASON);
        Deviation deviation = compare(gguf.orElseThrow());
        System.out.println("SmolLM2-135M-Instruct, int8 against bf16: " + deviation);
        assertThat(deviation.meanDivergence()).isLessThan(6e-2);
        assertThat(deviation.agreement()).isGreaterThan(0.88);
        assertThat(deviation.perplexityRatio()).isBetween(0.93, 1.07);
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
        return LlamaModel.load(checkpoint, kernel, pool, 64 << 20, LINES_AT_ONCE * PROMPT_TOKENS);
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
        new TeacherForcing(model, new SchedulerConfig(LINES_AT_ONCE, LINES_AT_ONCE * PROMPT_TOKENS)).run(forced);
    }

    /// Prose of the repository: nothing that a model was trained on.
    private static List<int[]> lines(Tokenizer tokenizer) throws IOException {
        StringBuilder text = new StringBuilder();
        for (String page : List.of("ARCHITECTURE.md", "docs/decisions.md", "docs/formats.md")) {
            text.append(Files.readString(Examples.model().resolve("../..").resolve(page)));
        }
        int[] tokens = tokenizer.encode(text.toString());
        List<int[]> lines = new ArrayList<>();
        for (int at = 0; at + LINE_TOKENS <= tokens.length && lines.size() < LINES; at += LINE_TOKENS) {
            lines.add(Arrays.copyOfRange(tokens, at, at + LINE_TOKENS));
        }
        assertThat(lines).isNotEmpty();
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
