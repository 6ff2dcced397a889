package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.database.DatabaseLocation.PostgresServer;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.PostgresServerProcess;
import org.openlora.meter.ledger.LedgerLocation;

/// Disks that are full or read-only, as the operating system and the database server really report them, under a
/// process that works on the ledger: it says so, refuses what it cannot write, goes on by itself when it can, and what
/// it acknowledged is there.
class LedgerDiskTest {
    private static final int REQUESTS = 200;
    private static final int AT_ONCE = 16;
    private static final int ROOM_LEFT_BYTES = 64 << 10;
    private static final Duration PATIENCE = Duration.ofMillis(300);
    private static final int REFUSED_BEFORE_MENDING = 5;

    @TempDir
    private Path folder;

    private Path mounted = Path.of("");

    /// What a running process suffers.
    private interface Change {
        void change(Process process) throws IOException;
    }

    @AfterEach
    void unmount() throws IOException {
        if (!mounted.toString().isEmpty()) {
            run("umount", "-l", mounted.toString());
        }
    }

    @Test
    void fileSizeLimit_reachedAndLifted_losesNothingAcknowledged() throws Exception {
        assumeTrue(succeeds("prlimit", "--version"), "there is no prlimit to limit a process's files with");
        Path ledger = folder.resolve("ledger");
        check(
                LedgerLocation.of(ledger),
                process -> limit(process, Files.size(ledger.resolve("ledger.db-wal")) + ROOM_LEFT_BYTES),
                process -> run("prlimit", "--pid=" + process.pid(), "--fsize=unlimited:unlimited"));
    }

    private static void limit(Process process, long bytes) throws IOException {
        run("prlimit", "--pid=" + process.pid(), "--fsize=" + bytes + ":unlimited");
    }

    @Test
    void disk_fullAndMadeLarger_losesNothingAcknowledged() throws Exception {
        Path disk = mount("size=1m");
        check(
                LedgerLocation.of(disk.resolve("ledger")),
                _ -> {},
                process -> run("mount", "-o", "remount,size=64m", disk.toString()));
    }

    @Test
    void files_readOnlyForAWhile_losesNothingAcknowledged() throws Exception {
        Path ledger = Files.createDirectory(folder.resolve("ledger"));
        Path probe = Files.createFile(folder.resolve("probe"));
        assumeTrue(
                succeeds("chattr", "+i", probe.toString()),
                "this file system or user cannot make files immutable, which is how an open file becomes read-only");
        run("chattr", "-i", probe.toString());
        List<String> files = List.of(
                ledger.resolve("ledger.db").toString(),
                ledger.resolve("ledger.db-wal").toString());
        check(
                LedgerLocation.of(ledger),
                _ -> run("chattr", "+i", files.get(0), files.get(1)),
                process -> run("chattr", "-i", files.get(0), files.get(1)));
    }

    @Test
    void postgres_readOnlyForAWhile_losesNothingAcknowledged() throws Exception {
        PostgresServerProcess server = PostgresServerProcess.shared();
        PostgresServer database = server.freshDatabase();
        String name = database.url().substring(database.url().lastIndexOf('/') + 1);
        String others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'";
        check(
                new LedgerLocation(folder, database),
                _ -> {
                    server.execute("ALTER DATABASE " + name + " SET default_transaction_read_only = on");
                    server.execute(others);
                },
                _ -> {
                    server.execute("ALTER DATABASE " + name + " SET default_transaction_read_only = off");
                    server.execute(others);
                });
    }

    @Test
    void open_onAReadOnlyDisk_isRefusedInOneLine() throws Exception {
        Path disk = mount("ro");
        assertThatThrownBy(() -> Meter.open(MeterFixture.options(LedgerLocation.of(disk.resolve("ledger")))))
                .isInstanceOf(LedgerException.class)
                .message()
                .contains(disk.toString())
                .doesNotContain("\n");
    }

    /// @param harm done once the process works
    /// @param mend done once some of its commits were refused
    private static void check(LedgerLocation ledger, Change harm, Change mend) throws Exception {
        boolean[] harmed = {false};
        boolean[] mended = {false};
        int[] refused = {0};
        LedgerLife life = LedgerLife.live(
                new LedgerChild.Work(ledger, 5, REQUESTS, 6 * REQUESTS, AT_ONCE, PATIENCE), (line, process, kill) -> {
                    if (!harmed[0] && line.startsWith("acknowledged")) {
                        harmed[0] = true;
                        harm.change(process);
                    }
                    if (line.startsWith("refused") && ++refused[0] == REFUSED_BEFORE_MENDING) {
                        mended[0] = true;
                        mend.change(process);
                    }
                });
        assertThat(mended[0]).as("the fault showed").isTrue();
        assertThat(life.done).as("it went on by itself").isTrue();
        assertThat(life.health).startsWith("Writable", "Unwritable").endsWith("Writable");
        assertThat(life.acknowledged).isNotEmpty();
        try (Meter meter = Meter.open(MeterFixture.options(ledger))) {
            meter.drain(MeterFixture.PATIENCE);
            Set<Integer> onlyRefused = new java.util.TreeSet<>(life.refused);
            onlyRefused.removeAll(life.acknowledged); // drawn more than once
            new LedgerInvariants(REQUESTS).check(meter, life.acknowledged, onlyRefused);
        }
    }

    /// A disk in memory.
    private Path mount(String options) throws IOException {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        assumeTrue(
                succeeds("mount", "-t", "tmpfs", "-o", options, "tmpfs", disk.toString()),
                "this user may not mount a small disk; the file size limit stands in for a full one");
        mounted = disk;
        return disk;
    }

    private static boolean succeeds(String... command) throws IOException {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            var _ = process.getInputStream().readAllBytes();
            return process.waitFor(30, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
    }

    private static void run(String... command) throws IOException {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(30, TimeUnit.SECONDS) || process.exitValue() != 0) {
                throw new IOException(List.of(command) + " failed: " + output);
            }
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
    }
}
