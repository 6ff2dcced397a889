package org.openlora.benchmarks.anchoring;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.chain.ChainException;
import org.openlora.meter.chain.FlusherMonitor;
import org.openlora.meter.keys.OperatorKeys;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.server.problem.Problem;

/// Runs a flusher until its last batch has landed: in this process, or in one that may be killed and is started anew.
interface FlusherHost extends AutoCloseable {
    /// Returns when the flusher has ended by itself.
    ///
    /// @throws ChainException where it halted
    void await();

    /// Kills the flusher, where it can be killed, this long after it began to look at the chain; it is started again.
    void kill(long afterMillis);

    @Override
    void close();

    /// A flusher on a thread of this process.
    final class Threaded implements FlusherHost {
        private final FlusherProcess.Arguments told;
        private final Ledger ledger;
        private final OperatorKey key;
        private final Duration limit;
        private final FlusherMonitor monitor = new FlusherMonitor();
        private final Thread thread;
        private volatile @Nullable RuntimeException failure;

        Threaded(FlusherProcess.Arguments told, Ledger ledger, OperatorKey key, Duration limit) {
            this.told = told;
            this.ledger = ledger;
            this.key = key;
            this.limit = limit;
            this.thread = Thread.ofPlatform().name("campaign-flusher").start(this::run);
        }

        private void run() {
            try {
                FlusherProcess.flusher(ledger, told, key, monitor).flushUntil(told.last(), limit);
            } catch (RuntimeException e) {
                failure = e;
            }
        }

        FlusherMonitor monitor() {
            return monitor;
        }

        @Override
        public void await() {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Problem("interrupted", "start again", e);
            }
            RuntimeException failed = failure;
            if (failed != null) {
                throw failed;
            }
        }

        @Override
        public void kill(long afterMillis) {
            throw new UnsupportedOperationException("a thread cannot be killed");
        }

        @Override
        public void close() {
            thread.interrupt();
        }
    }

    /// A flusher in a process of its own.
    final class Forked implements FlusherHost {
        private final FlusherProcess.Arguments told;
        private final OperatorKey key;
        private final Duration limit;
        private final Path log;
        private Process process;

        Forked(FlusherProcess.Arguments told, OperatorKey key, Duration limit, Path log) {
            this.told = told;
            this.key = key;
            this.limit = limit;
            this.log = log;
            this.process = start();
        }

        /// Returns when the flusher has begun to look at the chain.
        private Process start() {
            List<String> command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "--enable-native-access=ALL-UNNAMED",
                    "-XX:TieredStopAtLevel=1",
                    "-Xshare:auto",
                    "-cp",
                    System.getProperty("java.class.path"),
                    FlusherProcess.class.getName()));
            command.addAll(told.toList());
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.appendTo(new File(log.toString())));
            builder.environment().put(OperatorKeys.ENVIRONMENT, key.wrapped(bytes -> java.util.HexFormat.of()
                    .formatHex(bytes)));
            try {
                Process started = builder.start();
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(started.getInputStream(), StandardCharsets.UTF_8));
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    if (line.equals(FlusherProcess.READY)) {
                        return started;
                    }
                }
                throw new Problem("the flusher's process ended before it began", "see " + log);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public synchronized void kill(long afterMillis) {
            Anvil.sleep(afterMillis);
            process.destroyForcibly();
            awaitEnd(process);
            process = start();
        }

        private void awaitEnd(Process ending) {
            try {
                if (!ending.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                    ending.destroyForcibly();
                    throw new Problem("the flusher did not end within " + limit, "see " + log);
                }
            } catch (InterruptedException e) {
                ending.destroyForcibly();
                Thread.currentThread().interrupt();
                throw new Problem("interrupted", "start again", e);
            }
        }

        @Override
        public void await() {
            awaitEnd(process);
            if (process.exitValue() != 0) {
                throw new Problem("the flusher ended with status " + process.exitValue(), "see " + log);
            }
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }
}
