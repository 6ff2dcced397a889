package org.openlora.engine.metering;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterManifest;
import org.openlora.adapters.Digest;
import org.openlora.engine.BillTo;
import org.openlora.engine.Usage;
import org.openlora.engine.UsageSink;
import org.openlora.meter.Meter;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.AdapterUse;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.LineageShare;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.UsageRow;

/// Writes the engine's usage into the meter, with the identities and lineage that its receipt will name.
public final class MeterUsageSink implements UsageSink {
    private final Meter meter;
    private final ServedBase base;
    private final String source;
    private final SecureRandom random = new SecureRandom();

    /// The identities that every receipt of this process names.
    public record ServedBase(Digest baseDigest, Digest tokenizerDigest, Digest numericPath) {}

    /// @param source this node's name; request ids are unique within it
    public MeterUsageSink(Meter meter, ServedBase base, String source) {
        this.meter = meter;
        this.base = base;
        this.source = source;
    }

    /// The id under which a tenant's request stands in the ledger: a client chooses its request ids, so they are hashed
    /// with the account to keep tenants apart.
    public static Bytes32 ledgerId(BillTo billTo, String requestId) {
        return Keccak256.hash(billTo.account().bytes(), requestId.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public CompletableFuture<SignedAcknowledgement> commit(Usage usage) {
        try {
            return meter.commit(row(usage));
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private UsageRow row(Usage usage) {
        List<AdapterUsage> adapters = usage.adapters().stream().map(this::adapter).toList();
        byte[] salt = new byte[Bytes32.SIZE_BYTES];
        random.nextBytes(salt);
        return new UsageRow(
                ledgerId(usage.billTo(), usage.requestId()),
                source,
                usage.billTo().account(),
                usage.billTo().payer(),
                usage.servedFrom().toEpochMilli(),
                usage.servedTo().toEpochMilli(),
                word(base.baseDigest()),
                word(base.tokenizerDigest()),
                word(base.numericPath()),
                adapters,
                TokenIds.of(usage.promptTokens()),
                TokenIds.of(usage.outputTokens()),
                usage.cachedTokens(),
                usage.discardedTokens(),
                Bytes32.of(salt),
                meter.versionsFor(adapters));
    }

    private AdapterUsage adapter(Usage.AdapterTokens used) {
        Digest digest = used.adapter().digest();
        @Nullable AdapterManifest manifest = used.adapter().manifest();
        AdapterUse use = new AdapterUse(
                word(digest),
                word(manifest == null ? Digest.ZERO : manifest.digest()),
                used.adapter().scalePpm(),
                used.tokens());
        if (manifest == null) {
            return new AdapterUsage(use, List.of(), null);
        }
        List<LineageShare> lineage = manifest.lineage().stream()
                .map(share -> new LineageShare(word(share.datanet()), share.basisPoints()))
                .toList();
        return new AdapterUsage(use, lineage, Address.parse(manifest.owner().payee()));
    }

    private static Bytes32 word(Digest digest) {
        return Bytes32.of(digest.bytes());
    }
}
