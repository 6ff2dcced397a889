package org.openlora.meter;

import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
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
/// @param clock for the audit trail and the time of sealing
/// @param observer is told of the ledger's durable steps
/// @param listener writes beside each receipt, in its transaction
public record MeterOptions(
        LedgerLocation location,
        LedgerIdentity identity,
        DatanetOptions datanets,
        Map<Bytes32, TokenEncoder> encoders,
        PriceBook priceBook,
        Duration inclusionWindow,
        InstantSource clock,
        LedgerStep.Observer observer,
        ReceiptListener listener) {
    public MeterOptions {
        encoders = Map.copyOf(encoders);
        if (inclusionWindow.isNegative()) {
            throw new IllegalArgumentException("inclusionWindow must not be negative: " + inclusionWindow);
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
                InstantSource.system(),
                step -> {},
                ReceiptListener.NONE);
    }
}
