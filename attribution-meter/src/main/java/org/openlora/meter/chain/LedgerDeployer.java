package org.openlora.meter.chain;

import java.util.Optional;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;

/// Puts the ledger contract on a chain through the deterministic deployment factory: by CREATE2 its address
/// follows from its code and owner alone, so receipts can be signed for it before it exists. Everything here may
/// be repeated.
public final class LedgerDeployer {
    /// The factory that most chains, and anvil from its first block, have at this address.
    public static final Address FACTORY = Address.parse("0x4e59b44847b379578588920cA78FbF26c0B4956C");

    private static final Bytes32 SALT = Keccak256.hash("OpenLoRA AttributionLedger v1");

    private final JsonRpc rpc;
    private final TransactionSender sender;

    public LedgerDeployer(JsonRpc rpc, TransactionSender sender) {
        this.rpc = rpc;
        this.sender = sender;
    }

    /// Where the contract of this owner stands on every chain.
    public static Address addressFor(Address owner) {
        byte[] prefix = {(byte) 0xff};
        byte[] codeHash = Keccak256.hash(creationCode(owner)).bytes();
        Bytes32 hash = Keccak256.hash(prefix, FACTORY.bytes(), SALT.bytes(), codeHash);
        return Address.of(hash.bytes(), Bytes32.SIZE_BYTES - Address.SIZE_BYTES);
    }

    /// The contract of this owner; deployed now unless it stands already.
    ///
    /// @throws ChainException.Refused where the chain has no factory
    public LedgerContract deploy(Address owner) {
        LedgerContract ledger = new LedgerContract(rpc, addressFor(owner));
        if (ledger.isDeployed()) {
            return ledger;
        }
        if (rpc.bytes(rpc.call("eth_getCode", FACTORY.toString(), "latest")).length == 0) {
            throw new ChainException.Refused(
                    "no deterministic deployment factory at " + FACTORY + " on " + rpc.endpoint()
                            + ": deploy it as its authors describe, then try again",
                    0,
                    "0x");
        }
        sender.send(FACTORY, concatenated(SALT.bytes(), creationCode(owner)));
        ledger.codeHash(); // fails with its own message unless the code is there now
        return ledger;
    }

    /// Registers the sender as an operator, with these accounts as its first submitter and receipt signer.
    ///
    /// @return the transaction; empty where the operator is registered already
    public Optional<TransactionSender.Mined> register(
            LedgerContract ledger, Bytes32 salt, Address submitter, Address receiptSigner) {
        if (!ledger.operatorAdmin(OperatorIds.of(sender.sender(), salt)).isZero()) {
            return Optional.empty();
        }
        return Optional.of(
                sender.send(ledger.address(), LedgerContract.registerOperatorCall(salt, submitter, receiptSigner)));
    }

    private static byte[] creationCode(Address owner) {
        byte[] argument = new byte[Bytes32.SIZE_BYTES];
        owner.writeTo(argument, Bytes32.SIZE_BYTES - Address.SIZE_BYTES);
        return concatenated(LedgerAbi.creationCode(), argument);
    }

    private static byte[] concatenated(byte[] first, byte[] second) {
        byte[] both = new byte[first.length + second.length];
        System.arraycopy(first, 0, both, 0, first.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }
}
