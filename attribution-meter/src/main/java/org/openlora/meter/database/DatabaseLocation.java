package org.openlora.meter.database;

import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Pattern;

/// Where a ledger's database is.
public sealed interface DatabaseLocation {
    /// A file of SQLite; created where it is not.
    record SqliteFile(Path file) implements DatabaseLocation {
        @Override
        public String toString() {
            return file.toString();
        }
    }

    /// A database of a PostgreSQL server. It must exist; the tables are made.
    ///
    /// @param url `jdbc:postgresql://host:port/database`, with any of the driver's parameters but the credentials
    /// @param password empty where the server asks for none; never shown
    record PostgresServer(String url, String user, String password) implements DatabaseLocation {
        private static final String SCHEME = "jdbc:postgresql:";
        private static final Pattern CREDENTIALS = Pattern.compile("[?&](user|password|sslpassword)=");

        public PostgresServer {
            if (!url.startsWith(SCHEME)) {
                throw new IllegalArgumentException("the ledger's URL must begin with " + SCHEME
                        + " as in jdbc:postgresql://localhost:5432/openlora");
            }
            if (CREDENTIALS.matcher(url.toLowerCase(Locale.ROOT)).find() || url.contains("@")) {
                throw new IllegalArgumentException(
                        "the ledger's URL must not hold credentials: user and password are settings of their own");
            }
            if (user.isBlank()) {
                throw new IllegalArgumentException("the ledger's user must not be blank");
            }
        }

        /// Without the password.
        @Override
        public String toString() {
            return user + " at " + url;
        }
    }
}
