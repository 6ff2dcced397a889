package org.openlora.server.cli;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/// Shows on a terminal's standard error how many bytes of an adapter a server has fetched; elsewhere nothing.
interface FetchedBytes extends AutoCloseable {
    void at(long bytes);

    @Override
    void close();

    static FetchedBytes begin(String adapter) {
        return Environment.errorIsTerminal() ? new Bar(adapter) : new Silence();
    }

    /// A bar without an end: an origin does not say before how much it holds.
    final class Bar implements FetchedBytes {
        private static final int COLUMNS = 100;

        private final ProgressBar bar;

        Bar(String adapter) {
            bar = new ProgressBarBuilder()
                    .setTaskName(adapter)
                    .setUnit(" KiB", 1024)
                    .setStyle(ProgressBarStyle.ASCII)
                    .setInitialMax(-1)
                    .setConsumer(new ConsoleProgressBarConsumer(System.err, COLUMNS))
                    .build();
        }

        @Override
        public void at(long bytes) {
            bar.stepTo(bytes);
        }

        @Override
        public void close() {
            bar.close();
        }
    }

    /// Shows nothing.
    final class Silence implements FetchedBytes {
        @Override
        public void at(long bytes) {}

        @Override
        public void close() {}
    }
}
