package org.openlora.benchmarks.machine;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openlora.server.problem.Problem;

/// Another process that uses a given share of the machine, until it is closed: a noisy neighbour.
///
/// One thread for each processor burns and sleeps in turn, by its own processor time, so that it gets its share
/// also where the scheduler makes it wait.
public final class Neighbour implements AutoCloseable {
    private static final long NAP_MILLIS = 2;
    private static final int BURN = 20_000;

    private final Process process;

    private Neighbour(Process process) {
        this.process = process;
    }

    /// @param share of the whole machine, above 0 and at most 1
    /// @throws IllegalArgumentException if the share is out of range
    public static Neighbour start(double share) {
        if (!(share > 0 && share <= 1)) {
            throw new IllegalArgumentException(
                    "the neighbour's share is %s; allowed are 0 < share <= 1".formatted(share));
        }
        try {
            return new Neighbour(new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-XX:+UseSerialGC",
                            "-Xmx32m",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Neighbour.class.getName(),
                            Double.toString(share))
                    .redirectOutput(Redirect.DISCARD)
                    .redirectError(Redirect.INHERIT)
                    .start());
        } catch (IOException e) {
            throw new Problem("the noisy neighbour cannot be started: " + Problem.describe(e), "check java.home", e);
        }
    }

    public long pid() {
        return process.pid();
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(5, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /// The neighbour itself. It ends when its standard input does: with the process that started it.
    public static void main(String[] arguments) throws IOException {
        double share = Double.parseDouble(arguments[0]);
        for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
            Thread thread = new Thread(() -> burn(share), "neighbour-" + i);
            thread.setDaemon(true);
            thread.start();
        }
        while (System.in.read() >= 0) {
            // Whatever comes, only the end counts.
        }
    }

    private static void burn(double share) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long startNanos = System.nanoTime();
        double value = 1;
        while (value != 0) {
            if (threads.getCurrentThreadCpuTime() < share * (System.nanoTime() - startNanos)) {
                for (int i = 0; i < BURN; i++) {
                    value = Math.sqrt(value) + 1;
                }
            } else {
                try {
                    Thread.sleep(NAP_MILLIS);
                } catch (InterruptedException e) {
                    return;
                }
            }
        }
    }
}
