package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;

/// How far from Transformers' float32 logits the engine may be, all in one place.
///
/// | path | activations | keys and values | largest difference of a logit, over the largest logit |
/// |---|---|---|---|
/// | `panel-bf16` | float32 | bfloat16 | 2 % |
/// | `libtorch-bf16` | bfloat16 into each product | bfloat16 | 4 % |
final class Tolerances {
    /// Steps with their two best logits closer than this are near-ties.
    static final float NEAR_TIE = 0.15f;

    private static final double PANEL = 0.02;
    private static final double LIBTORCH = 0.04;

    private Tolerances() {}

    static void assertLogits(float[] actual, float[] expected, String name) {
        assertThat(actual).as(name).hasSameSizeAs(expected);
        float largest = 0;
        float difference = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            difference = Math.max(difference, Math.abs(actual[i] - expected[i]));
        }
        double allowed = GoldenBase.isLibtorch() ? LIBTORCH : PANEL;
        assertThat(difference / (double) largest)
                .as("%s: largest difference %s over largest logit %s", name, difference, largest)
                .isLessThanOrEqualTo(allowed);
    }
}
