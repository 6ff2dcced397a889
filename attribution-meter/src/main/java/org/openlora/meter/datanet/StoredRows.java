package org.openlora.meter.datanet;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.AbstractList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.RandomAccess;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.document.DocumentException;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.duplicates.BandedRows;
import org.openlora.meter.duplicates.NearDuplicates;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.files.MappedFile;

/// The rows of a datanet in two mapped files, opened and verified when first looked at. `rows.jsonl` is what
/// the datanet's digest is made of. `rows.table` is, little-endian: a header (magic u64, bytes of `rows.jsonl`
/// u64, rows u32, contributors u32, zero u64, datanet digest, SHA-256 of all that follows), an entry for each
/// row (offset u64, length u32, contributor u32, band keys u32 × 32), the contributors' hashes.
final class StoredRows extends AbstractList<DatanetRow> implements RandomAccess, BandedRows {
    static final String JSON = "rows.jsonl";
    static final String TABLE = "rows.table";
    /// "OLROWS" and version 1, as the file's first bytes.
    static final long MAGIC = 0x0001_5357_4f52_4c4fL;

    static final int HEADER_BYTES = 96;
    static final int ENTRY_BYTES = 16 + NearDuplicates.BANDS * Integer.BYTES;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path folder;
    private final Bytes32 datanet;
    private final int size;
    private final List<Contributor> contributors;
    private volatile @Nullable Content content;

    /// @param contributorPlaces for each contributor of the table the index into [Datanet#contributors]
    @SuppressWarnings("ArrayRecordComponent") // private, never compared
    private record Content(MemorySegment json, MemorySegment table, int[] contributorPlaces) {}

    /// @param size how many rows it has, as the registry knows it
    StoredRows(Path folder, Bytes32 datanet, int size, List<Contributor> contributors) {
        this.folder = folder;
        this.datanet = datanet;
        this.size = size;
        this.contributors = contributors;
    }

    /// Whether the contributors are these, in this order, whatever their names and payees.
    boolean isBy(List<Contributor> people) {
        return hashes(contributors).equals(hashes(people));
    }

    private static List<Bytes32> hashes(List<Contributor> people) {
        return people.stream().map(Contributor::hash).toList();
    }

    /// Opens and verifies the files now.
    ///
    /// @throws DocumentException where they are missing or damaged
    void verify() {
        content();
    }

    private Content content() {
        Content known = content;
        if (known == null) {
            synchronized (this) {
                known = content;
                if (known == null) {
                    known = open();
                    content = known;
                }
            }
        }
        return known;
    }

    private Content open() {
        try {
            if (!Files.isRegularFile(folder.resolve(TABLE)) || !Files.isRegularFile(folder.resolve(JSON))) {
                throw damaged("are missing");
            }
            MemorySegment table = MappedFile.map(folder.resolve(TABLE));
            MemorySegment json = MappedFile.map(folder.resolve(JSON));
            verify(table, json);
            return new Content(json, table, places(table));
        } catch (IOException e) {
            throw new DocumentException(
                    "the rows of datanet " + Sha256.text(datanet) + " in " + folder + " cannot be read: "
                            + e.getMessage(),
                    e);
        }
    }

    private void verify(MemorySegment table, MemorySegment json) {
        if (table.byteSize() < HEADER_BYTES || table.get(LONG, 0) != MAGIC) {
            throw damaged("are of another program or version");
        }
        int rows = table.get(INT, 16);
        int people = table.get(INT, 20);
        if (table.get(LONG, 24) != 0
                || rows != size
                || table.get(LONG, 8) != json.byteSize()
                || table.byteSize() != tableBytes(rows, people)
                || !word(table, 32).equals(datanet)) {
            throw damaged("are cut off or another datanet's");
        }
        if (!MappedFile.sha256(table.asSlice(HEADER_BYTES)).equals(word(table, 64))) {
            throw damaged("fail their checksum");
        }
        MessageDigest digest = Datanet.digestOfRows();
        MappedFile.update(digest, json);
        if (!Bytes32.of(digest.digest()).equals(datanet)) {
            throw damaged("do not have the datanet's digest");
        }
    }

    private static long tableBytes(int rows, int contributors) {
        return HEADER_BYTES + (long) rows * ENTRY_BYTES + (long) contributors * Bytes32.SIZE_BYTES;
    }

    private int[] places(MemorySegment table) {
        Map<Bytes32, Integer> indices = new HashMap<>();
        contributors.forEach(contributor -> indices.put(contributor.hash(), indices.size()));
        int[] places = new int[table.get(INT, 20)];
        for (int c = 0; c < places.length; c++) {
            Bytes32 hash = word(table, tableBytes(size, c));
            Integer index = indices.get(hash);
            if (index == null) {
                throw damaged("name a contributor who is not registered: " + hash);
            }
            places[c] = index;
        }
        return places;
    }

    private DocumentException damaged(String what) {
        return new DocumentException("the rows of datanet " + Sha256.text(datanet) + " in " + folder + " " + what
                + ": register the datanet's folder again");
    }

    private static Bytes32 word(MemorySegment table, long offset) {
        return Bytes32.of(table.asSlice(offset, Bytes32.SIZE_BYTES).toArray(ValueLayout.JAVA_BYTE));
    }

    private static long entry(int row) {
        return HEADER_BYTES + (long) row * ENTRY_BYTES;
    }

    @Override
    public Bytes32 datanet() {
        return datanet;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public DatanetRow get(int row) {
        RowJson json = json(row);
        return new DatanetRow(contributor(row), json.prompt(), json.text());
    }

    @Override
    public String text(int row) {
        return json(row).text();
    }

    @Override
    public int band(int row, int band) {
        return content().table().get(INT, entry(row) + 16 + (long) band * Integer.BYTES);
    }

    /// Index of the row's contributor.
    int contributor(int row) {
        Content open = content();
        return open.contributorPlaces()[open.table().get(INT, entry(Objects.checkIndex(row, size)) + 12)];
    }

    private RowJson json(int row) {
        Content open = content();
        long entry = entry(Objects.checkIndex(row, size));
        byte[] bytes = open.json()
                .asSlice(open.table().get(LONG, entry), open.table().get(INT, entry + 8))
                .toArray(ValueLayout.JAVA_BYTE);
        try {
            return RowJson.ofBytes(bytes);
        } catch (IOException e) {
            throw new DocumentException(
                    "row " + row + " of datanet " + Sha256.text(datanet) + " in " + folder + " is no JSON: "
                            + e.getMessage(),
                    e);
        }
    }
}
