package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;

/// How far from Transformers' float32 run the engine may be, all in one place. The error of a logit is taken over
/// the largest logit; a step whose two best reference logits are closer than the near-tie may go either way.
///
/// | path | activations | keys, values | logit error | near-tie, trained | near-tie, random weights |
/// |---|---|---|---|---|---|
/// | panel | float32 | bfloat16 | 2 % | 0.15 | 0.15 |
/// | libtorch | bfloat16 into and out of each product | bfloat16 | 8 % | 0.15 | 0.5 |
final class Tolerances {
    /// Steps with their two best logits closer than this are near-ties.
    static final float NEAR_TIE = 0.15f;

    private static final double PANEL = 0.02;
    private static final double LIBTORCH = 0.08;
    private static final double EFFECT_PANEL = 0.06;
    private static final double EFFECT_LIBTORCH = 0.12;

    private Tolerances() {}

    /// The same for tiny models of large random weights, whose logits carry bf16's error undamped.
    static float nearTieOfRandomWeights() {
        return GoldenBase.isLibtorch() ? 0.5f : NEAR_TIE;
    }

    /// How far an adapter's effect on the logits may be off, over that effect.
    static double ofEffect() {
        return GoldenBase.isLibtorch() ? EFFECT_LIBTORCH : EFFECT_PANEL;
    }

    /// Against Transformers.
    static void assertLogits(float[] actual, float[] expected, String name) {
        assertWithin(GoldenBase.isLibtorch() ? LIBTORCH : PANEL, actual, expected, name);
    }

    /// Libtorch's path against our own.
    static void assertAgree(float[] libtorch, float[] panel, String name) {
        assertWithin(LIBTORCH, libtorch, panel, name);
    }

    private static void assertWithin(double allowed, float[] actual, float[] expected, String name) {
        assertThat(actual).as(name).hasSameSizeAs(expected);
        float largest = 0;
        float difference = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            difference = Math.max(difference, Math.abs(actual[i] - expected[i]));
        }
        assertThat(difference / (double) largest)
                .as("%s: largest difference %s over largest logit %s", name, difference, largest)
                .isLessThanOrEqualTo(allowed);
    }
}
