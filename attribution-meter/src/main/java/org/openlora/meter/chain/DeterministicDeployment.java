package org.openlora.meter.chain;

import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;

/// A contract's place by CREATE2 through the usual factory: its address follows from its creation code alone, on every
/// chain.
///
/// @param salt tells versions of one code apart
/// @param creationCode with the constructor's arguments
public record DeterministicDeployment(
        Bytes32 salt,
        @SuppressWarnings("ArrayRecordComponent") byte[] creationCode) {
    /// Where the contract stands or will stand.
    public Address address() {
        byte[] prefix = {(byte) 0xff};
        Bytes32 hash = Keccak256.hash(
                prefix,
                LedgerDeployer.FACTORY.bytes(),
                salt.bytes(),
                Keccak256.hash(creationCode).bytes());
        return Address.of(hash.bytes(), Bytes32.SIZE_BYTES - Address.SIZE_BYTES);
    }

    /// The contract, deployed now unless it stands already.
    ///
    /// @throws ChainException.Refused where the chain has no factory
    /// @throws ChainException.Failed where the factory made nothing
    public DeployedContract deploy(JsonRpc rpc, TransactionSender sender, ContractAbi abi) {
        DeployedContract contract = new DeployedContract(rpc, address(), abi);
        if (contract.isDeployed()) {
            return contract;
        }
        if (!new DeployedContract(rpc, LedgerDeployer.FACTORY, abi).isDeployed()) {
            throw new ChainException.Refused(
                    "no deterministic deployment factory at " + LedgerDeployer.FACTORY + " on " + rpc.endpoint()
                            + ": deploy it as its authors describe, then try again",
                    0,
                    "0x");
        }
        byte[] data = new byte[Bytes32.SIZE_BYTES + creationCode.length];
        salt.writeTo(data, 0);
        System.arraycopy(creationCode, 0, data, Bytes32.SIZE_BYTES, creationCode.length);
        sender.send(LedgerDeployer.FACTORY, data);
        if (!contract.isDeployed()) {
            throw new ChainException.Failed("the factory on " + rpc.endpoint() + " made no contract at " + address());
        }
        return contract;
    }
}
