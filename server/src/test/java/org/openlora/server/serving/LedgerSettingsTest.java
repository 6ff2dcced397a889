package org.openlora.server.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.database.DatabaseLocation.PostgresServer;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.problem.Problem;

class LedgerSettingsTest {
    private static final String URL = "jdbc:postgresql://localhost:5432/openlora";

    @TempDir
    private Path home;

    private LedgerLocation location(String settings, Map<String, String> environment) throws IOException {
        Installation installation = new Installation(home, home);
        Files.writeString(home.resolve("openlora.yaml"), settings);
        return LedgerSettings.location(installation, ConfigLoader.load(installation, null), environment);
    }

    private static String settings(String more) {
        return "metering:\n  ledger:\n    url: " + URL + "\n" + more;
    }

    @Test
    void location_noUrl_isTheFolder() throws IOException {
        assertThat(location("# nothing\n", Map.of())).isEqualTo(LedgerLocation.of(home.resolve("ledger")));
    }

    @Test
    void location_credentialsOfTheEnvironment_win() throws IOException {
        LedgerLocation location = location(
                settings("    user: settings\n"),
                Map.of(LedgerSettings.USER, "environment", LedgerSettings.PASSWORD, "secret"));
        assertThat(location)
                .isEqualTo(
                        new LedgerLocation(home.resolve("ledger"), new PostgresServer(URL, "environment", "secret")));
        assertThat(location.toString()).doesNotContain("secret");
    }

    @Test
    void location_passwordFile_isReadIfItIsPrivate() throws IOException {
        Path file = Files.writeString(home.resolve("password"), "secret\n");
        String settings = settings("    passwordFile: " + file + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        assertThatThrownBy(() -> location(settings, Map.of()))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("is open to others");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        assertThat(location(settings, Map.of()).database()).isEqualTo(new PostgresServer(URL, "openlora", "secret"));
    }

    @Test
    void location_credentialsInTheUrl_areRefused() {
        assertThatThrownBy(() -> location("metering:\n  ledger:\n    url: " + URL + "?password=hunter2\n", Map.of()))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("must not hold credentials")
                .hasMessageNotContaining("hunter2");
    }
}
