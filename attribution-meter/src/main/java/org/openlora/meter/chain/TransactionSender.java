package org.openlora.meter.chain;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import java.time.Duration;
import java.util.Map;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Hex;
import org.openlora.meter.receipt.Signer;

/// Sends a single transaction and waits until it is mined: for deployment and administration. Batches go through
/// the [BatchFlusher], which survives crashes between the two.
public final class TransactionSender {
    private static final BigInteger DEFAULT_TIP_WEI = BigInteger.valueOf(1_000_000_000);
    private static final Duration POLL = Duration.ofMillis(20);

    private final JsonRpc rpc;
    private final Signer signer;
    private final Duration patience;

    /// A mined transaction.
    public record Mined(Bytes32 transactionHash, long gasUsed, long blockNumber) {}

    /// @param patience how long to wait for a transaction to be mined
    public TransactionSender(JsonRpc rpc, Signer signer, Duration patience) {
        this.rpc = rpc;
        this.signer = signer;
        this.patience = patience;
    }

    public Address sender() {
        return signer.address();
    }

    /// @throws ChainException.Refused where the call would revert or the account cannot pay
    /// @throws ChainException.Failed where it reverted in its block, or was not mined in time
    public Mined send(Address to, byte[] data) {
        BigInteger gas = rpc.integer(rpc.call("eth_estimateGas", callObject(signer.address(), to, data)));
        Fees fees = suggestedFees(rpc);
        Eip1559Transaction transaction = new Eip1559Transaction(
                rpc.longInteger(rpc.call("eth_chainId")),
                rpc.longInteger(
                        rpc.call("eth_getTransactionCount", signer.address().toString(), "pending")),
                fees.maxPriorityFeeWei(),
                fees.maxFeeWei(),
                withMargin(gas),
                to,
                Hex.encode(data));
        Eip1559Transaction.Signed signed = transaction.sign(signer);
        rpc.call("eth_sendRawTransaction", signed.raw());
        return await(signed.hash());
    }

    private Mined await(Bytes32 hash) {
        long deadline = System.nanoTime() + patience.toNanos();
        while (System.nanoTime() < deadline) {
            JsonNode receipt = rpc.call("eth_getTransactionReceipt", hash.toString());
            if (!receipt.isNull()) {
                if (rpc.longInteger(receipt.path("status")) != 1) {
                    throw new ChainException.Failed("transaction " + hash + " was mined and reverted");
                }
                return new Mined(
                        hash, rpc.longInteger(receipt.path("gasUsed")), rpc.longInteger(receipt.path("blockNumber")));
            }
            Pause.of(POLL);
        }
        throw new ChainException.Failed("transaction " + hash + " was not mined within " + patience.toSeconds() + " s");
    }

    /// What the next blocks are likely to ask.
    record Fees(BigInteger maxPriorityFeeWei, BigInteger maxFeeWei) {}

    /// Twice the base fee and the tip, which outlasts six full blocks.
    static Fees suggestedFees(JsonRpc rpc) {
        JsonNode block = rpc.call("eth_getBlockByNumber", "latest", false);
        return suggestedFees(rpc, rpc.integer(block.path("baseFeePerGas")));
    }

    static Fees suggestedFees(JsonRpc rpc, BigInteger baseFeeWei) {
        BigInteger tip;
        try {
            tip = rpc.integer(rpc.call("eth_maxPriorityFeePerGas"));
        } catch (ChainException.Refused e) {
            tip = DEFAULT_TIP_WEI; // the method is customary, not part of the standard
        }
        return new Fees(tip, baseFeeWei.shiftLeft(1).add(tip));
    }

    /// State may change between estimate and block: a quarter more.
    static long withMargin(BigInteger gas) {
        return gas.multiply(BigInteger.valueOf(5)).shiftRight(2).longValueExact();
    }

    static Map<String, Object> callObject(Address from, Address to, byte[] data) {
        return Map.of("from", from.toString(), "to", to.toString(), "data", Hex.encode(data));
    }
}
