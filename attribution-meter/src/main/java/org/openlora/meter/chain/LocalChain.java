package org.openlora.meter.chain;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Address;

/// A development chain of our own: anvil, started on a free port of the loopback interface and stopped with us.
/// Its state is kept in a file, so receipts anchored yesterday verify today. A second process finds the chain
/// that the first one runs and uses it too.
public final class LocalChain implements AutoCloseable {
    /// anvil's usual development chain id.
    public static final long CHAIN_ID = 31337;

    private static final Duration READINESS_LIMIT = Duration.ofSeconds(20);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(10);
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);

    private final JsonRpc rpc;
    private final URI endpoint;
    private final @Nullable Owned owned;

    /// The process, where it is ours: whoever holds the lock stops it.
    private record Owned(Process process, FileChannel lockFile, Thread shutdownHook) {}

    /// What other processes need to know of the running chain: one line, `<pid> <port>`.
    private record Run(long pid, int port) {
        static Run read(Path file) throws IOException {
            String line = Files.readString(file).strip();
            int space = line.indexOf(' ');
            try {
                return new Run(
                        Long.parseLong(line.substring(0, Math.max(0, space))),
                        Integer.parseInt(line.substring(space + 1)));
            } catch (NumberFormatException e) {
                throw new IOException(file + " should hold a process id and a port, not: " + line, e);
            }
        }

        void write(Path file) throws IOException {
            Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
            Files.writeString(temporary, pid + " " + port + "\n");
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private static URI loopback(int port) {
        return URI.create("http://127.0.0.1:" + port);
    }

    private LocalChain(URI endpoint, @Nullable Owned owned) {
        this.endpoint = endpoint;
        this.rpc = new JsonRpc(endpoint, CALL_TIMEOUT);
        this.owned = owned;
    }

    /// Starts the chain, or joins the one that another process keeps in this folder.
    ///
    /// @param folder `chain` under OPENLORA_HOME: state, lock, log, and anvil where npm brings it
    /// @param report told, in one sentence each, what takes long and why there is no chain
    /// @return empty where anvil can neither be found nor installed, with the reason reported
    public static Optional<LocalChain> start(Path folder, Map<String, String> environment, Consumer<String> report) {
        try {
            Files.createDirectories(folder);
            FileChannel lockFile =
                    FileChannel.open(folder.resolve("anvil.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (!locked(lockFile)) {
                lockFile.close();
                return Optional.of(join(folder));
            }
            return own(folder, environment, report, lockFile);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start the local chain in " + folder + ": " + e.getMessage(), e);
        }
    }

    private static Optional<LocalChain> own(
            Path folder, Map<String, String> environment, Consumer<String> report, FileChannel lockFile)
            throws IOException {
        try {
            Optional<Path> anvil = AnvilBinary.find(folder, environment, report);
            if (anvil.isPresent()) {
                return Optional.of(launch(anvil.get(), folder, lockFile));
            }
            lockFile.close();
            return Optional.empty();
        } catch (IOException | RuntimeException e) {
            lockFile.close();
            throw e;
        }
    }

    private static boolean locked(FileChannel channel) throws IOException {
        try {
            FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false; // held within this very process
        }
    }

    private static LocalChain launch(Path anvil, Path folder, FileChannel lockFile) throws IOException {
        Path runFile = folder.resolve("anvil.run");
        stopOrphan(runFile);
        int port = freePort();
        Path log = folder.resolve("anvil.log");
        Process process = new ProcessBuilder(List.of(
                        anvil.toString(),
                        "--host",
                        "127.0.0.1",
                        "--port",
                        Integer.toString(port),
                        "--chain-id",
                        Long.toString(CHAIN_ID),
                        "--state",
                        folder.resolve("anvil-state.json").toString(),
                        "--slots-in-an-epoch",
                        "2"))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        Thread hook = new Thread(() -> stop(process), "stop-anvil");
        Runtime.getRuntime().addShutdownHook(hook);
        LocalChain chain = new LocalChain(loopback(port), new Owned(process, lockFile, hook));
        try {
            awaitReady(chain, process, log);
            new Run(process.pid(), port).write(runFile);
            return chain;
        } catch (IOException | RuntimeException e) {
            chain.close();
            throw e;
        }
    }

    private static void awaitReady(LocalChain chain, Process process, Path log) throws IOException {
        long deadline = System.nanoTime() + READINESS_LIMIT.toNanos();
        while (System.nanoTime() < deadline) {
            if (!process.isAlive()) {
                List<String> lines = Files.readAllLines(log);
                throw new IOException("anvil ended with status " + process.exitValue() + ": "
                        + (lines.isEmpty() ? "no output" : lines.getLast()));
            }
            try {
                if (chain.rpc.longInteger(chain.rpc.call("eth_chainId")) == CHAIN_ID) {
                    return;
                }
            } catch (ChainException.Unreachable e) {
                Pause.of(Duration.ofMillis(20)); // not listening yet
            }
        }
        throw new IOException("anvil did not answer within " + READINESS_LIMIT.toSeconds() + " s; see " + log);
    }

    /// The process that holds the lock writes its run file once its chain answers.
    private static LocalChain join(Path folder) throws IOException {
        Path runFile = folder.resolve("anvil.run");
        long deadline = System.nanoTime() + READINESS_LIMIT.toNanos();
        while (System.nanoTime() < deadline) {
            if (Files.exists(runFile)) {
                LocalChain chain = new LocalChain(loopback(Run.read(runFile).port()), null);
                try {
                    chain.rpc.call("eth_chainId");
                    return chain;
                } catch (ChainException.Unreachable e) {
                    Pause.of(Duration.ofMillis(50)); // the file is an older run's
                }
            } else {
                Pause.of(Duration.ofMillis(50));
            }
        }
        throw new IOException(
                "another process holds " + folder.resolve("anvil.lock") + " but its chain does not answer");
    }

    /// A process that was killed leaves its anvil behind: stopped here, so that its state reaches the file.
    private static void stopOrphan(Path runFile) throws IOException {
        if (Files.notExists(runFile)) {
            return;
        }
        Optional<ProcessHandle> orphan = ProcessHandle.of(Run.read(runFile).pid())
                .filter(handle -> handle.info().command().orElse("").endsWith("anvil"));
        if (orphan.isPresent() && orphan.get().destroy()) {
            orphan.get()
                    .onExit()
                    .orTimeout(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)
                    .join();
        }
        Files.delete(runFile);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    public URI endpoint() {
        return endpoint;
    }

    public JsonRpc rpc() {
        return rpc;
    }

    /// Gives an account a hundred ether of this chain, which are worth nothing, to pay gas with.
    public void fund(Address account) {
        rpc.call("anvil_setBalance", account.toString(), "0x56bc75e2d63100000");
    }

    /// Stops the chain where this process started it; its state is in the file when this returns.
    @Override
    public void close() {
        if (owned == null) {
            return;
        }
        stop(owned.process());
        try {
            Runtime.getRuntime().removeShutdownHook(owned.shutdownHook());
        } catch (IllegalStateException e) {
            return; // the process is ending and its hook does the same as this method
        }
        try {
            owned.lockFile().close();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot release the local chain's lock", e);
        }
    }

    /// anvil writes its state when it is asked to end.
    private static void stop(Process process) {
        process.destroy();
        try {
            if (!process.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
