package org.openlora.meter.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.files.Progress;
import org.openlora.meter.index.IndexFile.UnusableException;

class IndexFileTest {
    private static final IndexKey KEY =
            new IndexKey(Fixtures.word("datanet"), Fixtures.word("tokenizer"), Fixtures.word("root"));
    private static final List<int[]> ROWS = List.of(new int[] {1, 2, 3, 1}, new int[] {}, new int[] {2, 3, 4});

    @TempDir
    private Path folder;

    @Test
    void open_everyByteChanged_isRefused() throws IOException {
        Path file = write("index", ROWS);
        byte[] whole = Files.readAllBytes(file);
        Path damaged = folder.resolve("damaged");
        for (int at = 0; at < whole.length; at++) {
            byte[] bytes = whole.clone();
            bytes[at] ^= 0x10;
            Files.write(damaged, bytes);
            assertThatThrownBy(() -> IndexFile.open(damaged, KEY))
                    .as("byte %d", at)
                    .isInstanceOf(UnusableException.class);
        }
    }

    @Test
    void open_cutAtEveryByte_isRefused() throws IOException {
        byte[] whole = Files.readAllBytes(write("index", ROWS));
        Path cut = folder.resolve("cut");
        for (int length = 0; length < whole.length; length++) {
            Files.write(cut, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> IndexFile.open(cut, KEY))
                    .as("%d bytes", length)
                    .isInstanceOf(UnusableException.class);
        }
        Files.write(cut, Arrays.copyOf(whole, whole.length + 1));
        assertThatThrownBy(() -> IndexFile.open(cut, KEY)).hasMessageContaining("bytes, not " + whole.length);
    }

    @Test
    void open_anotherCorpus_isRefused() throws IOException {
        Path file = write("index", ROWS);
        IndexKey other = new IndexKey(KEY.datanet(), Fixtures.word("another tokenizer"), KEY.root());
        assertThatThrownBy(() -> IndexFile.open(file, other)).hasMessage("is of another datanet or tokenizer");
    }

    @Test
    void open_anyRows_answersAsTheIndexOnTheHeap() throws IOException, UnusableException {
        Random random = new Random(6);
        for (int round = 0; round < 200; round++) {
            // Every other round has ids that need four bytes.
            int offset = round % 2 == 0 ? 0 : 65_530;
            int alphabet = 2 + random.nextInt(12);
            List<int[]> rows = shifted(Fixtures.randomRows(random, 1 + random.nextInt(8), alphabet), offset);
            SuffixIndex heap = SuffixIndex.of(rows);
            SuffixIndex mapped = IndexFile.open(write("index-" + round, rows), KEY);
            int[] query = shifted(List.of(Fixtures.random(random, 40, alphabet + 1)), offset)
                    .getFirst();
            List<SuffixIndex.Match> matches = heap.maximalMatches(query, 0, query.length);
            assertThat(mapped.maximalMatches(query, 0, query.length)).isEqualTo(matches);
            for (SuffixIndex.Match match : matches) {
                assertThat(mapped.rowsOf(query, match)).isEqualTo(heap.rowsOf(query, match));
            }
            assertThat(mapped.tokenCount())
                    .isEqualTo(rows.stream().mapToInt(row -> row.length).sum());
            mapped.forEachCount((token, count) -> assertThat(
                            rows.stream().flatMapToInt(Arrays::stream).filter(id -> id == token))
                    .hasSize(count));
        }
    }

    @Test
    void write_idsBelow65535_takesTwoBytesForASymbol() throws IOException {
        long small = Files.size(write("small", List.of(new int[1_000], new int[] {65_534})));
        long large = Files.size(write("large", List.of(new int[1_000], new int[] {65_535})));
        assertThat(large - small).isEqualTo(2L * 1_003);
    }

    private static List<int[]> shifted(List<int[]> rows, int offset) {
        return rows.stream()
                .map(row -> Arrays.stream(row).map(id -> id + offset).toArray())
                .toList();
    }

    private Path write(String name, List<int[]> rows) throws IOException {
        Path file = folder.resolve(name);
        IndexFile.write(file, KEY, IndexArrays.build(new ListedRows(rows), Progress.NONE));
        return file;
    }
}
