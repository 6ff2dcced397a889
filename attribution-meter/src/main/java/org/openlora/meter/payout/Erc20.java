package org.openlora.meter.payout;

import java.math.BigInteger;
import org.openlora.meter.chain.BlockReference;
import org.openlora.meter.chain.ContractAbi;
import org.openlora.meter.chain.DeployedContract;
import org.openlora.meter.chain.DeterministicDeployment;
import org.openlora.meter.chain.JsonRpc;
import org.openlora.meter.chain.TransactionSender;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Keccak256;

/// A token at its address.
public final class Erc20 {
    /// Our token for local chains is an ERC-20 that anyone may mint.
    private static final ContractAbi ABI = ContractAbi.of("DevelopmentToken");

    private final DeployedContract contract;

    public Erc20(JsonRpc rpc, Address address) {
        this.contract = new DeployedContract(rpc, address, ABI);
    }

    /// The token of local chains, worth nothing; deployed now unless it stands already.
    public static Erc20 development(JsonRpc rpc, TransactionSender sender) {
        return new Erc20(rpc, developmentDeployment().deploy(rpc, sender, ABI).address());
    }

    /// Where the token of local chains stands.
    public static Address developmentAddress() {
        return developmentDeployment().address();
    }

    private static DeterministicDeployment developmentDeployment() {
        return new DeterministicDeployment(Keccak256.hash("OpenLoRA DevelopmentToken v1"), ABI.creationCode());
    }

    public Address address() {
        return contract.address();
    }

    /// What the token says of itself.
    ///
    /// @throws org.openlora.meter.chain.ChainException.Refused where nothing there answers like a token
    public SettlementToken describe() {
        int decimals = contract.read(BlockReference.LATEST, "decimals").<Integer>get(0);
        return new SettlementToken(
                address(), contract.read(BlockReference.LATEST, "symbol").get(0), decimals);
    }

    public BigInteger balanceOf(Address account) {
        return contract.read(BlockReference.LATEST, "balanceOf", ContractAbi.address(account))
                .get(0);
    }

    BigInteger allowance(Address owner, Address spender) {
        return contract.read(
                        BlockReference.LATEST, "allowance", ContractAbi.address(owner), ContractAbi.address(spender))
                .get(0);
    }

    /// Lets a contract take this much from the sender. What it was allowed before is taken back first, as some tokens
    /// ask for.
    void approve(TransactionSender sender, Address spender, BigInteger units) {
        BigInteger allowed = allowance(sender.sender(), spender);
        if (allowed.equals(units)) {
            return;
        }
        if (allowed.signum() > 0) {
            contract.send(sender, "approve", ContractAbi.address(spender), BigInteger.ZERO);
        }
        contract.send(sender, "approve", ContractAbi.address(spender), units);
    }

    /// Makes tokens out of nothing, where the token is ours for local chains.
    public void mint(TransactionSender sender, Address to, BigInteger units) {
        contract.send(sender, "mint", ContractAbi.address(to), units);
    }
}
