package org.openlora.meter.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.openlora.meter.database.DatabaseLocation.PostgresServer;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.evidence.Fixtures;

class PostgresDatabaseTest {
    private final PostgresServer location = PostgresServerProcess.shared().freshDatabase();

    private static void createCounter(Database database) {
        database.write(connection -> {
            Database.update(connection, "CREATE TABLE counter (id INTEGER PRIMARY KEY, n BIGINT NOT NULL)");
            return Database.update(connection, "INSERT INTO counter (id, n) VALUES (1, 0)");
        });
    }

    private static long increment(Database database) {
        return database.write(connection -> {
            long n = Database.query(connection, "SELECT n FROM counter WHERE id = 1", row -> row.getLong("n"))
                    .getFirst();
            Database.update(connection, "UPDATE counter SET n = ? WHERE id = 1", n + 1);
            return n + 1;
        });
    }

    @Test
    void write_transactionsThatComeBetween_runAgainUntilTheyAreAsIfAlone() throws Exception {
        int threads = 4;
        int each = 12;
        try (Database first = Database.open(location);
                Database second = Database.open(location);
                ExecutorService executor = Executors.newFixedThreadPool(threads)) {
            createCounter(first);
            Future<?>[] all = new Future<?>[threads];
            for (int i = 0; i < threads; i++) {
                Database mine = i % 2 == 0 ? first : second;
                all[i] = executor.submit(() -> {
                    for (int n = 0; n < each; n++) {
                        increment(mine);
                    }
                });
            }
            for (Future<?> future : all) {
                future.get();
            }
            assertThat(first.query("SELECT n FROM counter", row -> row.getLong("n")))
                    .containsExactly((long) threads * each);
        }
    }

    @Test
    void write_connectionLostAroundTheCommit_isMadeExactlyOnce() throws Exception {
        Matcher address =
                Pattern.compile("jdbc:postgresql://127.0.0.1:(\\d+)/(\\w+)").matcher(location.url());
        assertThat(address.matches()).isTrue();
        try (LossyProxy proxy = new LossyProxy(Integer.parseInt(address.group(1)));
                Database database = Database.open(new PostgresServer(
                        // The proxy knows a commit by its text, so no statement is sent by its number.
                        "jdbc:postgresql://127.0.0.1:" + proxy.port() + "/" + address.group(2) + "?prepareThreshold=0",
                        location.user(),
                        location.password()))) {
            createCounter(database);
            AtomicInteger committed = new AtomicInteger();
            AtomicInteger runs = new AtomicInteger();
            long expected = 0;
            for (LossyProxy.Fault fault : LossyProxy.Fault.values()) {
                for (int i = 0; i < 2; i++) {
                    proxy.fail(fault);
                    expected++;
                    long result = database.write(
                            connection -> {
                                runs.incrementAndGet();
                                Database.update(connection, "UPDATE counter SET n = n + 1 WHERE id = 1");
                                return Database.query(connection, "SELECT n FROM counter", row -> row.getLong("n"))
                                        .getFirst();
                            },
                            committed::incrementAndGet);
                    assertThat(result).as("%s", fault).isEqualTo(expected);
                    assertThat(proxy.isDone()).isTrue();
                }
            }
            assertThat(committed).hasValue(6);
            assertThat(runs).as("those whose commit never arrived ran again").hasValue(8);
        }
    }

    @Test
    void write_backendEndedInTheMiddle_runsAgain() {
        try (Database database = Database.open(location)) {
            createCounter(database);
            AtomicInteger runs = new AtomicInteger();
            database.write(connection -> {
                int changed = Database.update(connection, "UPDATE counter SET n = n + 1 WHERE id = 1");
                if (runs.incrementAndGet() == 1) {
                    Database.query(
                            connection, "SELECT pg_terminate_backend(pg_backend_pid())", row -> row.getBoolean(1));
                }
                return changed;
            });
            assertThat(runs).hasValue(2);
            assertThat(database.query("SELECT n FROM counter", row -> row.getLong("n")))
                    .containsExactly(1L);
        }
    }

    @Test
    void write_databaseThatWouldNotWaitForItsDisk_waitsAllTheSame() {
        String name = location.url().substring(location.url().lastIndexOf('/') + 1);
        PostgresServerProcess.shared().execute("ALTER DATABASE " + name + " SET synchronous_commit = off");
        try (Database database = Database.open(location)) {
            String setting = database.write(
                    connection -> Database.query(connection, "SHOW synchronous_commit", row -> row.getString(1))
                            .getFirst());
            assertThat(setting).isEqualTo("on");
        }
    }

    @Test
    void write_statementThatIsWrong_isNotTriedAgain() {
        try (Database database = Database.open(location)) {
            AtomicInteger runs = new AtomicInteger();
            assertThatThrownBy(() -> database.write(connection -> {
                        runs.incrementAndGet();
                        return Database.update(connection, "UPDATE no_such_table SET n = 1");
                    }))
                    .isInstanceOf(LedgerException.class)
                    .hasMessageContaining("no_such_table")
                    .hasMessageNotContaining("\n");
            assertThat(runs).hasValue(1);
        }
    }

    @Test
    void claim_heldByAnotherOpening_isRefusedUntilItIsGivenBack() {
        try (Database first = Database.open(location);
                Database second = Database.open(location)) {
            Database.Claim claim = first.claim(Fixtures.word("name"), "stream s");
            assertThatThrownBy(() -> second.claim(Fixtures.word("name"), "stream s"))
                    .isInstanceOfSatisfying(
                            LedgerException.class, e -> assertThat(e.reason()).isEqualTo(Reason.IN_USE))
                    .hasMessage("stream s is in use by another process");
            claim.close();
            second.claim(Fixtures.word("name"), "stream s").close();
        }
    }

    @Test
    void open_wrongCredentials_isRefusedInOneLineWithoutThePassword() {
        PostgresServer wrong = new PostgresServer(location.url(), "nobody-known", "hunter2");
        assertThat(wrong.toString()).doesNotContain("hunter2");
        assertThatThrownBy(() -> Database.open(wrong))
                .isInstanceOf(LedgerException.class)
                .hasMessageContaining("nobody-known")
                .hasMessageNotContaining("hunter2")
                .hasMessageNotContaining("\n");
    }

    @Test
    void location_credentialsInTheUrl_areRefusedUnseen() {
        for (String url : new String[] {
            "jdbc:postgresql://h/d?user=a&password=hunter2", "jdbc:postgresql://a:hunter2@h/d", "postgres://hunter2@h/d"
        }) {
            assertThatThrownBy(() -> new PostgresServer(url, "a", ""))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageNotContaining("hunter2");
        }
    }
}
