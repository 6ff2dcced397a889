package org.openlora.meter.receipt;

import java.util.ArrayList;
import java.util.List;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;

/// A receipt's hashes by EIP-712. One hash serves everything: the struct hash is what `prevReceipt` points at,
/// with the domain it gives the digest that is signed, and hashed once more it is the leaf of OpenZeppelin's
/// standard tree over the columns [#LEAF_ENCODING].
public final class ReceiptCodec {
    public static final String ADAPTER_USE_TYPE =
            "AdapterUse(bytes32 digest,bytes32 manifestDigest,int32 scalePpm,uint32 tokens)";
    public static final String PAYMENT_TYPE = "Payment(address payee,uint8 role,bytes32 source,uint256 amount)";
    public static final String RECEIPT_TYPE = "Receipt(bytes32 stream,uint64 seq,bytes32 prevReceipt,uint8 kind,"
            + "bytes32 ref,bytes32 requestId,bytes32 account,address payer,uint64 servedFrom,uint64 servedTo,"
            + "uint64 includeBy,bytes32 baseDigest,bytes32 tokenizerDigest,bytes32 numericPath,AdapterUse[] adapters,"
            + "uint32 promptTokens,uint32 cachedTokens,uint32 generatedTokens,uint32 discardedTokens,"
            + "bytes32 promptHash,bytes32 outputHash,bytes32 scorer,bytes32 corpusRoots,bytes32 attribution,"
            + "bytes32 priceBook,uint256 price,Payment[] payments)";

    /// Hash of the receipt type followed by the types it uses, in alphabetical order as EIP-712 asks.
    public static final Bytes32 RECEIPT_TYPE_HASH = Keccak256.hash(RECEIPT_TYPE + ADAPTER_USE_TYPE + PAYMENT_TYPE);

    /// ABI types of a leaf's columns: the type hash, then the members, arrays as their hash.
    public static final List<String> LEAF_ENCODING = List.of(
            "bytes32", "bytes32", "uint64", "bytes32", "uint8", "bytes32", "bytes32", "bytes32", "address", "uint64",
            "uint64", "uint64", "bytes32", "bytes32", "bytes32", "bytes32", "uint32", "uint32", "uint32", "uint32",
            "bytes32", "bytes32", "bytes32", "bytes32", "bytes32", "bytes32", "uint256", "bytes32");

    private static final Bytes32 ADAPTER_USE_TYPE_HASH = Keccak256.hash(ADAPTER_USE_TYPE);
    private static final Bytes32 PAYMENT_TYPE_HASH = Keccak256.hash(PAYMENT_TYPE);

    private ReceiptCodec() {}

    /// EIP-712 `hashStruct`.
    public static Bytes32 structHash(Receipt receipt) {
        return new WordEncoder(LEAF_ENCODING.size())
                .word(RECEIPT_TYPE_HASH)
                .word(receipt.stream())
                .unsigned(receipt.seq())
                .word(receipt.prevReceipt())
                .unsigned(receipt.kind().code())
                .word(receipt.ref())
                .word(receipt.requestId())
                .word(receipt.account())
                .address(receipt.payer())
                .unsigned(receipt.servedFrom())
                .unsigned(receipt.servedTo())
                .unsigned(receipt.includeBy())
                .word(receipt.baseDigest())
                .word(receipt.tokenizerDigest())
                .word(receipt.numericPath())
                .word(adaptersHash(receipt.adapters()))
                .unsigned(receipt.promptTokens())
                .unsigned(receipt.cachedTokens())
                .unsigned(receipt.generatedTokens())
                .unsigned(receipt.discardedTokens())
                .word(receipt.promptHash())
                .word(receipt.outputHash())
                .word(receipt.scorer())
                .word(receipt.corpusRoots())
                .word(receipt.attribution())
                .word(receipt.priceBook())
                .unsigned(receipt.price())
                .word(paymentsHash(receipt.payments()))
                .hash();
    }

    /// What the operator signs.
    public static Bytes32 digest(Eip712Domain domain, Receipt receipt) {
        return domain.digest(structHash(receipt));
    }

    /// The leaf in a batch's tree: keccak256 of the struct hash.
    public static Bytes32 leaf(Receipt receipt) {
        return leaf(structHash(receipt));
    }

    /// The leaf of a receipt whose struct hash is known.
    public static Bytes32 leaf(Bytes32 structHash) {
        return Keccak256.hash(structHash.bytes());
    }

    /// EIP-712 hash of an `AdapterUse[]`: keccak256 of the members' struct hashes, one after the other.
    public static Bytes32 adaptersHash(List<AdapterUse> adapters) {
        WordEncoder hashes = new WordEncoder(adapters.size());
        for (AdapterUse adapter : adapters) {
            hashes.word(new WordEncoder(5)
                    .word(ADAPTER_USE_TYPE_HASH)
                    .word(adapter.digest())
                    .word(adapter.manifestDigest())
                    .signed(adapter.scalePpm())
                    .unsigned(adapter.tokens())
                    .hash());
        }
        return hashes.hash();
    }

    /// EIP-712 hash of a `Payment[]`.
    public static Bytes32 paymentsHash(List<Payment> payments) {
        WordEncoder hashes = new WordEncoder(payments.size());
        for (Payment payment : payments) {
            hashes.word(new WordEncoder(5)
                    .word(PAYMENT_TYPE_HASH)
                    .address(payment.payee())
                    .unsigned(payment.role().code())
                    .word(payment.source())
                    .unsigned(payment.amount())
                    .hash());
        }
        return hashes.hash();
    }

    /// Canonical JSON (RFC 8785) of the receipt: the EIP-712 message.
    public static byte[] toJson(Receipt receipt) {
        return ReceiptJson.write(receipt);
    }

    /// Reads what [#toJson(Receipt)] wrote.
    ///
    /// @throws IllegalArgumentException naming the member, for anything that is not a valid receipt in canonical
    ///     form
    public static Receipt fromJson(byte[] json) {
        return ReceiptJson.read(json);
    }

    /// The columns of a receipt's leaf as text, in the order of [#LEAF_ENCODING]; what a tree dump carries.
    public static List<String> leafColumns(Receipt receipt) {
        List<Object> columns = new ArrayList<>(List.of(
                RECEIPT_TYPE_HASH,
                receipt.stream(),
                receipt.seq(),
                receipt.prevReceipt(),
                receipt.kind().code(),
                receipt.ref(),
                receipt.requestId(),
                receipt.account()));
        columns.addAll(List.of(
                receipt.payer(),
                receipt.servedFrom(),
                receipt.servedTo(),
                receipt.includeBy(),
                receipt.baseDigest(),
                receipt.tokenizerDigest(),
                receipt.numericPath(),
                adaptersHash(receipt.adapters())));
        columns.addAll(List.of(
                receipt.promptTokens(),
                receipt.cachedTokens(),
                receipt.generatedTokens(),
                receipt.discardedTokens(),
                receipt.promptHash(),
                receipt.outputHash(),
                receipt.scorer(),
                receipt.corpusRoots()));
        columns.addAll(
                List.of(receipt.attribution(), receipt.priceBook(), receipt.price(), paymentsHash(receipt.payments())));
        return columns.stream().map(Object::toString).toList();
    }
}
