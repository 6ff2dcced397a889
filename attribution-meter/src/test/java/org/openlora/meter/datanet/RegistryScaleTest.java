package org.openlora.meter.datanet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.DatabaseLocation;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.files.Progress;

/// A datanet of as many rows as the property `openlora.datanet.rows` says, one in ten of them a near-duplicate:
///
/// `mvn test -pl attribution-meter -am -Dtest=RegistryScaleTest -Dopenlora.datanet.rows=1000000
/// -Dsurefire.failIfNoSpecifiedTests=false`
class RegistryScaleTest {
    @TempDir
    private Path folder;

    @Test
    void register_manyRows_findsTheirNearDuplicates() throws IOException {
        int rows = Integer.getInteger("openlora.datanet.rows", 0);
        if (rows == 0) {
            System.out.println("skipped: name a number of rows by -Dopenlora.datanet.rows");
        }
        assumeTrue(rows > 0, "name a number of rows by -Dopenlora.datanet.rows");
        Path source = write(rows);
        try (Database database = Database.open(new DatabaseLocation.SqliteFile(folder.resolve("ledger.db")))) {
            DatanetRegistry registry =
                    DatanetRegistry.open(database, folder.resolve("datanets"), InstantSource.system());
            long start = System.nanoTime();
            RegisteredDatanet entry = registry.register(source, Progress.NONE);
            System.out.printf(
                    "%,d rows, %,d bytes registered in %.1f s, %,d copies; heap in use %d MiB of %d%n",
                    rows,
                    entry.rowBytes(),
                    (System.nanoTime() - start) / 1e9,
                    entry.copyCount(),
                    (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) >> 20,
                    Runtime.getRuntime().maxMemory() >> 20);
            assertThat(entry.datanet().rows()).hasSize(rows);
            // Every tenth row but the first repeats an earlier one with a word changed.
            assertThat(entry.copyCount()).isBetween((rows - 1) / 10 * 99 / 100, (rows - 1) / 10);
        }
    }

    private Path write(int rows) throws IOException {
        Path source = Files.createDirectories(folder.resolve("source"));
        Files.writeString(source.resolve("datanet.yaml"), """
                id: large
                version: 1
                title: Many rows
                licence: CC0-1.0
                salt: "%s"
                rows: rows.jsonl
                contributors:
                  - {id: ada, name: Ada, payee: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"}
                """.formatted(Fixtures.word("large").toString().substring(2)));
        try (BufferedWriter out = Files.newBufferedWriter(source.resolve("rows.jsonl"))) {
            for (int row = 0; row < rows; row++) {
                boolean copy = row > 0 && row % 10 == 0;
                String text = words(copy ? row - 1 : row);
                out.write("{\"contributor\":\"ada\",\"text\":\"" + (copy ? text.replaceFirst(" \\w+", " other") : text)
                        + "\"}\n");
            }
        }
        return source;
    }

    /// Thirty words, as common as words of a language are.
    private static String words(int row) {
        SplittableRandom random = new SplittableRandom(row);
        StringBuilder text = new StringBuilder();
        for (int word = 0; word < 30; word++) {
            int rank = (int) Math.exp(random.nextDouble() * Math.log(200_000));
            text.append(word == 0 ? "" : " ").append(Integer.toString(rank * 7_919, 36));
        }
        return text.toString();
    }
}
