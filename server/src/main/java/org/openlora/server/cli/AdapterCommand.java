package org.openlora.server.cli;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import com.google.protobuf.util.Timestamps;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Iterator;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.openlora.api.v1.Adapter;
import org.openlora.api.v1.AdapterEvent;
import org.openlora.api.v1.AdaptersGrpc;
import org.openlora.api.v1.DeleteAdapterRequest;
import org.openlora.api.v1.GetAdapterRequest;
import org.openlora.api.v1.ListAdaptersRequest;
import org.openlora.api.v1.ListAdaptersResponse;
import org.openlora.api.v1.LoadAdapterRequest;
import org.openlora.api.v1.PinAdapterRequest;
import org.openlora.api.v1.RegisterAdapterRequest;
import org.openlora.api.v1.RegisterAdapterResponse;
import org.openlora.api.v1.UnloadAdapterRequest;
import org.openlora.api.v1.UnpinAdapterRequest;
import org.openlora.api.v1.WatchAdaptersRequest;
import org.openlora.server.adapters.AdapterStatus.Tier;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `openlora adapter …`: steers the adapters of a running server. `list` and `show` start one in this process where none
/// is running.
@Command(
        name = "adapter",
        description = "Registers, lists, loads, pins, unloads, deletes and watches adapters.",
        subcommands = {
            AdapterCommand.Register.class,
            AdapterCommand.ListAdapters.class,
            AdapterCommand.Show.class,
            AdapterCommand.Load.class,
            AdapterCommand.Pin.class,
            AdapterCommand.Unpin.class,
            AdapterCommand.Unload.class,
            AdapterCommand.Delete.class,
            AdapterCommand.Watch.class,
        })
final class AdapterCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(
                spec.commandLine(), "say what to do: " + String.join(", ", spec.subcommands().keySet()));
    }

    /// What the commands have in common: a server to ask, and a way to print what it says.
    abstract static class Asking implements Callable<Integer> {
        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Mixin
        private ServerOptions serverOptions = new ServerOptions();

        @Mixin
        private ClientOptions clientOptions = new ClientOptions();

        @Option(names = "--json", description = "Prints JSON, one object a line.")
        private boolean json;

        final PrintWriter out() {
            return spec.commandLine().getOut();
        }

        final boolean json() {
            return json;
        }

        /// Asks a running server.
        ///
        /// @throws Problem where none is running
        final void ask(Consumer<AdaptersGrpc.AdaptersBlockingStub> question) {
            ServerConfig config = serverOptions.load(Environment.installation());
            ClientOptions.Found found = clientOptions
                    .find(config)
                    .orElseThrow(() -> new Problem(
                            "no OpenLoRA server answers at %s:%d"
                                    .formatted(
                                            config.server().host(),
                                            config.server().port()),
                            "start one with openlora serve, or name one with --server"));
            question.accept(clientOptions.adapters(found.address()));
        }

        /// Asks a running server, or one in this process.
        final void askAny(Consumer<AdaptersGrpc.AdaptersBlockingStub> question) {
            Installation installation = Environment.installation();
            ServerConfig config = serverOptions.load(installation);
            Optional<ClientOptions.Found> found = clientOptions.find(config);
            if (found.isPresent()) {
                question.accept(clientOptions.adapters(found.get().address()));
                return;
            }
            try (RunningServer server = RunningServer.start(config.withPort(0), installation, installation.chain())) {
                question.accept(clientOptions.adapters(server.listener().address()));
            }
        }

        final void printJson(MessageOrBuilder message) {
            try {
                out().println(JsonFormat.printer()
                        .includingDefaultValueFields()
                        .omittingInsignificantWhitespace()
                        .print(message));
            } catch (InvalidProtocolBufferException e) {
                throw new IllegalStateException("a message of ours is no JSON", e);
            }
        }

        /// One adapter, in full.
        final void print(Adapter adapter) {
            if (json) {
                printJson(adapter);
                return;
            }
            line("name", adapter.getName());
            line("digest", adapter.hasDigest() ? adapter.getDigest() : "-");
            line("manifest", adapter.hasManifestDigest() ? adapter.getManifestDigest() : "-");
            line("description", adapter.hasDescription() ? adapter.getDescription() : "-");
            line("belongs to", adapter.getShared() ? "everybody" : "this tenant");
            line("version", Long.toString(adapter.getVersion()));
            line("origin", adapter.getOrigin());
            line("rank", adapter.hasRank() ? Integer.toString(adapter.getRank()) : "-");
            line("tier", AdapterTable.tier(adapter));
            line("state", AdapterTable.state(adapter) + (adapter.hasProblem() ? ": " + adapter.getProblem() : ""));
            line("memory", AdapterTable.bytes(adapter));
            line("leases", Integer.toString(adapter.getLeases()));
            line("hits", Long.toString(adapter.getHits()));
            line("pinned", adapter.getPinned() ? "yes" : "no");
            line("last use", adapter.hasLastUse() ? Timestamps.toString(adapter.getLastUse()) : "-");
        }

        private void line(String label, String value) {
            out().printf("%-12s %s%n", label, value);
        }
    }

    /// A command about one adapter of a running server.
    abstract static class Steering extends Asking {
        @Parameters(paramLabel = "NAME", description = "The adapter's name.")
        private String name = "";

        @Option(
                names = "--timeout",
                paramLabel = "SECONDS",
                defaultValue = "600",
                description = "Most seconds to wait for the server.")
        private int timeoutSeconds;

        @Override
        public final Integer call() {
            if (timeoutSeconds < 1) {
                throw new Problem("--timeout is %d".formatted(timeoutSeconds), "allowed is 1 and more");
            }
            ask(adapters -> steer(adapters.withDeadlineAfter(timeoutSeconds, TimeUnit.SECONDS), name));
            return ExitStatus.OK;
        }

        abstract void steer(AdaptersGrpc.AdaptersBlockingStub adapters, String name);
    }

    @Command(name = "register", description = "Gives a name to an adapter, fetching it from where it lies.")
    static final class Register extends Steering {
        @Parameters(
                index = "1",
                paramLabel = "ORIGIN",
                description =
                        "hf://owner/name@revision/subfolder, s3://bucket/prefix, https://host/folder/#file=sha256&…")
        private String origin = "";

        @Option(names = "--digest", paramLabel = "DIGEST", description = "The digest that the adapter must have.")
        private @Nullable String digest;

        @Override
        void steer(AdaptersGrpc.AdaptersBlockingStub adapters, String name) {
            RegisterAdapterRequest.Builder request =
                    RegisterAdapterRequest.newBuilder().setName(name).setOrigin(origin);
            if (digest != null) {
                request.setExpectedDigest(digest);
            }
            print(last(adapters.registerAdapter(request.build()), name));
        }

        private static Adapter last(Iterator<RegisterAdapterResponse> steps, String name) {
            Adapter adapter = Adapter.getDefaultInstance();
            try (FetchedBytes fetched = FetchedBytes.begin(name)) {
                while (steps.hasNext()) {
                    RegisterAdapterResponse step = steps.next();
                    switch (step.getStepCase()) {
                        case PROGRESS -> fetched.at(step.getProgress().getDoneBytes());
                        case ADAPTER -> adapter = step.getAdapter();
                        // Steps of newer servers.
                        case STEP_NOT_SET -> {}
                    }
                }
            }
            return adapter;
        }
    }

    @Command(name = "list", description = "Lists the adapters that can be named, and why others cannot.")
    static final class ListAdapters extends Asking {
        @Option(names = "--prefix", paramLabel = "TEXT", description = "Only names that begin so.")
        private String prefix = "";

        @Option(
                names = "--tier",
                paramLabel = "TIER",
                description = "Only adapters there or nearer to the kernels: registered, disk, host or device.")
        private @Nullable Tier tier;

        @Override
        public Integer call() {
            askAny(this::list);
            return ExitStatus.OK;
        }

        private void list(AdaptersGrpc.AdaptersBlockingStub adapters) {
            ListAdaptersRequest.Builder request =
                    ListAdaptersRequest.newBuilder().setPageSize(1000).setNamePrefix(prefix);
            if (tier != null) {
                request.setNearestFrom(Adapter.Tier.valueOf("TIER_" + tier.name()));
            }
            AdapterTable table = new AdapterTable(out());
            ListAdaptersResponse page;
            do {
                page = adapters.listAdapters(request.build());
                page.getAdaptersList().forEach(json() ? this::printJson : table::add);
                request.setPageToken(page.getNextPageToken());
            } while (!page.getNextPageToken().isEmpty());
            table.print();
        }
    }

    @Command(name = "show", description = "Shows one adapter.")
    static final class Show extends Asking {
        @Parameters(paramLabel = "NAME", description = "The adapter's name.")
        private String name = "";

        @Override
        public Integer call() {
            askAny(adapters -> print(adapters.getAdapter(
                    GetAdapterRequest.newBuilder().setName(name).build())));
            return ExitStatus.OK;
        }
    }

    @Command(name = "load", description = "Brings an adapter into memory before its first request.")
    static final class Load extends Steering {
        @Override
        void steer(AdaptersGrpc.AdaptersBlockingStub adapters, String name) {
            print(adapters.loadAdapter(
                    LoadAdapterRequest.newBuilder().setName(name).build()));
        }
    }

    @Command(name = "pin", description = "Brings an adapter into memory and keeps it there.")
    static final class Pin extends Steering {
        @Option(names = "--device", description = "Keeps it in a slot of the device as well, which nobody else gets.")
        private boolean device;

        @Override
        void steer(AdaptersGrpc.AdaptersBlockingStub adapters, String name) {
            print(adapters.pinAdapter(PinAdapterRequest.newBuilder()
                    .setName(name)
                    .setTier(device ? Adapter.Tier.TIER_DEVICE : Adapter.Tier.TIER_HOST)
                    .build()));
        }
    }

    @Command(name = "unpin", description = "Lets a pinned adapter be evicted again.")
    static final class Unpin extends Steering {
        @Override
        void steer(AdaptersGrpc.AdaptersBlockingStub adapters, String name) {
            print(adapters.unpinAdapter(
                    UnpinAdapterRequest.newBuilder().setName(name).build()));
        }
    }

    @Command(
            name = "unload",
            description = "Takes an adapter out of memory once its requests have finished; its name stays.")
    static final class Unload extends Steering {
        @Option(names = "--wait", description = "Ends only when the memory is free.")
        private boolean wait;

        @Override
        void steer(AdaptersGrpc.AdaptersBlockingStub adapters, String name) {
            print(adapters.unloadAdapter(UnloadAdapterRequest.newBuilder()
                    .setName(name)
                    .setWait(wait)
                    .build()));
        }
    }

    @Command(name = "delete", description = "Takes a registered name away; requests that run finish.")
    static final class Delete extends Steering {
        @Override
        void steer(AdaptersGrpc.AdaptersBlockingStub adapters, String name) {
            var _ = adapters.deleteAdapter(
                    DeleteAdapterRequest.newBuilder().setName(name).build());
            if (!json()) {
                out().printf("%s is deleted%n", name);
            }
        }
    }

    @Command(name = "watch", description = "Tells what happens to the adapters, until it is interrupted.")
    static final class Watch extends Asking {
        @Option(
                names = "--for",
                paramLabel = "SECONDS",
                defaultValue = "0",
                description = "Ends after so many seconds; 0 for never.")
        private int seconds;

        @Override
        public Integer call() {
            ask(adapters -> watch(seconds > 0 ? adapters.withDeadlineAfter(seconds, TimeUnit.SECONDS) : adapters));
            return ExitStatus.OK;
        }

        private void watch(AdaptersGrpc.AdaptersBlockingStub adapters) {
            adapters.watchAdapters(WatchAdaptersRequest.getDefaultInstance()).forEachRemaining(this::print);
        }

        private void print(AdapterEvent event) {
            if (json()) {
                printJson(event);
            } else {
                out().printf(
                                "%s %-10s %s %s%s%n",
                                Timestamps.toString(event.getTime()),
                                event.getKind().name().replace("KIND_", "").toLowerCase(Locale.ROOT),
                                event.getName(),
                                event.getDigest(),
                                event.hasProblem() ? ": " + event.getProblem() : "");
            }
            out().flush();
        }
    }
}
