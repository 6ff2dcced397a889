package org.openlora.meter.receipt;

import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;

/// What a response's final event promises: this usage is durable and its receipt will stand in a batch by
/// `includeBy` (milliseconds since the epoch). A signed one without a receipt after that time proves an omission.
///
/// @param adaptersHash [ReceiptCodec#adaptersHash] of the adapters that took part
public record UsageAcknowledgement(
        Bytes32 requestId,
        Bytes32 account,
        Bytes32 baseDigest,
        Bytes32 adaptersHash,
        int promptTokens,
        int generatedTokens,
        Bytes32 promptHash,
        Bytes32 outputHash,
        long includeBy) {
    public static final String TYPE = "UsageAcknowledgement(bytes32 requestId,bytes32 account,bytes32 baseDigest,"
            + "bytes32 adaptersHash,uint32 promptTokens,uint32 generatedTokens,bytes32 promptHash,bytes32 outputHash,"
            + "uint64 includeBy)";
    private static final Bytes32 TYPE_HASH = Keccak256.hash(TYPE);

    public UsageAcknowledgement {
        if (promptTokens < 0 || generatedTokens < 0 || includeBy < 0) {
            throw new IllegalArgumentException("usage acknowledgement: counts and includeBy must not be negative: "
                    + promptTokens + ", " + generatedTokens + ", " + includeBy);
        }
    }

    /// Of the members that an acknowledgement shares with the receipt that follows it.
    public static UsageAcknowledgement of(Receipt receipt) {
        return new UsageAcknowledgement(
                receipt.requestId(),
                receipt.account(),
                receipt.baseDigest(),
                ReceiptCodec.adaptersHash(receipt.adapters()),
                receipt.promptTokens(),
                receipt.generatedTokens(),
                receipt.promptHash(),
                receipt.outputHash(),
                receipt.includeBy());
    }

    /// EIP-712 `hashStruct`.
    public Bytes32 structHash() {
        return new WordEncoder(10)
                .word(TYPE_HASH)
                .word(requestId)
                .word(account)
                .word(baseDigest)
                .word(adaptersHash)
                .unsigned(promptTokens)
                .unsigned(generatedTokens)
                .word(promptHash)
                .word(outputHash)
                .unsigned(includeBy)
                .hash();
    }
}
