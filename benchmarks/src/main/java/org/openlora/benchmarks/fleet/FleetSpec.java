package org.openlora.benchmarks.fleet;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.openlora.adapters.Digest;

/// What decides every byte of a fleet: two of the same specification are the same adapters.
///
/// @param base digest of the model that the shapes are of
/// @param adapters how many; the first of a larger fleet are those of a smaller one
/// @param minRank smallest rank drawn
/// @param maxRank largest rank drawn
/// @param targets modules of every layer that each adapter changes
/// @param seed of ranks and weights
public record FleetSpec(Digest base, int adapters, int minRank, int maxRank, List<String> targets, long seed) {
    /// The seven projections of a layer.
    public static final List<String> ALL_LINEAR =
            List.of("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj");

    private static final int MAX_ADAPTERS = 99_999;
    private static final int MAX_RANK = 512;
    /// Every fourth adapter has this rank, which cold starts are quoted for, where the range allows it.
    private static final int COMMON_RANK = 16;

    private static final int COMMON_EVERY = 4;

    public FleetSpec {
        if (adapters < 1 || adapters > MAX_ADAPTERS) {
            throw new IllegalArgumentException(
                    "a fleet of %d adapters; allowed are 1 to %d".formatted(adapters, MAX_ADAPTERS));
        }
        if (minRank < 1 || maxRank < minRank || maxRank > MAX_RANK) {
            throw new IllegalArgumentException(
                    "ranks %d to %d; allowed are 1 to %d, the smaller first".formatted(minRank, maxRank, MAX_RANK));
        }
        targets = List.copyOf(targets);
        if (targets.isEmpty() || !ALL_LINEAR.containsAll(targets)) {
            throw new IllegalArgumentException("targets %s; allowed are some of %s".formatted(targets, ALL_LINEAR));
        }
    }

    /// The same adapters, but only the first of them.
    public FleetSpec first(int count) {
        return new FleetSpec(base, count, minRank, maxRank, targets, seed);
    }

    /// Name of an adapter, which is also its folder's.
    public static String name(int adapter) {
        return "fleet-%05d".formatted(adapter);
    }

    /// Names of all, in order.
    public List<String> names() {
        return IntStream.range(0, adapters).mapToObj(FleetSpec::name).toList();
    }

    /// Rank of an adapter: small ones are as likely as large ones to the power of two, as people choose them.
    public int rank(int adapter) {
        if (adapter % COMMON_EVERY == 0 && minRank <= COMMON_RANK && COMMON_RANK <= maxRank) {
            return COMMON_RANK;
        }
        double exponent = random(adapter).nextDouble();
        return (int) Math.clamp(
                Math.rint(minRank * Math.pow((double) maxRank / minRank, exponent)), (double) minRank, maxRank);
    }

    /// A source of chance for an adapter alone, whatever else was drawn before.
    SplittableRandom random(int adapter) {
        return new SplittableRandom(seed * 0x9e3779b97f4a7c15L + adapter);
    }
}
