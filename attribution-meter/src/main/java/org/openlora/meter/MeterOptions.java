package org.openlora.meter;

import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ThreadFactory;
import org.openlora.meter.evidence.TokenEncoder;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.LedgerIdentity;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.ledger.LedgerStep;
import org.openlora.meter.ledger.ReceiptListener;
import org.openlora.meter.pricing.PriceBook;

/// What a meter is made of.
///
/// @param location of the ledger
/// @param encoders by tokenizer digest; rows of other tokenizers are quarantined
/// @param priceBook of the settings: registered with the ledger unless that has seen it before
/// @param inclusionWindow receipts are promised in a batch this long after the response
/// @param commitPatience how long a response waits for a ledger that cannot be written, before it ends with an error
/// @param clock for the audit trail and the time of sealing
/// @param observer is told of the ledger's durable steps
/// @param listener writes beside each receipt, in its transaction
/// @param scoringThread makes the thread that scores, which had better give way to those that serve
public record MeterOptions(
        LedgerLocation location,
        LedgerIdentity identity,
        DatanetOptions datanets,
        Map<Bytes32, TokenEncoder> encoders,
        PriceBook priceBook,
        Duration inclusionWindow,
        Duration commitPatience,
        InstantSource clock,
        LedgerStep.Observer observer,
        ReceiptListener listener,
        ThreadFactory scoringThread) {
    /// Longer than a database takes to come back after a restart, shorter than clients wait.
    public static final Duration COMMIT_PATIENCE = Duration.ofSeconds(10);

    public MeterOptions {
        encoders = Map.copyOf(encoders);
        if (inclusionWindow.isNegative()) {
            throw new IllegalArgumentException("inclusionWindow must not be negative: " + inclusionWindow);
        }
        if (commitPatience.isNegative()) {
            throw new IllegalArgumentException("commitPatience must not be negative: " + commitPatience);
        }
    }

    /// Without an observer and a listener, by the system's clock.
    public MeterOptions(
            LedgerLocation location,
            LedgerIdentity identity,
            DatanetOptions datanets,
            Map<Bytes32, TokenEncoder> encoders,
            PriceBook priceBook,
            Duration inclusionWindow) {
        this(
                location,
                identity,
                datanets,
                encoders,
                priceBook,
                inclusionWindow,
                COMMIT_PATIENCE,
                InstantSource.system(),
                step -> {},
                ReceiptListener.NONE,
                ordinaryThread());
    }

    /// A scoring thread like any other.
    public static ThreadFactory ordinaryThread() {
        return Thread.ofPlatform().name("usage-scoring").factory();
    }
}
