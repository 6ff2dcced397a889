package org.openlora.meter.pricing;

import java.util.List;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.UsageRow;

/// What of a request decides its price: enough to price it again when its token ids are gone.
///
/// @param servedToMillis decides which price book holds, milliseconds since the epoch
/// @param adapters with owners and lineage as the usage row has them
/// @param promptTokens cached ones included
public record BilledUsage(
        long servedToMillis,
        Bytes32 baseDigest,
        List<AdapterUsage> adapters,
        int promptTokens,
        int cachedTokens,
        int generatedTokens) {
    public BilledUsage {
        adapters = List.copyOf(adapters);
        if (promptTokens < 0 || generatedTokens < 0 || cachedTokens < 0 || cachedTokens > promptTokens) {
            throw new IllegalArgumentException("token counts must be 0 or more, cached ones at most the prompt's: "
                    + promptTokens + " prompt, " + cachedTokens + " cached, " + generatedTokens + " generated");
        }
    }

    /// What a usage row bills.
    public static BilledUsage of(UsageRow row) {
        return new BilledUsage(
                row.servedToMillis(),
                row.baseDigest(),
                row.adapters(),
                row.prompt().size(),
                row.cachedTokens(),
                row.output().size());
    }

    /// What a usage receipt bills.
    ///
    /// @param adapters of the usage row behind it: [org.openlora.meter.usage.UsageCodec#adapters]
    public static BilledUsage of(Receipt receipt, List<AdapterUsage> adapters) {
        return new BilledUsage(
                receipt.servedTo(),
                receipt.baseDigest(),
                adapters,
                receipt.promptTokens(),
                receipt.cachedTokens(),
                receipt.generatedTokens());
    }
}
