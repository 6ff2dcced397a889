package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;

/// How far a kernel may be from its f64 reference, relative to the largest magnitude expected: the one table of
/// tolerances. All kernels add in f32 and round nothing else, so these are rounding errors of sums of a few
/// thousand terms; a single term lost or doubled is orders of magnitude more.
enum Tolerance {
    LINEAR(1e-5),
    LORA(1e-5),
    ATTENTION(1e-5),
    NORM(1e-6),
    SILU(1e-6),
    /// f32 angles against f64 ones, at positions up to 2,000.
    ROPE(2e-4);

    private final double relative;

    Tolerance(double relative) {
        this.relative = relative;
    }

    void check(String what, float[] actual, float[] expected) {
        assertThat(actual).as(what).hasSameSizeAs(expected);
        double largest = 0;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < expected.length; i++) {
            double error = Math.abs((double) actual[i] - expected[i]);
            if (!(error <= relative * largest)) {
                throw new AssertionError(what + ": element " + i + " is " + actual[i] + ", expected " + expected[i]
                        + " within " + relative + " of " + largest);
            }
        }
    }
}
