package org.openlora.engine.sampling;

/// Uniform numbers by place: SplitMix64's output function (Steele, Lea, Flood, 2014) over seed, choice and position.
final class UniformDraws {
    private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

    private UniformDraws() {}

    /// In \[0, 1), a multiple of 2⁻⁵³.
    static double at(long seed, long choice, long position) {
        long state = mix(mix(seed) + GOLDEN_GAMMA * (choice + 1));
        return (mix(state + GOLDEN_GAMMA * (position + 1)) >>> 11) * 0x1.0p-53;
    }

    private static long mix(long value) {
        long z = value;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
