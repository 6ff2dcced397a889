package org.openlora.benchmarks.serving;

import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openlora.benchmarks.load.CompletionsClient;
import org.openlora.server.problem.Problem;

/// `./openlora serve` as a process of its own, ready to answer.
public final class ServerProcess implements AutoCloseable {
    private static final long READY_SECONDS = 300;
    private static final long STOP_SECONDS = 30;
    private static final long POLL_MILLIS = 200;

    private final Process process;
    private final URI address;
    private final List<String> command;

    private ServerProcess(Process process, URI address, List<String> command) {
        this.process = process;
        this.address = address;
        this.command = command;
    }

    /// Starts a server on a free port with its output in `log`; what it serves stands in `arguments`.
    ///
    /// @throws Problem if it does not become ready
    public static ServerProcess start(Path root, List<String> arguments, Path log) {
        return start(root, arguments, Map.of(), log);
    }

    /// The same with variables of its environment, such as an `OPENLORA_HOME` of its own.
    public static ServerProcess start(Path root, List<String> arguments, Map<String, String> environment, Path log) {
        int port = freePort();
        List<String> command = new ArrayList<>(
                List.of(root.resolve("openlora").toString(), "serve", "--port", Integer.toString(port)));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(Redirect.appendTo(log.toFile()))
                .redirectInput(Redirect.from(new File("/dev/null")));
        // The launcher has built everything for this command already.
        builder.environment().put("OPENLORA_NO_BUILD", "1");
        builder.environment().remove("OPENLORA_STDERR_TERMINAL");
        builder.environment().putAll(environment);
        try {
            Process process = builder.start();
            // Results name the launcher as a reader would call it, not where it lay.
            List<String> shown = new ArrayList<>(command);
            shown.set(0, "./openlora");
            return new ServerProcess(process, URI.create("http://127.0.0.1:" + port), shown);
        } catch (IOException e) {
            throw new Problem("the server cannot be started: " + Problem.describe(e), "try ./openlora serve", e);
        }
    }

    /// Waits until the server says that it is healthy.
    public void awaitReady(CompletionsClient client, Path log) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(READY_SECONDS);
        while (!client.isHealthy()) {
            if (!process.isAlive()) {
                throw new Problem(
                        "the server ended with status %d: %s".formatted(process.exitValue(), lastLine(log)),
                        "read " + log);
            }
            if (System.nanoTime() > end) {
                throw new Problem("the server was not ready after %d s".formatted(READY_SECONDS), "read " + log);
            }
            Thread.sleep(POLL_MILLIS);
        }
    }

    public URI address() {
        return address;
    }

    /// The server's own process: the launcher becomes the JVM.
    public long pid() {
        return process.pid();
    }

    public String describe() {
        return String.join(" ", command);
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new Problem("there is no free port: " + Problem.describe(e), "end other servers", e);
        }
    }

    private static String lastLine(Path log) {
        try {
            return Files.readAllLines(log).reversed().stream()
                    .filter(line -> !line.isBlank())
                    .findFirst()
                    .orElse("it said nothing");
        } catch (IOException e) {
            return "its log cannot be read";
        }
    }
}
