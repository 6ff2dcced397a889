package org.openlora.server.receipts;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.chain.JsonRpc;
import org.openlora.meter.chain.LedgerContract;
import org.openlora.meter.chain.LedgerDeployer;
import org.openlora.meter.chain.LocalChain;
import org.openlora.meter.chain.TransactionSender;
import org.openlora.meter.evm.Address;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.Operator;

/// The chain of the configuration, local or remote, with the ledger contract on it and the operator registered there.
public final class ChainLink implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration CALL_LIMIT = Duration.ofSeconds(20);

    private final @Nullable LocalChain local;
    private final LedgerContract contract;

    private ChainLink(@Nullable LocalChain local, LedgerContract contract) {
        this.local = local;
        this.contract = contract;
    }

    /// Connects to the configured chain, or starts the local one; deploys and registers what is not there yet.
    ///
    /// @param folder state of the local chain
    /// @param report told, in one sentence each, what takes long and why there is no chain
    /// @return empty where no local chain can be started
    /// @throws org.openlora.meter.chain.ChainException where the chain does not answer or refuses
    public static Optional<ChainLink> open(
            ServerConfig.Chain config,
            Path folder,
            Operator operator,
            Map<String, String> environment,
            Consumer<String> report) {
        if (!config.endpoint().isEmpty()) {
            return Optional.of(connect(config, null, new JsonRpc(config.endpoints(), CALL_LIMIT), operator));
        }
        Optional<LocalChain> local = LocalChain.start(folder, environment, report);
        if (local.isEmpty()) {
            return Optional.empty();
        }
        try {
            local.get().fund(operator.key().address());
            return Optional.of(connect(config, local.get(), local.get().rpc(), operator));
        } catch (RuntimeException e) {
            local.get().close();
            throw e;
        }
    }

    private static ChainLink connect(
            ServerConfig.Chain config, @Nullable LocalChain local, JsonRpc rpc, Operator operator) {
        long chainId = new LedgerContract(
                        rpc, LedgerDeployer.addressFor(operator.accounts().registrant()))
                .chainId();
        if (chainId != config.chainId()) {
            throw new Problem(
                    "the chain at %s has id %d, chain.chainId is %d"
                            .formatted(rpc.endpoint(), chainId, config.chainId()),
                    "correct chain.endpoint or chain.chainId; signatures are made for one chain");
        }
        LedgerDeployer deployer = new LedgerDeployer(rpc, new TransactionSender(rpc, operator.key(), PATIENCE));
        LedgerContract contract = deployer.deploy(operator.accounts().registrant());
        if (operator.key().address().equals(operator.accounts().registrant())) {
            register(deployer, contract, operator);
        }
        return new ChainLink(local, contract);
    }

    /// By the operator's first key alone: an operator whose key was rotated is registered.
    private static void register(LedgerDeployer deployer, LedgerContract contract, Operator operator) {
        var _ = deployer.register(
                contract,
                Operator.REGISTRATION_SALT,
                operator.key().address(),
                operator.key().address());
    }

    /// Gives an account money for gas where the chain is our own.
    ///
    /// @return whether it is
    public boolean fund(Address account) {
        if (local == null) {
            return false;
        }
        local.fund(account);
        return true;
    }

    /// The same link for somebody who closes what they were given: closing it stops nothing.
    ChainLink shared() {
        return new ChainLink(null, contract);
    }

    /// The ledger contract.
    public LedgerContract contract() {
        return contract;
    }

    /// Stops the local chain where this process started it.
    @Override
    public void close() {
        if (local != null) {
            local.close();
        }
    }
}
