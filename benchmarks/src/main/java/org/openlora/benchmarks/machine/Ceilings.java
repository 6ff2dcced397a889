package org.openlora.benchmarks.machine;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The most that this machine gives, all threads together, at one moment.
///
/// @param readGigabytesPerSecond reading memory that no cache holds
/// @param f32Gflops fused multiply-adds of f32 vectors at the kernels' vector width, two operations each
/// @param bf16Gflops bf16 products (AMX or vdpbf16ps); null where the processor or a C compiler is missing
/// @param probes every single measurement that went into it
public record Ceilings(
        double readGigabytesPerSecond,
        double f32Gflops,
        @Nullable Double bf16Gflops,
        List<Probe> probes) {
    public Ceilings {
        if (!(readGigabytesPerSecond > 0) || !(f32Gflops > 0)) {
            throw new IllegalArgumentException("ceilings are %s GB/s and %s GFLOP/s; both must be positive"
                    .formatted(readGigabytesPerSecond, f32Gflops));
        }
        probes = List.copyOf(probes);
    }

    /// One measured rate.
    ///
    /// @param name what ran, such as `read, C`
    /// @param unit `GB/s` or `GFLOP/s`
    /// @param median of the passes
    /// @param best of the passes
    public record Probe(String name, String unit, double median, double best) {}

    /// The mean of what was measured before and after something, as the limit of what ran in between.
    public static Ceilings mean(Ceilings before, Ceilings after) {
        Double bf16Before = before.bf16Gflops;
        Double bf16After = after.bf16Gflops;
        return new Ceilings(
                (before.readGigabytesPerSecond + after.readGigabytesPerSecond) / 2,
                (before.f32Gflops + after.f32Gflops) / 2,
                bf16Before == null || bf16After == null ? null : (bf16Before + bf16After) / 2,
                List.of());
    }

    /// For people, in one line.
    public String describe() {
        Double bf16 = bf16Gflops;
        return String.format(Locale.ROOT, "read %.1f GB/s, f32 %.0f GFLOP/s", readGigabytesPerSecond, f32Gflops)
                + (bf16 == null ? "" : String.format(Locale.ROOT, ", bf16 %.0f GFLOP/s", bf16));
    }
}
