package org.openlora.server.serving;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.openlora.meter.database.DatabaseLocation;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;

/// Where the ledger is: a folder of this installation, or the PostgreSQL database that the settings name. Its
/// credentials come from the environment or a file, and are written nowhere.
public final class LedgerSettings {
    /// Environment variable that wins over the setting `metering.ledger.user`.
    public static final String USER = "OPENLORA_LEDGER_USER";
    /// Environment variable that wins over the file of `metering.ledger.passwordFile`.
    public static final String PASSWORD = "OPENLORA_LEDGER_PASSWORD";

    private static final Set<PosixFilePermission> OWNER = EnumSet.of(
            PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE, PosixFilePermission.OWNER_EXECUTE);

    private LedgerSettings() {}

    /// The ledger of this installation.
    ///
    /// @throws Problem where the settings do not fit together or the password's file cannot be used
    public static LedgerLocation location(
            Installation installation, ServerConfig config, Map<String, String> environment) {
        ServerConfig.LedgerDatabase settings = config.metering().ledger();
        if (settings.url().isEmpty()) {
            return LedgerLocation.of(installation.ledger());
        }
        try {
            return new LedgerLocation(
                    installation.ledger(),
                    new DatabaseLocation.PostgresServer(
                            settings.url(),
                            environment.getOrDefault(USER, settings.user()),
                            password(installation, settings, environment)));
        } catch (IllegalArgumentException e) {
            throw new Problem(Problem.describe(e), "correct metering.ledger, or leave its url empty for SQLite", e);
        }
    }

    /// Refuses to go on where there is no ledger yet.
    ///
    /// @throws Problem where the settings name no database and this installation has no folder
    public static void requireLedger(Installation installation, ServerConfig config) {
        if (config.metering().ledger().url().isEmpty() && !Files.isDirectory(installation.ledger())) {
            throw new Problem(
                    "there is no ledger in %s".formatted(installation.ledger()),
                    "serve a request first, or set OPENLORA_HOME");
        }
    }

    private static String password(
            Installation installation, ServerConfig.LedgerDatabase settings, Map<String, String> environment) {
        String password = environment.get(PASSWORD);
        if (password != null) {
            return password;
        }
        if (settings.passwordFile().isEmpty()) {
            return "";
        }
        Path file = installation.root().resolve(settings.passwordFile());
        try {
            if (!OWNER.containsAll(Files.getPosixFilePermissions(file))) {
                throw new Problem("password file %s is open to others".formatted(file), "run chmod 600 " + file);
            }
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new Problem(
                    "password file %s cannot be read: %s".formatted(file, Problem.describe(e)),
                    "name a readable file in metering.ledger.passwordFile, or set " + PASSWORD,
                    e);
        }
    }
}
