package org.openlora.meter.database;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.openlora.meter.ledger.LedgerLocation;

/// The databases that a ledger can be kept in, for tests that hold on both:
///
/// ```java
/// @ParameterizedClass
/// @EnumSource(TestDatabase.class)
/// class SomethingTest {
///     SomethingTest(TestDatabase database) {
/// ```
public enum TestDatabase {
    SQLITE {
        @Override
        public LedgerLocation ledger(Path folder) {
            return LedgerLocation.of(folder);
        }
    },
    POSTGRES {
        @Override
        public LedgerLocation ledger(Path folder) {
            return new LedgerLocation(folder, databases.computeIfAbsent(folder, _ -> PostgresServerProcess.shared()
                    .freshDatabase()));
        }
    };

    private static final Map<Path, DatabaseLocation.PostgresServer> databases = new ConcurrentHashMap<>();

    /// A ledger in this folder: the same one whenever the folder is the same, an empty one for a new folder.
    public abstract LedgerLocation ledger(Path folder);

    /// The database alone.
    public DatabaseLocation location(Path folder) {
        return ledger(folder).database();
    }
}
