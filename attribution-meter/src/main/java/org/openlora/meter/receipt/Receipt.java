package org.openlora.meter.receipt;

import java.util.List;
import java.util.Locale;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// Receipt v1: what one request used and who is paid for it. Its EIP-712 hash is what the operator signs, what
/// the next receipt of the stream points at and what a batch's Merkle tree holds. Every rule that can be checked
/// on one receipt alone is checked here, so no invalid receipt exists in memory.
///
/// @param stream id of the replica's receipt stream
/// @param seq 1, 2, 3 … within the stream, without gaps
/// @param prevReceipt struct hash of the receipt before it in the stream; zero for seq 1
/// @param ref struct hash of the receipt that a credit or debit corrects; zero for usage
/// @param requestId random id of the request; a credit or debit has one of its own
/// @param account salted hash of the tenant
/// @param payer the tenant's EVM account
/// @param servedFrom admission, milliseconds since the epoch
/// @param servedTo last token, milliseconds since the epoch
/// @param includeBy the operator promises a batch with this receipt by then, milliseconds since the epoch
/// @param adapters strictly ascending by digest; empty for the bare base
/// @param promptTokens tokens of the prompt, of which `cachedTokens` came from the prefix cache
/// @param generatedTokens tokens delivered to the caller
/// @param discardedTokens tokens computed but not delivered (behind a stop string, after a cancellation)
/// @param promptHash salted hash of the prompt's token ids
/// @param outputHash salted hash of the delivered token ids
/// @param scorer id of the scorer's version
/// @param corpusRoots hash of the sorted list of corpus roots that were searched; zero for none
/// @param attribution SHA-256 of the canonical per-token record; zero where nothing was attributed
/// @param priceBook digest of the price book
/// @param price pico-units, equal to the sum of the payments
/// @param payments strictly ascending by [Payment#ORDER]
public record Receipt(
        Bytes32 stream,
        long seq,
        Bytes32 prevReceipt,
        ReceiptKind kind,
        Bytes32 ref,
        Bytes32 requestId,
        Bytes32 account,
        Address payer,
        long servedFrom,
        long servedTo,
        long includeBy,
        Bytes32 baseDigest,
        Bytes32 tokenizerDigest,
        Bytes32 numericPath,
        List<AdapterUse> adapters,
        int promptTokens,
        int cachedTokens,
        int generatedTokens,
        int discardedTokens,
        Bytes32 promptHash,
        Bytes32 outputHash,
        Bytes32 scorer,
        Bytes32 corpusRoots,
        Bytes32 attribution,
        Bytes32 priceBook,
        long price,
        List<Payment> payments) {

    public Receipt {
        adapters = List.copyOf(adapters);
        payments = List.copyOf(payments);
        requireStreamPosition(stream, seq, prevReceipt);
        require(!requestId.isZero(), "requestId must not be zero");
        require(
                (kind == ReceiptKind.USAGE) == ref.isZero(),
                kind == ReceiptKind.USAGE
                        ? "ref of a usage receipt must be zero: " + ref
                        : "ref of a " + kind.name().toLowerCase(Locale.ROOT) + " must name a receipt, not zero");
        require(servedFrom >= 0, "servedFrom must not be negative: " + servedFrom);
        require(servedFrom <= servedTo, "servedFrom " + servedFrom + " is after servedTo " + servedTo);
        require(servedTo <= includeBy, "includeBy " + includeBy + " is before servedTo " + servedTo);
        requireCount("promptTokens", promptTokens);
        requireCount("cachedTokens", cachedTokens);
        requireCount("generatedTokens", generatedTokens);
        requireCount("discardedTokens", discardedTokens);
        require(cachedTokens <= promptTokens, "cachedTokens " + cachedTokens + " exceed promptTokens " + promptTokens);
        requireAdapterOrder(adapters);
        requirePayments(payments, price);
    }

    private static void requireStreamPosition(Bytes32 stream, long seq, Bytes32 prevReceipt) {
        require(!stream.isZero(), "stream must not be zero");
        require(seq >= 1, "seq begins at 1: " + seq);
        require(
                (seq == 1) == prevReceipt.isZero(),
                seq == 1
                        ? "prevReceipt of seq 1 must be zero: " + prevReceipt
                        : "prevReceipt of seq " + seq + " must name a receipt, not zero");
    }

    private static void requireAdapterOrder(List<AdapterUse> adapters) {
        for (int i = 1; i < adapters.size(); i++) {
            require(
                    adapters.get(i - 1).digest().compareTo(adapters.get(i).digest()) < 0,
                    "adapters must ascend by digest without repetition: "
                            + adapters.get(i).digest() + " at index " + i);
        }
    }

    private static void requirePayments(List<Payment> payments, long price) {
        require(price >= 0, "price must not be negative: " + price);
        long sum = 0;
        for (int i = 0; i < payments.size(); i++) {
            Payment payment = payments.get(i);
            require(
                    i == 0 || Payment.ORDER.compare(payments.get(i - 1), payment) < 0,
                    "payments must ascend by role, source, payee without repetition: " + payment + " at index " + i);
            require(
                    payment.amount() <= price - sum,
                    "payments exceed the price of " + price + " pico-units at index " + i);
            sum += payment.amount();
        }
        require(sum == price, "payments sum to " + sum + " pico-units, the price is " + price);
    }

    private static void requireCount(String name, int count) {
        require(count >= 0, name + " must not be negative: " + count);
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException("receipt: " + message);
        }
    }
}
