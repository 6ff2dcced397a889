package org.openlora.benchmarks.anchoring;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.chain.ChainException;
import org.openlora.meter.chain.JsonRpc;
import org.openlora.server.problem.Problem;

/// An anvil that a campaign may maltreat: it keeps its port through restarts, mines only when it is told, and keeps its
/// state in a file when it is ended, not when it is killed.
final class Anvil implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Path binary;
    private final Path state;
    private final Path log;
    private final int port;
    private final JsonRpc rpc;
    private @Nullable Process process;

    Anvil(Path binary, Path folder) throws IOException {
        this.binary = binary;
        this.state = folder.resolve("anvil-state.json");
        this.log = folder.resolve("anvil.log");
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            this.port = socket.getLocalPort();
        }
        this.rpc = new JsonRpc(endpoint(), PATIENCE);
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + port);
    }

    /// Asks this node itself, past every fault.
    JsonRpc rpc() {
        return rpc;
    }

    void start() throws IOException {
        process = new ProcessBuilder(List.of(
                        binary.toString(),
                        "--host",
                        "127.0.0.1",
                        "--port",
                        Integer.toString(port),
                        "--chain-id",
                        "31337",
                        "--state",
                        state.toString(),
                        "--no-mining",
                        "--slots-in-an-epoch",
                        "2"))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                rpc.call("eth_chainId");
                return;
            } catch (ChainException.Unreachable e) {
                if (System.nanoTime() > deadline) {
                    throw new Problem("anvil did not answer within " + PATIENCE, "see " + log, e);
                }
                sleep(20);
            }
        }
    }

    /// Ends it; its state is in the file.
    void stop() {
        end(false);
    }

    /// Kills it: what happened since it was last ended is lost.
    void kill() {
        end(true);
    }

    private void end(boolean forcibly) {
        Process running = process;
        if (running == null) {
            return;
        }
        if (forcibly) {
            running.destroyForcibly();
        } else {
            running.destroy();
        }
        try {
            if (!running.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                running.destroyForcibly();
            }
        } catch (InterruptedException e) {
            running.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        process = null;
    }

    @Override
    public void close() throws IOException {
        kill();
        Files.deleteIfExists(state);
    }

    static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem("interrupted", "start again", e);
        }
    }
}
