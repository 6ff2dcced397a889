package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.engine.model.ForwardBatch;
import org.openlora.engine.model.LlamaModel;
import org.openlora.engine.tensor.GemmSettings.Mode;
import org.openlora.engine.tensor.LibtorchException;
import org.openlora.kernels.AttentionBatch;
import org.openlora.kernels.CpuFeatures;
import org.openlora.kernels.LoraBatch;

/// Our own matrix products, of f32 and of bf16, and libtorch's, all forced, on every machine that can run them.
class GemmPathsTest {
    private static final int ROWS = 80;

    @Test
    void forward_panelAndLibtorch_agreeWithinTheTable() {
        float[] panel = logits(Mode.PANEL, ROWS);
        float[] libtorch = logits(Mode.LIBTORCH, ROWS);
        assertThat(libtorch).isNotEqualTo(panel);
        Tolerances.assertAgree(libtorch, panel, "libtorch against panels");
    }

    @Test
    void forward_panelAndDot_agreeWithinTheTable() {
        assumeDot();
        float[] panel = logits(Mode.PANEL, ROWS);
        float[] dot = logits(Mode.DOT, ROWS);
        assertThat(dot).isNotEqualTo(panel);
        Tolerances.assertAgree(dot, panel, "bf16 products against panels");
    }

    @ParameterizedTest
    @EnumSource(names = {"PANEL", "DOT"})
    void forward_oursInChunks_hasTheBitsOfOneStep(Mode ours) {
        if (ours == Mode.DOT) {
            assumeDot();
        }
        float[] whole = logits(ours, ROWS);
        for (int chunk : new int[] {1, 7, 33}) {
            assertThat(logits(ours, chunk)).as("chunks of %d", chunk).isEqualTo(whole);
        }
    }

    @Test
    void forward_libtorchInChunks_hasTheBitsOfOneStepWhereWeightsArePrepacked() {
        assumeTrue(
                CpuFeatures.detect().multipliesBf16(),
                "no bf16 instructions: libtorch's plain product makes no promise about bits");
        float[] whole = logits(Mode.LIBTORCH, ROWS);
        for (int chunk : new int[] {1, 7, 33}) {
            assertThat(logits(Mode.LIBTORCH, chunk)).as("chunks of %d", chunk).isEqualTo(whole);
        }
    }

    private static void assumeDot() {
        assumeTrue(CpuFeatures.detect().avx512Bf16(), "the processor does not multiply bf16 in vectors");
    }

    /// The last token's logits for a fixed prompt that goes through the model in chunks.
    private static float[] logits(Mode mode, int chunk) {
        try (GoldenBase base = GoldenBase.open(Examples.model(), ROWS, mode)) {
            LlamaModel model = base.model();
            int[] prompt = new SplittableRandom(3)
                    .ints(ROWS, 0, model.vocabularySize())
                    .toArray();
            int[] blocks =
                    IntStream.range(0, Math.ceilDiv(ROWS, model.blockTokens())).toArray();
            float[] last = {};
            for (int start = 0; start < ROWS; start += chunk) {
                int end = Math.min(ROWS, start + chunk);
                int[] positions = IntStream.range(start, end).toArray();
                AttentionBatch attention = new AttentionBatch(
                        positions, new int[end - start], new int[][] {blocks}, model.slidingWindow());
                int[] tokens = Arrays.copyOfRange(prompt, start, end);
                last = model.forward(
                        new ForwardBatch(tokens, positions, attention, LoraBatch.none(), new int[] {end - start - 1}));
            }
            return Arrays.copyOf(last, model.vocabularySize());
        } catch (LibtorchException e) {
            assumeTrue(mode != Mode.LIBTORCH, "libtorch cannot be had here: " + e.getMessage());
            throw e;
        }
    }
}
