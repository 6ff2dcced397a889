package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.ledger.LedgerStep;

/// What a power cut may leave of SQLite's write-ahead log: everything up to the last sync that was waited for, and of
/// what was written after it any prefix, with any sector missing or wrong. Whatever is left, a request is in the ledger
/// once its acknowledgement was given.
///
/// Cuts at every 997th byte and around every frame by default; `-Dopenlora.ledger.cutStride=1` cuts at every byte.
class LedgerLogCutTest {
    private static final int STRIDE = Integer.getInteger("openlora.ledger.cutStride", 997);
    private static final int DAMAGES = STRIDE == 1 ? 20_000 : 100;
    private static final int BEFORE_RESTART = 12;
    private static final int AFTER_RESTART = STRIDE == 1 ? 2 : 4;
    /// Where syncing costs nothing: thousands of ledgers are opened and closed.
    private static final Path MEMORY = Path.of("/dev/shm");
    private static final int SECTOR_BYTES = 512;
    // The log's format: https://www.sqlite.org/walformat.html
    private static final int HEADER_BYTES = 32;
    private static final int FRAME_HEADER_BYTES = 24;
    private static final int PAGE_SIZE_AT = 8;
    private static final int INDEX_LAST_FRAME_AT = 16;

    @TempDir
    private Path folder;

    private Path live = Path.of("");
    private Path cut = Path.of("");
    private volatile long syncedBytes;
    private volatile boolean restarted;
    private int requests;
    /// Length of the log, synced, when a request was acknowledged; 0 where the database file has it.
    private final Map<Integer, Long> acknowledgedAt = new TreeMap<>();
    private byte[] log = new byte[0];
    private int frameBytes;
    private final Map<Bytes32, Integer> numbers = new TreeMap<>();
    private final Set<String> checkedStates = new HashSet<>();

    /// Works, with a log that was begun again in between, as it is in a server that runs on; keeps database and log as
    /// they are then.
    @BeforeEach
    void work() throws IOException, SQLException {
        live = folder.resolve("live");
        Path kept = Files.createDirectory(folder.resolve("kept"));
        try (Meter meter = Meter.open(MeterFixture.options(LedgerLocation.of(live), this::watch))) {
            requests = BEFORE_RESTART + AFTER_RESTART;
            for (int request = 0; request < requests; request++) {
                if (request == BEFORE_RESTART) {
                    foldLogIntoDatabase();
                }
                meter.commit(MeterFixture.row(meter, request)).join();
                acknowledgedAt.put(request, syncedBytes);
                meter.drain(MeterFixture.PATIENCE);
                if (request % 3 == 2) {
                    meter.seal();
                }
            }
            assertThat(restarted)
                    .as("the log was written from its beginning again")
                    .isTrue();
            copyTree(live, kept);
            log = Files.readAllBytes(kept.resolve("ledger.db-wal"));
        }
        live = kept;
        cut = Files.createTempDirectory(Files.isWritable(MEMORY) ? MEMORY : folder, "ledger-cut-");
        copyTree(live, cut);
        for (int i = 0; i < requests; i++) {
            numbers.put(Fixtures.word("request " + i), i);
        }
        frameBytes = FRAME_HEADER_BYTES
                + ByteBuffer.wrap(log).order(ByteOrder.BIG_ENDIAN).getInt(PAGE_SIZE_AT);
    }

    @AfterEach
    void clear() throws IOException {
        try (Stream<Path> files = Files.walk(cut)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /// As SQLite does by itself every few thousand pages: the next commit begins the log again, and what it had stands
    /// behind until it is written over.
    private void foldLogIntoDatabase() throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + live.resolve("ledger.db"));
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery("PRAGMA wal_checkpoint(RESTART)")) {
            assertThat(result.next()).isTrue();
            assertThat(result.getInt("busy")).isZero();
        }
        acknowledgedAt.replaceAll((_, _) -> 0L);
    }

    /// Notes how long the log is at each commit that returned. The index, which is shared memory of SQLite's
    /// connections, knows its last frame; behind it stands what an earlier round of the log left.
    private void watch(LedgerStep step) {
        switch (step) {
            case USAGE_COMMITTED, RECEIPTS_COMMITTED, BATCH_COMMITTED -> {
                long length = logBytes();
                if (length < syncedBytes) {
                    restarted = true;
                }
                syncedBytes = length;
            }
            case USAGE_BEFORE_COMMIT,
                    RECEIPTS_BEFORE_COMMIT,
                    BATCH_FILE_BEFORE_RENAME,
                    BATCH_FILE_WRITTEN,
                    BATCH_BEFORE_COMMIT -> {}
        }
    }

    private long logBytes() {
        try (FileChannel index = FileChannel.open(live.resolve("ledger.db-shm"));
                FileChannel wal = FileChannel.open(live.resolve("ledger.db-wal"))) {
            ByteBuffer lastFrame = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder());
            ByteBuffer pageSize = ByteBuffer.allocate(4).order(ByteOrder.BIG_ENDIAN);
            index.read(lastFrame, INDEX_LAST_FRAME_AT);
            wal.read(pageSize, PAGE_SIZE_AT);
            return HEADER_BYTES + lastFrame.getInt(0) * (FRAME_HEADER_BYTES + (long) pageSize.getInt(0));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void open_logCutAnywhere_hasEverythingThatWasAcknowledged(TestReporter reporter) throws Exception {
        long first = firstSync();
        Set<Long> cuts = new TreeSet<>();
        for (long at = first; at <= syncedBytes; at += STRIDE) {
            cuts.add(at);
        }
        for (long frame = HEADER_BYTES; frame <= syncedBytes; frame += frameBytes) {
            Stream.of(frame - 1, frame, frame + 1).filter(at -> at >= first).forEach(cuts::add);
        }
        for (long at : cuts) {
            check(Arrays.copyOf(log, (int) at), at);
        }
        reporter.publishEntry("%d cuts of a log of %d frames, %d different ledgers"
                .formatted(cuts.size(), (syncedBytes - HEADER_BYTES) / frameBytes, checkedStates.size()));
    }

    @Test
    void open_tailWithWrongBitsAndMissingSectors_hasEverythingThatWasAcknowledged() throws Exception {
        Random random = new Random(11);
        for (int i = 0; i < DAMAGES; i++) {
            // Power goes somewhere between two syncs: what was synced is whole, what came after may be anything.
            long synced = firstSync() + random.nextInt((int) (syncedBytes - firstSync()));
            byte[] left = log.clone();
            if (i % 2 == 0) {
                int at = (int) synced + random.nextInt(left.length - (int) synced);
                left[at] ^= (byte) (1 << random.nextInt(8));
            } else {
                for (int at = (int) synced; at < left.length; ) {
                    int sectorEnd = Math.min(left.length, (at / SECTOR_BYTES + 1) * SECTOR_BYTES);
                    if (random.nextInt(3) == 0) {
                        Arrays.fill(left, at, sectorEnd, (byte) 0);
                    }
                    at = sectorEnd;
                }
            }
            check(left, synced);
        }
    }

    /// The check can fail: a byte less than what was synced, and an acknowledged request is gone.
    @Test
    void open_logCutBeforeASync_lacksThatRequest() throws Exception {
        long sync = Objects.requireNonNull(acknowledgedAt.get(requests - 1));
        State state = open(Arrays.copyOf(log, (int) sync - 1));
        assertThat(state.requests()).contains(requests - 2).doesNotContain(requests - 1);
    }

    /// The shortest log that an acknowledgement was given for since it was begun again.
    private long firstSync() {
        return acknowledgedAt.values().stream()
                .mapToLong(Long::longValue)
                .filter(at -> at > 0)
                .min()
                .orElseThrow();
    }

    /// @param synced of the log, so many bytes were synced
    private void check(byte[] left, long synced) throws Exception {
        Set<Integer> acknowledged = new TreeSet<>();
        acknowledgedAt.forEach((request, at) -> {
            if (at <= synced) {
                acknowledged.add(request);
            }
        });
        State state = open(left);
        assertThat(state.integrity()).isEqualTo("ok");
        assertThat(state.requests())
                .as("acknowledged, of which %d bytes were synced", synced)
                .containsAll(acknowledged);
        if (checkedStates.add(state.summary())) {
            lay(left);
            try (Meter meter = Meter.open(MeterFixture.options(LedgerLocation.of(cut)))) {
                meter.drain(MeterFixture.PATIENCE);
                new LedgerInvariants(requests).check(meter, acknowledged, Set.of());
            }
        }
    }

    /// What SQLite makes of a log.
    ///
    /// @param summary tells two ledgers apart
    private record State(String integrity, Set<Integer> requests, String summary) {}

    private State open(byte[] left) throws IOException, SQLException {
        lay(left);
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + cut.resolve("ledger.db"));
                Statement statement = connection.createStatement()) {
            Set<Integer> there = new HashSet<>();
            try (ResultSet rows = statement.executeQuery("SELECT request_id FROM usage")) {
                while (rows.next()) {
                    there.add(Objects.requireNonNull(numbers.get(Bytes32.of(rows.getBytes(1)))));
                }
            }
            return new State(
                    text(statement, "PRAGMA integrity_check"),
                    there,
                    text(
                            statement,
                            "SELECT (SELECT count(*) FROM usage) || '/' || (SELECT count(*) FROM receipt) || '/'"
                                    + " || (SELECT sum(amount) FROM payment) || '/' || (SELECT count(*) FROM batch)"));
        }
    }

    private static String text(Statement statement, String sql) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    /// A folder with the database, a log, and the batch files, which are synced before they are recorded.
    private void lay(byte[] left) throws IOException {
        Files.deleteIfExists(cut.resolve("ledger.db-shm"));
        Files.copy(live.resolve("ledger.db"), cut.resolve("ledger.db"), StandardCopyOption.REPLACE_EXISTING);
        Files.write(
                cut.resolve("ledger.db-wal"),
                left,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE);
    }

    private static void copyTree(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                // The shared-memory index goes with its process; the rest is what the disk holds.
                if (!file.toString().endsWith("-shm")) {
                    Files.copy(file, to.resolve(from.relativize(file).toString()), StandardCopyOption.REPLACE_EXISTING);
                }
            }
        }
    }
}
