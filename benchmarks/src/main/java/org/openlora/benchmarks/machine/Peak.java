package org.openlora.benchmarks.machine;

/// The arithmetic whose peak bounds computing.
public enum Peak {
    /// Of what dense layers run on by default: bf16 where the processor multiplies it, else f32.
    AUTO,
    F32,
    BF16;

    /// Throws [IllegalArgumentException] where bf16 is asked for and was not measured.
    public double gflops(Ceilings ceilings) {
        Double bf16 = ceilings.bf16Gflops();
        return switch (this) {
            case F32 -> ceilings.f32Gflops();
            case AUTO -> bf16 == null ? ceilings.f32Gflops() : bf16;
            case BF16 -> {
                if (bf16 == null) {
                    throw new IllegalArgumentException(
                            "the peak of bf16 needs a processor that multiplies bf16 and a C compiler; allowed here is"
                                    + " f32");
                }
                yield bf16;
            }
        };
    }
}
