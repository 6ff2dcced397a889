package org.openlora.server.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.openlora.meter.chain.FlusherMonitor;
import org.openlora.server.catalog.ModelCatalog;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.listener.OpenLoraServer;
import org.openlora.server.metrics.ServerMetrics;
import org.openlora.server.receipts.Anchoring;
import org.openlora.server.receipts.ChainLink;
import org.openlora.server.receipts.KeptChain;
import org.openlora.server.receipts.LedgerView;
import org.openlora.server.receipts.ReceiptDesk;
import org.openlora.server.receipts.Settler;
import org.openlora.server.serving.ServingStack;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The composition root: a serving stack behind a listener, with a settler behind it, in this process.
record RunningServer(ServingStack stack, OpenLoraServer listener, KeptChain chain, Settler settler)
        implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(RunningServer.class);

    /// Finds the model (pulling it where it is not here), puts everything together and listens.
    ///
    /// @param state whose ledger and keys are used
    /// @param chainFolder state of the local chain
    static RunningServer start(ServerConfig config, Installation state, Path chainFolder) {
        OpenLoraServer.requireFree(config.server());
        ResolvedModel model = Environment.models(ModelCatalog.shipped()).resolve(config.model());
        Map<String, String> environment = Environment.variables();
        ServingStack stack = ServingStack.open(config, state, model, environment);
        try {
            LedgerView ledger = LedgerView.of(stack.meter());
            KeptChain chain = new KeptChain(
                    () -> ChainLink.open(config.chain(), chainFolder, stack.operator(), environment, log::info));
            FlusherMonitor monitor = new FlusherMonitor();
            ServerMetrics metrics = ServerMetrics.of(stack);
            metrics.watchFlusher(monitor);
            OpenLoraServer listener = OpenLoraServer.start(
                    config, stack, stack.desk(), new ReceiptDesk(ledger, stack.operator(), chain), metrics);
            Settler settler = Settler.start(
                    ledger,
                    new AnchoringChain(
                            stack,
                            chain,
                            monitor,
                            Duration.ofSeconds(config.chain().landingLimitSeconds())),
                    Duration.ofSeconds(config.metering().settleIntervalSeconds()));
            return new RunningServer(stack, listener, chain, settler);
        } catch (RuntimeException e) {
            stack.close();
            throw e;
        }
    }

    /// Anchors the stack's batches on the server's chain.
    private record AnchoringChain(ServingStack stack, KeptChain chain, FlusherMonitor monitor, Duration limit)
            implements Settler.Chain {
        @Override
        public boolean anchor(long batchNumber) {
            Optional<Anchoring> anchoring = anchoring();
            anchoring.ifPresent(open -> open.anchor(batchNumber, limit));
            return anchoring.isPresent();
        }

        @Override
        public void look() {
            anchoring().ifPresent(Anchoring::look);
        }

        private Optional<Anchoring> anchoring() {
            return chain.open()
                    .map(link -> new Anchoring(LedgerView.of(stack.meter()), stack.operator(), link, monitor));
        }
    }

    /// In the order in which each still needs the next.
    @Override
    public void close() {
        try (stack;
                chain;
                settler;
                listener) {
            log.debug("ending");
        }
    }
}
