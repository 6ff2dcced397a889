package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.usage.UsageRow;

/// What concerns the files of SQLite.
class SqliteMeterTest {
    @TempDir
    private Path folder;

    @Test
    void open_damagedFile_isRefusedInOneLine() throws IOException {
        Files.writeString(
                folder.resolve("ledger.db"), "this is no database, but long enough to look like one ".repeat(40));
        assertThatThrownBy(() -> Meter.open(MeterFixture.options(LedgerLocation.of(folder))))
                .isInstanceOf(LedgerException.class)
                .hasMessageContaining("cannot open the ledger")
                .hasMessageNotContaining("\n");
        Files.delete(folder.resolve("ledger.db"));
        Meter.open(MeterFixture.options(LedgerLocation.of(folder))).close();
    }

    @Test
    void scoring_dropsTheTokenIds() throws IOException {
        UsageRow row;
        try (Meter meter = Meter.open(MeterFixture.options(LedgerLocation.of(folder)))) {
            int[] secret = new int[64];
            Arrays.setAll(secret, i -> 0x5ec2e700 + i);
            row = Fixtures.row("secret", List.of(), secret, new int[] {1}, 0, meter.versionsFor(List.of()));
            meter.commit(row).join();
            meter.drain(MeterFixture.PATIENCE);
        }
        byte[] pattern = Arrays.copyOf(row.prompt().bytes(), 64);
        try (var files = Files.list(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                assertThat(Collections.indexOfSubList(boxed(Files.readAllBytes(file)), boxed(pattern)))
                        .as("token ids in %s", file)
                        .isEqualTo(-1);
            }
        }
    }

    private static List<Byte> boxed(byte[] bytes) {
        List<Byte> list = new ArrayList<>(bytes.length);
        for (byte value : bytes) {
            list.add(value);
        }
        return list;
    }
}
