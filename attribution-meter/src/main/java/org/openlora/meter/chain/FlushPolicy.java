package org.openlora.meter.chain;

import java.math.BigInteger;
import java.time.Duration;

/// When the flusher sends again and what it is willing to pay.
///
/// @param rebroadcastAfter an unmined transaction is sent again, unchanged, this long after the last time
/// @param bumpAfter an unmined transaction is replaced by a dearer one this long after it was signed
/// @param maxFeeCapWei no transaction offers more per gas; above it the flusher waits
/// @param poll pause between two looks at the chain
public record FlushPolicy(Duration rebroadcastAfter, Duration bumpAfter, BigInteger maxFeeCapWei, Duration poll) {
    public static final FlushPolicy DEFAULT = new FlushPolicy(
            Duration.ofSeconds(10),
            Duration.ofSeconds(45),
            BigInteger.valueOf(500_000_000_000L),
            Duration.ofMillis(50));

    /// Nodes accept a replacement from 10 % on; 12.5 % is what wallets use.
    static BigInteger bumped(BigInteger feeWei) {
        return feeWei.add(feeWei.shiftRight(3)).add(BigInteger.ONE);
    }
}
