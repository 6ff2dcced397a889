package org.openlora.server.cli;

import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora serve`.
@Command(name = "serve", description = "Serves a model and its adapters over HTTP and gRPC until it is told to end.")
final class ServeCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private ServerOptions options = new ServerOptions();

    @Option(names = "--port", paramLabel = "N", description = "TCP port; 0 takes a free one.")
    private @Nullable Integer port;

    @Option(
            names = "--served-model-name",
            paramLabel = "NAME",
            description = "What clients call the model; its own name without.")
    private @Nullable String servedModelName;

    @Override
    public Integer call() throws InterruptedException {
        Installation installation = Environment.installation();
        ServerConfig config = options.load(installation);
        if (port != null) {
            config = config.withPort(port);
        }
        if (servedModelName != null) {
            config = config.withServedModelName(servedModelName);
        }
        CountDownLatch ending = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        try (RunningServer server = RunningServer.start(config, installation, installation.chain())) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> end(ending, ended), "openlora-shutdown"));
            announce(server);
            ending.await();
        } finally {
            ended.countDown();
        }
        return ExitStatus.OK;
    }

    /// Holds the JVM until everything is closed.
    private static void end(CountDownLatch ending, CountDownLatch ended) {
        ending.countDown();
        try {
            ended.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void announce(RunningServer server) {
        spec.commandLine()
                .getOut()
                .printf(
                        "serving %s with %d adapters on %s%n",
                        server.stack().model().name(),
                        server.stack().registryStats().ready(),
                        server.listener().address());
    }
}
