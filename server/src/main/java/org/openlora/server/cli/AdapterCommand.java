package org.openlora.server.cli;

import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.openlora.api.v1.Adapter;
import org.openlora.api.v1.ListAdaptersRequest;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `openlora adapter …`.
@Command(name = "adapter", description = "Lists adapters.", subcommands = AdapterCommand.ListAdapters.class)
final class AdapterCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "say what to do: list");
    }

    @Command(name = "list", description = "Lists the adapters that can be named, and why others cannot.")
    static final class ListAdapters implements Callable<Integer> {
        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Mixin
        private ServerOptions serverOptions = new ServerOptions();

        @Mixin
        private ClientOptions clientOptions = new ClientOptions();

        @Override
        public Integer call() {
            Installation installation = Environment.installation();
            ServerConfig config = serverOptions.load(installation);
            Optional<ClientOptions.Found> found = clientOptions.find(config);
            if (found.isPresent()) {
                print(found.get().address());
                return ExitStatus.OK;
            }
            try (RunningServer server =
                    RunningServer.start(config.withPort(0), installation, installation.chain())) {
                print(server.listener().address());
            }
            return ExitStatus.OK;
        }

        private void print(String address) {
            PrintWriter out = spec.commandLine().getOut();
            for (Adapter adapter : clientOptions
                    .inference(address)
                    .listAdapters(ListAdaptersRequest.getDefaultInstance())
                    .getAdaptersList()) {
                if (adapter.hasProblem()) {
                    out.printf("%-24s cannot be served: %s%n", adapter.getName(), adapter.getProblem());
                } else {
                    out.printf(
                            "%-24s rank %-4d %s %s%n",
                            adapter.getName(), adapter.getRank(), adapter.getDigest(), adapter.getDescription());
                }
            }
        }
    }
}
