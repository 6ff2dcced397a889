package org.openlora.kernels;

/// How a model stretches its rotary frequencies beyond the context it was first trained on.
public sealed interface RopeScaling {
    /// Frequencies as they are.
    record None() implements RopeScaling {}

    /// Every frequency divided by `factor` (position interpolation).
    record Linear(double factor) implements RopeScaling {
        public Linear {
            requirePositive("factor", factor);
        }
    }

    /// Llama 3.1: long wavelengths divided by `factor`, short ones kept, a smooth passage between.
    record Llama3(double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalMaxPositions)
            implements RopeScaling {
        public Llama3 {
            requirePositive("factor", factor);
            requirePositive("lowFrequencyFactor", lowFrequencyFactor);
            Shapes.positive("originalMaxPositions", originalMaxPositions);
            if (!(highFrequencyFactor > lowFrequencyFactor)) {
                throw new IllegalArgumentException("highFrequencyFactor is " + highFrequencyFactor
                        + ", must exceed lowFrequencyFactor " + lowFrequencyFactor);
            }
        }
    }

    private static void requirePositive(String name, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException("rope scaling " + name + " is " + value + ", must be positive");
        }
    }
}
