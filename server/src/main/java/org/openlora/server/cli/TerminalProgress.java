package org.openlora.server.cli;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.openlora.adapters.transfer.TransferProgress;

/// Shows transfers on standard error: a bar on a terminal, a line every tenth elsewhere.
final class TerminalProgress implements TransferProgress {
    private static final long MEBIBYTE = 1L << 20;
    private static final int COLUMNS = 100;

    @Override
    public Transfer begin(String file, long doneBytes, long totalBytes) {
        return Environment.errorIsTerminal() && totalBytes > MEBIBYTE
                ? new Bar(file, doneBytes, totalBytes)
                : new Lines(file, doneBytes, totalBytes);
    }

    private static final class Bar implements Transfer {
        private final ProgressBar bar;

        Bar(String file, long doneBytes, long totalBytes) {
            bar = new ProgressBarBuilder()
                    .setTaskName(file.substring(file.lastIndexOf('/') + 1))
                    .setUnit(" MiB", MEBIBYTE)
                    .setStyle(ProgressBarStyle.ASCII)
                    .setInitialMax(totalBytes)
                    .startsFrom(doneBytes, java.time.Duration.ZERO)
                    .setConsumer(new ConsoleProgressBarConsumer(System.err, COLUMNS))
                    .build();
        }

        @Override
        public void at(long doneBytes) {
            bar.stepTo(doneBytes);
        }

        @Override
        public void close() {
            bar.close();
        }
    }

    private static final class Lines implements Transfer {
        private final String file;
        private final long totalBytes;
        private long tenth;

        Lines(String file, long doneBytes, long totalBytes) {
            this.file = file;
            this.totalBytes = totalBytes;
            this.tenth = totalBytes > 0 ? doneBytes * 10 / totalBytes : 0;
            System.err.printf(
                    "%s: %s%s%n",
                    file,
                    totalBytes < 0 ? "size unknown" : totalBytes + " bytes",
                    doneBytes > 0 ? ", going on at " + doneBytes : "");
        }

        @Override
        public void at(long doneBytes) {
            if (totalBytes > MEBIBYTE && doneBytes * 10 / totalBytes > tenth) {
                tenth = doneBytes * 10 / totalBytes;
                System.err.printf("%s: %d %%%n", file, tenth * 10);
            }
        }

        @Override
        public void close() {}
    }
}
