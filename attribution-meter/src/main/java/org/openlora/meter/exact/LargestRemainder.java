package org.openlora.meter.exact;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/// Splits a whole number of units by exact weights (Hamilton's method): everyone gets the floor of the exact
/// share, and the units left over go one each to the largest remainders. Equal remainders: the earlier in the
/// list goes first. The parts always sum to the total.
public final class LargestRemainder {
    private LargestRemainder() {}

    /// Splits `total` units by `weights`.
    ///
    /// @param total not negative
    /// @param weights not negative, not all zero
    /// @return one part per weight, in the same order
    /// @throws IllegalArgumentException where there is nothing to split by
    public static long[] split(long total, List<BigInteger> weights) {
        return split(BigInteger.valueOf(total), weights).stream()
                .mapToLong(BigInteger::longValueExact)
                .toArray();
    }

    /// Splits a total of any size.
    public static List<BigInteger> split(BigInteger total, List<BigInteger> weights) {
        if (total.signum() < 0) {
            throw new IllegalArgumentException("cannot split a negative total: " + total);
        }
        BigInteger sum = BigInteger.ZERO;
        for (BigInteger weight : weights) {
            if (weight.signum() < 0) {
                throw new IllegalArgumentException("a weight must not be negative: " + weight);
            }
            sum = sum.add(weight);
        }
        if (sum.signum() == 0) {
            throw new IllegalArgumentException("cannot split " + total + " units by weights that are all zero");
        }
        BigInteger[] parts = new BigInteger[weights.size()];
        BigInteger[] remainders = new BigInteger[weights.size()];
        BigInteger left = total;
        for (int i = 0; i < parts.length; i++) {
            BigInteger[] share = weights.get(i).multiply(total).divideAndRemainder(sum);
            parts[i] = share[0];
            remainders[i] = share[1];
            left = left.subtract(parts[i]);
        }
        int[] order = IntStream.range(0, parts.length)
                .boxed()
                .sorted(Comparator.comparing((Integer i) -> remainders[i]).reversed())
                .mapToInt(Integer::intValue)
                .toArray();
        Arrays.stream(order).limit(left.longValueExact()).forEach(i -> parts[i] = parts[i].add(BigInteger.ONE));
        return List.of(parts);
    }
}
