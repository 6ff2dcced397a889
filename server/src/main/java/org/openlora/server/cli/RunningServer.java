package org.openlora.server.cli;

import java.nio.file.Path;
import java.util.Map;
import org.openlora.server.catalog.ModelCatalog;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.grpc.OpenLoraServer;
import org.openlora.server.receipts.ChainLink;
import org.openlora.server.receipts.LedgerView;
import org.openlora.server.receipts.ReceiptDesk;
import org.openlora.server.serving.ServingStack;

/// The composition root: a serving stack behind a listener, in this process.
record RunningServer(ServingStack stack, OpenLoraServer listener) implements AutoCloseable {
    /// Finds the model (pulling it where it is not here), puts everything together and listens.
    ///
    /// @param state whose ledger and keys are used
    /// @param chainFolder state of the local chain
    static RunningServer start(ServerConfig config, Installation state, Path chainFolder) {
        ResolvedModel model =
                Environment.models(ModelCatalog.shipped()).resolve(config.model());
        Map<String, String> environment = Environment.variables();
        ServingStack stack = ServingStack.open(config, state, model, environment);
        try {
            ReceiptDesk desk = new ReceiptDesk(
                    LedgerView.of(stack.meter()),
                    stack.operator(),
                    () -> ChainLink.open(
                            config.chain(), chainFolder, stack.operator(), environment, System.err::println));
            return new RunningServer(stack, OpenLoraServer.start(config, stack, desk));
        } catch (RuntimeException e) {
            stack.close();
            throw e;
        }
    }

    @Override
    public void close() {
        try {
            listener.close();
        } finally {
            stack.close();
        }
    }
}
