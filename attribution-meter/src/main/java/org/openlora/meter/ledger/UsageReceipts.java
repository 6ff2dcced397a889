package org.openlora.meter.ledger;

import java.util.List;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.pricing.PricedUsage;
import org.openlora.meter.receipt.AdapterUse;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.UsageAcknowledgement;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.TokenHashes;
import org.openlora.meter.usage.UsageRow;

/// Fills acknowledgements and receipts from usage rows.
public final class UsageReceipts {
    private UsageReceipts() {}

    /// What is promised before the receipt exists.
    public static UsageAcknowledgement acknowledgement(UsageRow row, long includeByMillis) {
        return new UsageAcknowledgement(
                row.requestId(),
                row.account(),
                row.baseDigest(),
                ReceiptCodec.adaptersHash(uses(row)),
                row.prompt().size(),
                row.output().size(),
                TokenHashes.prompt(row.requestSalt(), row.prompt()),
                TokenHashes.output(row.requestSalt(), row.output()),
                includeByMillis);
    }

    /// keccak256 of the corpus roots, ascending, one after the other; zero for none.
    public static Bytes32 corpusRoots(List<Bytes32> datanets, Bytes32 tokenizerDigest) {
        if (datanets.isEmpty()) {
            return Bytes32.ZERO;
        }
        return Keccak256.hash(datanets.stream()
                .map(digest -> Datanet.corpusRoot(digest, tokenizerDigest))
                .sorted()
                .map(Bytes32::bytes)
                .toArray(byte[][]::new));
    }

    /// The receipt of a scored row, with its place in the stream.
    ///
    /// @param attribution hash of the attribution record
    public static Receipt receipt(
            ScoredUsage.Priced priced, Bytes32 attribution, Bytes32 stream, long seq, Bytes32 prevReceipt) {
        UsageRow row = priced.usage().row();
        PricedUsage price = priced.price();
        return new Receipt(
                stream,
                seq,
                prevReceipt,
                ReceiptKind.USAGE,
                Bytes32.ZERO,
                row.requestId(),
                row.account(),
                row.payer(),
                row.servedFromMillis(),
                row.servedToMillis(),
                priced.usage().includeByMillis(),
                row.baseDigest(),
                row.tokenizerDigest(),
                row.numericPath(),
                uses(row),
                row.prompt().size(),
                row.cachedTokens(),
                row.output().size(),
                row.discardedTokens(),
                TokenHashes.prompt(row.requestSalt(), row.prompt()),
                TokenHashes.output(row.requestSalt(), row.output()),
                row.versions().scorer(),
                corpusRoots(row.versions().datanets(), row.tokenizerDigest()),
                attribution,
                row.versions().priceBook(),
                price.pricePico(),
                price.payments());
    }

    private static List<AdapterUse> uses(UsageRow row) {
        return row.adapters().stream().map(AdapterUsage::use).toList();
    }
}
