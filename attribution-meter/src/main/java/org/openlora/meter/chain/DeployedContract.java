package org.openlora.meter.chain;

import com.esaulpaugh.headlong.abi.Tuple;
import java.util.function.Supplier;
import org.openlora.meter.evm.Address;

/// A contract of ours at its address: calls by the names of its source, reverts in words.
public final class DeployedContract {
    private final JsonRpc rpc;
    private final Address address;
    private final ContractAbi abi;

    public DeployedContract(JsonRpc rpc, Address address, ContractAbi abi) {
        this.rpc = rpc;
        this.address = address;
        this.abi = abi;
    }

    public Address address() {
        return address;
    }

    public boolean isDeployed() {
        return rpc.bytes(rpc.call("eth_getCode", address.toString(), "latest")).length > 0;
    }

    /// Calls a function that changes nothing.
    ///
    /// @throws ChainException.Refused where it reverts, or where no contract stands at the address
    /// @throws ChainException.Unreachable where the answer is not of the function's types
    public Tuple read(BlockReference block, String function, Object... arguments) {
        byte[] result = rpc.bytes(named(
                () -> rpc.call(
                        "eth_call",
                        TransactionSender.callObject(Address.ZERO, address, abi.call(function, arguments)),
                        block.parameter()),
                function));
        if (result.length == 0) {
            throw new ChainException.Refused(
                    "nothing at " + address + " on " + rpc.endpoint() + " answers " + function, 0, "0x");
        }
        try {
            return abi.result(function, result);
        } catch (IllegalArgumentException e) {
            throw new ChainException.Unreachable(
                    rpc.endpoint() + " answered " + function + " with something else than the ABI says", e);
        }
    }

    /// Calls a function in a transaction and waits until it is mined.
    ///
    /// @throws ChainException.Refused where it would revert, with the contract's reason
    /// @throws ChainException.Failed where it reverted in its block, or was not mined in time
    public TransactionSender.Mined send(TransactionSender sender, String function, Object... arguments) {
        return named(() -> sender.send(address, abi.call(function, arguments)), function);
    }

    private <T> T named(Supplier<T> call, String function) {
        try {
            return call.get();
        } catch (ChainException.Refused e) {
            if (e.revertData().equals("0x")) {
                throw e;
            }
            throw new ChainException.Refused(
                    function + " reverts: " + abi.describeRevert(e.revertData()), e.code(), e.revertData());
        }
    }
}
