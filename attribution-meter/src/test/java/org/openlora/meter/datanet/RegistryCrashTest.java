package org.openlora.meter.datanet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.DatabaseLocation;
import org.openlora.meter.evidence.Fixtures;

/// The machine stops at each step of a registration: the files as they are at that moment are a registry that
/// knows the datanet whole or not at all, and registering it again always succeeds, with the same outcome.
class RegistryCrashTest {
    @TempDir
    private Path folder;

    @Test
    void register_stoppedAtAnyStep_isDoneOrNotBegun() {
        Datanet first = Fixtures.datanet("first", 2, Fixtures.randomRows(new java.util.Random(1), 20, 1_000));
        Datanet second = Fixtures.datanet("second", 2, Fixtures.randomRows(new java.util.Random(2), 20, 1_000));
        Map<RegistrationStep, Path> moments = new EnumMap<>(RegistrationStep.class);
        Path home = folder.resolve("home");
        RegisteredDatanet done;
        try (Database database = database(home)) {
            DatanetRegistry.open(database, home.resolve("datanets"), InstantSource.system())
                    .register(first);
            done = DatanetRegistry.open(database, home.resolve("datanets"), InstantSource.system(), step -> {
                        Path moment = folder.resolve(step.name());
                        moments.put(step, moment);
                        copy(home, moment);
                    })
                    .register(second);
        }
        assertThat(moments).containsOnlyKeys(RegistrationStep.values());
        moments.forEach((step, moment) -> {
            try (Database database = database(moment)) {
                DatanetRegistry registry =
                        DatanetRegistry.open(database, moment.resolve("datanets"), InstantSource.system());
                assertThat(registry.find(first.digest())).as("%s", step).isPresent();
                assertThat(registry.find(second.digest()).isPresent())
                        .as("%s", step)
                        .isEqualTo(step == RegistrationStep.COMMITTED);
                RegisteredDatanet again = registry.register(second);
                assertThat(again.ordinal()).isEqualTo(done.ordinal());
                assertThat(again.merkleRoot()).isEqualTo(done.merkleRoot());
                assertThat(again.copiesDigest()).isEqualTo(done.copiesDigest());
                assertThat(again.datanet().rows()).isEqualTo(second.rows());
                registry.entries().forEach(registry::verify);
                assertThat(moment.resolve("datanets/.staging"))
                        .satisfiesAnyOf(
                                staging -> assertThat(staging).doesNotExist(),
                                staging -> assertThat(staging).isEmptyDirectory(),
                                staging -> assertThat(step).isEqualTo(RegistrationStep.COMMITTED));
            }
        });
    }

    private static Database database(Path home) {
        try {
            Files.createDirectories(home);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Database.open(new DatabaseLocation.SqliteFile(home.resolve("ledger.db")));
    }

    private static void copy(Path from, Path to) {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Path target = to.resolve(from.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(file, target);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
