package org.openlora.benchmarks.attribution;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.listener.OpenLoraServer;
import org.openlora.server.metrics.ServerMetrics;
import org.openlora.server.problem.Problem;
import org.openlora.server.receipts.LedgerView;
import org.openlora.server.receipts.ReceiptDesk;
import org.openlora.server.serving.ServingStack;

/// A server in this process, so that its threads' clocks can be read and scoring can be held; without a chain.
record MeasuredServer(ServingStack stack, OpenLoraServer listener) implements AutoCloseable {
    /// @param home state of its own
    /// @param datanets null for none
    static MeasuredServer start(
            Path root, Path home, Path model, Path adapters, @Nullable Path datanets, int sequences) {
        Installation installation = new Installation(root, home);
        ResolvedModel resolved = new ResolvedModel("base", model, adapters, datanets, "");
        ServerConfig config = ConfigLoader.load(installation, settings(home, sequences));
        ServingStack stack = ServingStack.open(config, installation, resolved, Map.of());
        try {
            ReceiptDesk receipts = new ReceiptDesk(LedgerView.of(stack.meter()), stack.operator(), Optional::empty);
            return new MeasuredServer(
                    stack, OpenLoraServer.start(config, stack, stack.desk(), receipts, ServerMetrics.of(stack)));
        } catch (RuntimeException e) {
            stack.close();
            throw e;
        }
    }

    /// Both sides send the same prompts, so none may find them computed.
    private static Path settings(Path home, int sequences) {
        Path file = home.resolve("measured.yaml");
        try {
            Files.createDirectories(home);
            return Files.writeString(file, """
                    server: {port: 0}
                    engine: {prefixCache: false, maxNumSeqs: %d}
                    adapters: {scrubBytesPerSecond: 0}
                    """.formatted(Math.max(sequences, 1)));
        } catch (IOException e) {
            throw new Problem("%s cannot be written: %s".formatted(file, Problem.describe(e)), "check the folder", e);
        }
    }

    URI address() {
        return URI.create("http://" + listener.address());
    }

    @Override
    public void close() {
        try (stack) {
            listener.close();
        }
    }
}
