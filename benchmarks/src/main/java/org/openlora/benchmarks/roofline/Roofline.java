package org.openlora.benchmarks.roofline;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.function.IntUnaryOperator;

/// The output tokens per second that a machine allows, if nothing but bytes and operations took time.
///
/// A decode step takes the longer of bytes over bandwidth and operations over peak. It reads every base weight
/// once, each distinct adapter of the step once and each stream's keys and values. Prefill runs at the peak and
/// needs the output head for the last row only. A stream sends its next request when the last one ended, so for
/// each decoded sequence it also prefills once.
///
/// The roofline model is that of Williams, Waterman and Patterson (2009).
///
/// @param model sizes of the base
/// @param readGigabytesPerSecond bandwidth of memory, all threads together
/// @param gflops peak rate of the arithmetic in use, all threads together
/// @param bytesPerWeight of the base: 2 for bf16, 34 / 32 for 8-bit blocks with a 16-bit scale
public record Roofline(ModelShape model, double readGigabytesPerSecond, double gflops, double bytesPerWeight) {
    /// In [#limit]'s `adapters`: a stream of the bare base model.
    public static final int NO_ADAPTER = -1;

    private static final int LORA_BYTES = 2;

    public Roofline {
        positive("readGigabytesPerSecond", readGigabytesPerSecond);
        positive("gflops", gflops);
        positive("bytesPerWeight", bytesPerWeight);
    }

    /// What bounds a decode step.
    public enum Bound {
        MEMORY,
        COMPUTE
    }

    /// @param tokensPerSecond output tokens of all streams, prefill included
    /// @param decodeStepMillis shortest time of one decode step of the whole batch
    public record Limit(double tokensPerSecond, double decodeStepMillis, Bound bound) {}

    /// The limit of a closed loop.
    ///
    /// @param adapters the adapter of each stream, or [#NO_ADAPTER]
    /// @param rankOf rank of an adapter
    /// @throws IllegalArgumentException if there is no stream or a token count is not positive
    public Limit limit(List<Integer> adapters, IntUnaryOperator rankOf, int promptTokens, int newTokens) {
        positive("streams", adapters.size());
        positive("promptTokens", promptTokens);
        positive("newTokens", newTokens);
        double streams = adapters.size();
        double distinctRanks = ranks(new HashSet<>(adapters), rankOf);
        double rowRanks = ranks(adapters, rankOf);
        double perRank = model.loraWeightsPerRank();
        double weights = model.projectionWeights() + model.headWeights();

        double keyValueBytes = (double) model.kvBytesPerToken() * (promptTokens + newTokens / 2);
        double bytes = weights * bytesPerWeight + distinctRanks * perRank * LORA_BYTES + streams * keyValueBytes;
        double operations = 2 * streams * weights + 2 * rowRanks * perRank;
        double memorySeconds = bytes / readGigabytesPerSecond / 1e9;
        double computeSeconds = operations / gflops / 1e9;
        double stepSeconds = Math.max(memorySeconds, computeSeconds);

        double prefill = 2 * promptTokens * (streams * model.projectionWeights() + rowRanks * perRank)
                + 2 * streams * model.headWeights();
        double seconds = newTokens * stepSeconds + prefill / gflops / 1e9;
        return new Limit(
                streams * newTokens / seconds,
                1e3 * stepSeconds,
                memorySeconds > computeSeconds ? Bound.MEMORY : Bound.COMPUTE);
    }

    private static long ranks(Collection<Integer> adapters, IntUnaryOperator rankOf) {
        return adapters.stream()
                .filter(adapter -> adapter != NO_ADAPTER)
                .mapToLong(adapter -> rankOf.applyAsInt(adapter))
                .sum();
    }

    private static void positive(String name, double value) {
        if (!(value > 0)) {
            throw new IllegalArgumentException("%s is %s, must be positive".formatted(name, value));
        }
    }
}
