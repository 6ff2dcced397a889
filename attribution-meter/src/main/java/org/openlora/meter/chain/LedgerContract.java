package org.openlora.meter.chain;

import com.esaulpaugh.headlong.abi.Tuple;
import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.util.List;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.merkle.MerkleProof;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.SignedReceipt;

/// `AttributionLedger` at its address of one chain: reads, and the call data of writes.
public final class LedgerContract {
    private final JsonRpc rpc;
    private final Address address;

    /// What the contract holds of one (operator, stream).
    public record StreamState(long batches, long lastSeq, BigInteger gross, BigInteger creditTotal) {}

    /// What it holds of one batch; root and head are zero where there is none.
    public record Commit(Bytes32 root, Bytes32 head) {}

    public LedgerContract(JsonRpc rpc, Address address) {
        this.rpc = rpc;
        this.address = address;
    }

    public JsonRpc rpc() {
        return rpc;
    }

    public Address address() {
        return address;
    }

    /// The same contract, asked through one endpoint after the other, each alone.
    List<LedgerContract> each() {
        return rpc.each().stream()
                .map(single -> new LedgerContract(single, address))
                .toList();
    }

    public long chainId() {
        return rpc.longInteger(rpc.call("eth_chainId"));
    }

    /// The domain that this contract verifies signatures in.
    public Eip712Domain domain() {
        return Eip712Domain.ledger(chainId(), address);
    }

    public boolean isDeployed() {
        return code(BlockReference.LATEST).length > 0;
    }

    /// Hash of the deployed code: with the chain id, what the contract is recognised by.
    ///
    /// @throws ChainException.Refused where no contract stands at the address
    public Bytes32 codeHash() {
        return codeHash(BlockReference.LATEST);
    }

    /// Hash of the code that stands there at this block.
    ///
    /// @throws ChainException.Refused where no contract stands at the address
    public Bytes32 codeHash(BlockReference block) {
        byte[] code = code(block);
        if (code.length == 0) {
            throw noContract();
        }
        return Keccak256.hash(code);
    }

    private byte[] code(BlockReference block) {
        return rpc.bytes(rpc.call("eth_getCode", address.toString(), block.parameter()));
    }

    public StreamState stream(Bytes32 operatorId, Bytes32 stream, BlockReference block) {
        Tuple state = read(block, "streams", operatorId.bytes(), stream.bytes());
        return new StreamState(longAt(state, 0), longAt(state, 1), state.get(2), state.get(3));
    }

    public Commit batch(Bytes32 operatorId, Bytes32 stream, long number, BlockReference block) {
        Tuple commit = read(block, "batches", operatorId.bytes(), stream.bytes(), BigInteger.valueOf(number));
        return new Commit(Bytes32.of(commit.<byte[]>get(0)), Bytes32.of(commit.<byte[]>get(1)));
    }

    /// The account that administers an operator; zero where the id is not registered.
    public Address operatorAdmin(Bytes32 operatorId) {
        Tuple operator = read(BlockReference.LATEST, "operators", operatorId.bytes());
        return Address.parse(operator.get(0).toString());
    }

    public boolean isSubmitter(Bytes32 operatorId, Address account) {
        return read(BlockReference.LATEST, "submitters", operatorId.bytes(), LedgerAbi.address(account))
                .get(0);
    }

    /// Until when (milliseconds of `servedTo`) the account signs receipts for the operator; 0 for never, -1 (the
    /// greatest unsigned) without end.
    public long receiptSignerUntil(Bytes32 operatorId, Address account) {
        BigInteger until = read(BlockReference.LATEST, "receiptSigners", operatorId.bytes(), LedgerAbi.address(account))
                .get(0);
        return until.longValue();
    }

    /// EIP-712 hash as the contract computes it.
    public Bytes32 hashReceipt(Receipt receipt) {
        return Bytes32.of(read(BlockReference.LATEST, "hashReceipt", LedgerAbi.receipt(receipt))
                .<byte[]>get(0));
    }

    /// Whether the contract finds this very receipt in the batch.
    public boolean verifyReceipt(Bytes32 operatorId, Bytes32 stream, long number, Receipt receipt, MerkleProof proof) {
        return read(
                        BlockReference.LATEST,
                        "verifyReceipt",
                        operatorId.bytes(),
                        stream.bytes(),
                        BigInteger.valueOf(number),
                        LedgerAbi.receipt(receipt),
                        siblings(proof))
                .get(0);
    }

    /// Whether this very header was committed.
    public boolean verifyBatch(BatchHeader header) {
        return read(BlockReference.LATEST, "verifyBatch", header.tuple()).get(0);
    }

    /// Whether the contract finds this very receipt, by its number too, in the batch of this very header.
    public boolean verifyReceipt(BatchHeader header, Receipt receipt, MerkleProof proof) {
        return read(
                        BlockReference.LATEST,
                        "verifyReceiptInBatch",
                        header.tuple(),
                        LedgerAbi.receipt(receipt),
                        siblings(proof))
                .get(0);
    }

    /// Whether the contract takes the signature for one of the operator's.
    public boolean verifySignedReceipt(Bytes32 operatorId, SignedReceipt signed) {
        return read(
                        BlockReference.LATEST,
                        "verifySignedReceipt",
                        operatorId.bytes(),
                        LedgerAbi.receipt(signed.receipt()),
                        signed.signature().bytes())
                .get(0);
    }

    /// Call data of `verifyReceipt`, for whoever checks through another node.
    public static byte[] verifyReceiptCall(
            Bytes32 operatorId, Bytes32 stream, long number, Receipt receipt, MerkleProof proof) {
        return LedgerAbi.call(
                "verifyReceipt",
                operatorId.bytes(),
                stream.bytes(),
                BigInteger.valueOf(number),
                LedgerAbi.receipt(receipt),
                siblings(proof));
    }

    public static byte[] commitBatchCall(BatchHeader batch) {
        return LedgerAbi.call("commitBatch", batch.tuple());
    }

    public static byte[] registerOperatorCall(Bytes32 salt, Address submitter, Address receiptSigner) {
        return LedgerAbi.call(
                "registerOperator", salt.bytes(), LedgerAbi.address(submitter), LedgerAbi.address(receiptSigner));
    }

    public static byte[] offerOperatorAdminCall(Bytes32 operatorId, Address candidate) {
        return LedgerAbi.call("offerOperatorAdmin", operatorId.bytes(), LedgerAbi.address(candidate));
    }

    public static byte[] acceptOperatorAdminCall(Bytes32 operatorId) {
        return LedgerAbi.call("acceptOperatorAdmin", (Object) operatorId.bytes());
    }

    public static byte[] setSubmitterCall(Bytes32 operatorId, Address submitter, boolean allowed) {
        return LedgerAbi.call("setSubmitter", operatorId.bytes(), LedgerAbi.address(submitter), allowed);
    }

    public static byte[] addReceiptSignerCall(Bytes32 operatorId, Address signer) {
        return LedgerAbi.call("addReceiptSigner", operatorId.bytes(), LedgerAbi.address(signer));
    }

    public static byte[] retireReceiptSignerCall(Bytes32 operatorId, Address signer) {
        return LedgerAbi.call("retireReceiptSigner", operatorId.bytes(), LedgerAbi.address(signer));
    }

    private Tuple read(BlockReference block, String function, Object... arguments) {
        byte[] data = LedgerAbi.call(function, arguments);
        byte[] result = rpc.bytes(
                rpc.call("eth_call", TransactionSender.callObject(Address.ZERO, address, data), block.parameter()));
        if (result.length == 0) {
            throw noContract();
        }
        try {
            return LedgerAbi.function(function).decodeReturn(result);
        } catch (IllegalArgumentException | BufferUnderflowException e) {
            throw new ChainException.Unreachable(
                    rpc.endpoint() + " answered " + function + " with something else than the ledger's ABI says", e);
        }
    }

    private ChainException.Refused noContract() {
        return new ChainException.Refused(
                "no ledger contract at " + address + " on " + rpc.endpoint() + ": deploy it first",
                ChainException.Refused.NO_CONTRACT,
                "0x");
    }

    private static byte[][] siblings(MerkleProof proof) {
        return proof.siblings().stream().map(Bytes32::bytes).toArray(byte[][]::new);
    }

    private static long longAt(Tuple tuple, int index) {
        return tuple.<BigInteger>get(index).longValueExact();
    }
}
