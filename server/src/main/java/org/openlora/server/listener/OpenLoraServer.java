package org.openlora.server.listener;

import com.linecorp.armeria.common.util.EventLoopGroups;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.openlora.server.adapters.AdapterDesk;
import org.openlora.server.config.ProgramVersion;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.grpc.GrpcSurface;
import org.openlora.server.http.HttpSurface;
import org.openlora.server.metrics.ServerMetrics;
import org.openlora.server.problem.Problem;
import org.openlora.server.receipts.ReceiptDesk;
import org.openlora.server.serving.Serving;

/// The listener: gRPC and HTTP on one port, with every request counted on its way.
public final class OpenLoraServer implements AutoCloseable {
    /// One event loop keeps up with some ten thousand tokens a second, and every other thread is one the kernels lose.
    private static final int PROCESSORS_PER_EVENT_LOOP = 8;
    /// Of all listeners of the process; daemons, so that nobody has to end them.
    private static final EventLoopGroup EVENT_LOOPS = EventLoopGroups.newEventLoopGroup(
            Math.max(1, Runtime.getRuntime().availableProcessors() / PROCESSORS_PER_EVENT_LOOP),
            "openlora-network",
            true);

    private final ServerConfig config;
    private final Server server;
    private final GrpcSurface grpc;
    private final HttpSurface http;
    private final AtomicBoolean ready;

    private OpenLoraServer(
            ServerConfig config, Server server, GrpcSurface grpc, HttpSurface http, AtomicBoolean ready) {
        this.config = config;
        this.server = server;
        this.grpc = grpc;
        this.http = http;
        this.ready = ready;
    }

    /// Finds out before anything slow is done whether the port can be had.
    ///
    /// @throws Problem as [#start] would
    public static void requireFree(ServerConfig.Listener listener) {
        try (ServerSocket probe = new ServerSocket()) {
            probe.bind(new InetSocketAddress(listener.host(), listener.port()));
        } catch (IOException e) {
            throw notListening(listener, e);
        }
    }

    /// Starts to listen.
    ///
    /// @throws Problem if the port is taken or the address not this machine's
    public static OpenLoraServer start(
            ServerConfig config, Serving serving, AdapterDesk adapters, ReceiptDesk receipts, ServerMetrics metrics) {
        AtomicBoolean ready = new AtomicBoolean();
        Serving metered = metrics.metered(serving);
        GrpcSurface grpc = new GrpcSurface(config, metered, adapters, receipts);
        ServerBuilder builder = Server.builder()
                .http(new InetSocketAddress(
                        config.server().host(), config.server().port()))
                .workerGroup(EVENT_LOOPS, false)
                // A token is a small packet that somebody waits for.
                .childChannelOption(ChannelOption.TCP_NODELAY, true)
                // An answer takes as long as it takes; calls bring deadlines of their own.
                .requestTimeout(Duration.ZERO)
                .maxRequestLength(config.server().maxRequestBytes() + 1024L)
                .gracefulShutdownTimeout(
                        Duration.ZERO, Duration.ofSeconds(config.server().shutdownGraceSeconds()))
                .service(grpc.service());
        HttpSurface http = new HttpSurface(config, metered, adapters, metrics, ProgramVersion.get(), ready::get);
        http.addTo(builder);
        Server server = builder.build();
        try {
            server.start().join();
        } catch (CompletionException e) {
            http.close();
            grpc.close();
            throw notListening(config.server(), e.getCause() == null ? e : e.getCause());
        }
        ready.set(true);
        return new OpenLoraServer(config, server, grpc, http, ready);
    }

    private static Problem notListening(ServerConfig.Listener listener, Throwable cause) {
        String address = "%s:%d".formatted(listener.host(), listener.port());
        boolean taken = cause instanceof BindException
                || String.valueOf(cause.getMessage()).contains("in use");
        return new Problem(
                taken
                        ? "%s is already in use".formatted(address)
                        : "cannot listen on %s: %s".formatted(address, Problem.describe(cause)),
                "choose another port with --port, or end what listens there",
                cause);
    }

    /// The port it listens on.
    public int port() {
        return server.activeLocalPort();
    }

    /// `host:port`.
    public String address() {
        return "%s:%d".formatted(config.server().host(), port());
    }

    /// Takes no more requests, lets those that run end within the grace period, then stops.
    @Override
    public void close() {
        ready.set(false);
        grpc.drain();
        server.stop().join();
        http.close();
        grpc.close();
    }
}
