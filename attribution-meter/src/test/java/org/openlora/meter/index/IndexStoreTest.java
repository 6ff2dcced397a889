package org.openlora.meter.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.files.Progress;

class IndexStoreTest {
    private static final IndexKey KEY =
            new IndexKey(Fixtures.word("datanet"), Fixtures.word("tokenizer"), Fixtures.word("root"));
    private static final int[] QUERY = {9, 4, 5, 9};
    private static final SuffixIndex.Match MATCH = new SuffixIndex.Match(1, 2);

    @TempDir
    private Path folder;

    /// Rows that count how often they were encoded.
    private static final class CountedRows implements RowTokens {
        private final AtomicInteger encoded = new AtomicInteger();

        @Override
        public int size() {
            return 3;
        }

        @Override
        public int[] tokens(int row) {
            encoded.incrementAndGet();
            return new int[] {row, 4, 5};
        }
    }

    private final CountedRows rows = new CountedRows();

    private IndexStore store() {
        return new IndexStore(folder.resolve("indices"));
    }

    private void assertWorks(SuffixIndex index) {
        assertThat(index.maximalMatches(QUERY, 0, 4)).containsExactly(MATCH);
        assertThat(index.rowsOf(QUERY, MATCH)).containsExactly(0, 1, 2);
    }

    @Test
    void open_again_readsWhatWasBuilt() {
        assertWorks(store().open(KEY, rows, Progress.NONE));
        assertWorks(store().open(KEY, rows, Progress.NONE));
        assertThat(rows.encoded).hasValue(3);
    }

    @Test
    void open_damagedCutOrForeignFile_buildsItAgain() throws IOException {
        assertWorks(store().open(KEY, rows, Progress.NONE));
        Path file = store().file(KEY);
        byte[] whole = Files.readAllBytes(file);
        byte[] damaged = whole.clone();
        damaged[whole.length / 2] ^= 1;
        byte[] cut = java.util.Arrays.copyOf(whole, whole.length - 1);
        int built = 3;
        for (byte[] content :
                List.of(damaged, cut, new byte[0], "not an index".getBytes(java.nio.charset.StandardCharsets.UTF_8))) {
            Files.write(file, content);
            assertWorks(store().open(KEY, rows, Progress.NONE));
            assertThat(rows.encoded).hasValue(built += 3);
            assertThat(Files.readAllBytes(file)).isEqualTo(whole);
        }
    }

    @Test
    void open_failureWhileBuilding_leavesNothingBehind() {
        RowTokens failing = new RowTokens() {
            @Override
            public int size() {
                return 1;
            }

            @Override
            public int[] tokens(int row) {
                return new int[] {-1};
            }
        };
        assertThatThrownBy(() -> store().open(KEY, failing, Progress.NONE))
                .hasMessage("row 0 holds a negative token id: -1");
        assertThat(store().file(KEY)).doesNotExist();
        assertWorks(store().open(KEY, rows, Progress.NONE));
    }

    @Test
    void open_whatAnInterruptedBuildLeft_isCleared() throws IOException {
        Path left = Files.createDirectories(folder.resolve("indices/.staging/1234"));
        Files.writeString(left.resolve("suffix.index"), "half an index");
        assertWorks(store().open(KEY, rows, Progress.NONE));
        assertThat(left).doesNotExist();
    }

    @Test
    void open_byManyThreads_buildsOnce() throws InterruptedException {
        CountDownLatch start = new CountDownLatch(1);
        List<SuffixIndex> opened = java.util.Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
            threads.add(Thread.ofVirtual().start(() -> {
                try {
                    start.await();
                    opened.add(store().open(KEY, rows, Progress.NONE));
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }));
        }
        start.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(opened).hasSize(8).allSatisfy(this::assertWorks);
        assertThat(rows.encoded).hasValue(3);
    }
}
