package org.openlora.benchmarks.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.benchmarks.report.LedgerReport;

class LedgerBenchmarkTest {
    private static final Path ROOT = Path.of(System.getProperty("openlora.root", ".."));

    @TempDir
    private Path folder;

    @Test
    void sqlite_fewReceipts_reportsAllOfThem() throws Exception {
        LedgerReport.Run run =
                new LedgerBenchmark(ROOT, new LedgerBenchmark.Settings(60, 10, 16, 8, 12)).sqlite(folder);

        assertThat(run.receipts()).isEqualTo(60);
        assertThat(run.database()).isEqualTo("sqlite");
        assertThat(run.commits()).isBetween(1L, 60L);
        assertThat(run.databaseBytes()).isPositive();
        assertThat(run.receiptsPerSecond()).isPositive();
        assertThat(run.ingestSeconds()).isGreaterThanOrEqualTo(run.commitSeconds());
    }

    @Test
    void settings_outOfRange_sayWhatIsAllowed() {
        assertThatThrownBy(() -> new LedgerBenchmark.Settings(0, 0, 1, 8, 8)).hasMessageContaining("1 or more");
        assertThatThrownBy(() -> new LedgerBenchmark.Settings(1, 0, 1, 8, 4096)).hasMessageContaining("2 to 512");
    }
}
