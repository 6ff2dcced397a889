package org.openlora.meter.index;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.files.MappedFile;

/// A suffix index in one file, little-endian, to be mapped: six bytes per token where every id is below 65,535
/// and eight elsewhere, and some per row and distinct token.
///
/// | at | bytes | |
/// |---|---|---|
/// | 0 | 8 | `OLSUFX`, then the version as u16 |
/// | 8 | 4 | bytes of a symbol, 2 or 4 |
/// | 12 | 4 | rows R |
/// | 16 | 4 | symbols N: tokens and one border per row |
/// | 20 | 4 | distinct tokens D |
/// | 24 | 8 | zero |
/// | 32 | 32 | datanet digest |
/// | 64 | 32 | tokenizer digest |
/// | 96 | 32 | SHA-256 of the header up to here and of all that follows |
/// | 128 | | u32 × R row starts, u32 × D ids, u32 × (D + 1) first suffixes, u32 × N suffixes, symbols × N |
final class IndexFile {
    private static final long MAGIC = 0x0001_5846_5553_4c4fL;
    private static final int HEADER_BYTES = 128;
    private static final int CHECKED_HEADER_BYTES = 96;
    /// The greatest symbol of two bytes.
    private static final int MOST_SHORT = 0xffff;

    private static final int PIECE = 1 << 14;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private IndexFile() {}

    /// Why a file is no index that can be used.
    static final class UnusableException extends Exception {
        private static final long serialVersionUID = 1;

        UnusableException(String reason) {
            super(reason);
        }
    }

    /// Writes an index; the file is not on the disk yet.
    static void write(Path file, IndexKey key, IndexArrays arrays) throws IOException {
        int[] ids = arrays.ids();
        int symbolBytes = ids.length == 0 || ids[ids.length - 1] + 1 <= MOST_SHORT ? Short.BYTES : Integer.BYTES;
        byte[] header = ByteBuffer.allocate(CHECKED_HEADER_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(MAGIC)
                .putInt(symbolBytes)
                .putInt(arrays.rowStarts().length)
                .putInt(arrays.reversed().length)
                .putInt(ids.length)
                .putLong(0)
                .put(key.datanet().bytes())
                .put(key.tokenizer().bytes())
                .array();
        MessageDigest checksum = Sha256.plain();
        checksum.update(header);
        body(arrays, symbolBytes, (bytes, length) -> checksum.update(bytes, 0, length));
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16)) {
            out.write(header);
            out.write(checksum.digest());
            body(arrays, symbolBytes, (bytes, length) -> out.write(bytes, 0, length));
        }
    }

    /// Takes the body's bytes in pieces.
    @FunctionalInterface
    private interface PieceConsumer {
        void accept(byte[] bytes, int length) throws IOException;
    }

    private static void body(IndexArrays arrays, int symbolBytes, PieceConsumer out) throws IOException {
        pieces(arrays.rowStarts(), Integer.BYTES, out);
        pieces(arrays.ids(), Integer.BYTES, out);
        pieces(arrays.idStarts(), Integer.BYTES, out);
        pieces(arrays.suffixes(), Integer.BYTES, out);
        pieces(arrays.reversed(), symbolBytes, out);
    }

    private static void pieces(int[] values, int valueBytes, PieceConsumer out) throws IOException {
        byte[] bytes = new byte[PIECE * Integer.BYTES];
        ByteBuffer piece = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int from = 0; from < values.length; from += PIECE) {
            piece.clear();
            for (int i = from; i < Math.min(values.length, from + PIECE); i++) {
                if (valueBytes == Short.BYTES) {
                    piece.putShort((short) values[i]);
                } else {
                    piece.putInt(values[i]);
                }
            }
            out.accept(bytes, piece.position());
        }
    }

    /// Maps an index and verifies all of it.
    ///
    /// @throws IOException where the file is not there or cannot be read
    /// @throws UnusableException where it is damaged, cut off, of another version or of another corpus
    static SuffixIndex open(Path file, IndexKey key) throws IOException, UnusableException {
        MemorySegment whole = MappedFile.map(file);
        if (whole.byteSize() < HEADER_BYTES || whole.get(LONG, 0) != MAGIC) {
            throw new UnusableException("is not an index of this version");
        }
        if (!word(whole, 32).equals(key.datanet()) || !word(whole, 64).equals(key.tokenizer())) {
            throw new UnusableException("is of another datanet or tokenizer");
        }
        int symbolBytes = whole.get(INT, 8);
        long rows = whole.get(INT, 12);
        long symbols = whole.get(INT, 16);
        long distinct = whole.get(INT, 20);
        long expected = HEADER_BYTES + (rows + 2 * distinct + 1 + symbols) * Integer.BYTES + symbols * symbolBytes;
        if (whole.byteSize() != expected) {
            throw new UnusableException("has " + whole.byteSize() + " bytes, not " + expected);
        }
        MessageDigest checksum = Sha256.plain();
        MappedFile.update(checksum, whole.asSlice(0, CHECKED_HEADER_BYTES));
        MappedFile.update(checksum, whole.asSlice(HEADER_BYTES));
        if (!Bytes32.of(checksum.digest()).equals(word(whole, CHECKED_HEADER_BYTES))) {
            throw new UnusableException("fails its checksum");
        }
        Cursor cursor = new Cursor(whole, HEADER_BYTES);
        MemorySegment rowStarts = cursor.next(rows * Integer.BYTES);
        MemorySegment ids = cursor.next(distinct * Integer.BYTES);
        MemorySegment idStarts = cursor.next((distinct + 1) * Integer.BYTES);
        MemorySegment suffixes = cursor.next(symbols * Integer.BYTES);
        MemorySegment reversed = cursor.next(symbols * symbolBytes);
        return new SuffixIndex(new SuffixIndex.Parts(rowStarts, ids, idStarts, reversed, suffixes, symbolBytes));
    }

    private static Bytes32 word(MemorySegment segment, long offset) {
        return Bytes32.of(segment.asSlice(offset, Bytes32.SIZE_BYTES).toArray(ValueLayout.JAVA_BYTE));
    }

    /// Cuts a segment into consecutive parts.
    private static final class Cursor {
        private final MemorySegment whole;
        private long at;

        Cursor(MemorySegment whole, long at) {
            this.whole = whole;
            this.at = at;
        }

        MemorySegment next(long bytes) {
            at += bytes;
            return whole.asSlice(at - bytes, bytes);
        }
    }
}
