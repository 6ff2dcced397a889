package org.openlora.server.serving;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.openlora.adapters.AdapterManifest;
import org.openlora.adapters.Digest;
import org.openlora.engine.Usage;
import org.openlora.engine.UsageSink;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.meter.Meter;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.AdapterUse;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.LineageShare;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.UsageRow;
import org.openlora.server.retention.TraceTerms;

/// From what the engine counted to what the meter keeps.
///
/// @param replica the source that usage rows name
/// @param base the base model's digest
/// @param tokenizer the tokenizer's digest
/// @param numericPath id of this process's numeric path
/// @param traces whose tokens are kept
record UsageRows(Meter meter, String replica, Bytes32 base, Bytes32 tokenizer, Bytes32 numericPath, TraceTerms traces)
        implements UsageSink {
    @Override
    public CompletableFuture<SignedAcknowledgement> commit(Usage usage) {
        return meter.commit(row(usage), traces.order(usage).orElse(null));
    }

    private UsageRow row(Usage usage) {
        // In digest order already, as the engine counts them; the row checks it.
        List<AdapterUsage> adapters = usage.adapters().stream()
                .map(use -> adapter(use.adapter(), use.tokens()))
                .toList();
        return new UsageRow(
                RequestIds.choice(Bytes32.parse(usage.requestId()), usage.choice()),
                replica,
                usage.billTo().account(),
                usage.billTo().payer(),
                usage.servedFrom().toEpochMilli(),
                usage.servedTo().toEpochMilli(),
                base,
                tokenizer,
                numericPath,
                adapters,
                TokenIds.of(usage.promptTokens()),
                TokenIds.of(usage.outputTokens()),
                usage.cachedTokens(),
                usage.discardedTokens(),
                usage.salt(),
                meter.versionsFor(adapters, usage.servedTo().toEpochMilli()));
    }

    static AdapterUsage adapter(AdapterSelection adapter, int tokens) {
        AdapterManifest manifest = adapter.manifest();
        AdapterUse inReceipt = new AdapterUse(
                word(adapter.digest()),
                manifest == null ? Bytes32.ZERO : word(manifest.digest()),
                adapter.scalePpm(),
                tokens);
        if (manifest == null) {
            return new AdapterUsage(inReceipt, List.of(), null);
        }
        return new AdapterUsage(
                inReceipt,
                manifest.lineage().stream()
                        .map(share -> new LineageShare(word(share.datanet()), share.basisPoints()))
                        .toList(),
                Address.parse(manifest.owner().payee()));
    }

    static Bytes32 word(Digest digest) {
        return Bytes32.of(digest.bytes());
    }
}
