package org.openlora.meter.receipt;

import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;

/// The EIP-712 domain of everything the operator signs. Name and version are those of the ledger contract; chain
/// and contract come from configuration, so receipts can be signed before any chain exists.
public record Eip712Domain(String name, String version, long chainId, Address verifyingContract) {
    public static final String LEDGER_NAME = "OpenLoRA AttributionLedger";
    public static final String LEDGER_VERSION = "1";
    private static final Bytes32 TYPE_HASH =
            Keccak256.hash("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    public Eip712Domain {
        if (chainId < 1) {
            throw new IllegalArgumentException("chain id must be positive: " + chainId);
        }
    }

    /// The domain of the ledger contract at this address of this chain.
    public static Eip712Domain ledger(long chainId, Address verifyingContract) {
        return new Eip712Domain(LEDGER_NAME, LEDGER_VERSION, chainId, verifyingContract);
    }

    public Bytes32 separator() {
        return new WordEncoder(5)
                .word(TYPE_HASH)
                .word(Keccak256.hash(name))
                .word(Keccak256.hash(version))
                .unsigned(chainId)
                .address(verifyingContract)
                .hash();
    }

    /// What is signed: keccak256(0x19 0x01 ‖ separator ‖ struct hash).
    public Bytes32 digest(Bytes32 structHash) {
        return Keccak256.hash(new byte[] {0x19, 0x01}, separator().bytes(), structHash.bytes());
    }
}
