package org.openlora.meter.datanet;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.duplicates.NearDuplicates;
import org.openlora.meter.evm.Bytes32;

/// Writes the rows of a datanet, one after the other, as [StoredRows] reads them. What it writes is a function
/// of the rows alone, so two writers of one datanet write the same bytes.
final class RowsWriter implements AutoCloseable {
    private static final byte[] NEW_LINE = {'\n'};

    private final Path table;
    private final OutputStream jsonOut;
    private final OutputStream tableOut;
    private final Sha256 digest = Sha256.domain(Datanet.DIGEST_DOMAIN);
    private final MessageDigest checksum = Sha256.plain();
    private final RowTree tree = new RowTree();
    private final Map<Bytes32, Integer> contributors = new LinkedHashMap<>();
    private final ByteBuffer entry = ByteBuffer.allocate(StoredRows.ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private long offset;
    private int rows;

    /// What was written.
    ///
    /// @param digest the datanet's
    /// @param merkleRoot of [RowTree]
    /// @param jsonBytes size of the rows in canonical JSON
    record Written(Bytes32 digest, Bytes32 merkleRoot, int rows, long jsonBytes) {}

    RowsWriter(Path folder) throws IOException {
        table = folder.resolve(StoredRows.TABLE);
        jsonOut = new BufferedOutputStream(Files.newOutputStream(folder.resolve(StoredRows.JSON)), 1 << 16);
        tableOut = new BufferedOutputStream(Files.newOutputStream(table), 1 << 16);
        tableOut.write(new byte[StoredRows.HEADER_BYTES]); // filled in at the end
    }

    void add(Bytes32 contributor, @Nullable String prompt, String text) throws IOException {
        byte[] json = new RowJson(contributor, prompt, text).bytes();
        jsonOut.write(json);
        jsonOut.write(NEW_LINE);
        digest.raw(json).raw(NEW_LINE);
        tree.add(contributor, json);
        Integer place = contributors.putIfAbsent(contributor, contributors.size());
        entry.clear().putLong(offset).putInt(json.length).putInt(place == null ? contributors.size() - 1 : place);
        for (int key : NearDuplicates.bandsOf(text)) {
            entry.putInt(key);
        }
        append(entry.array());
        offset += json.length + 1;
        rows++;
    }

    private void append(byte[] bytes) throws IOException {
        tableOut.write(bytes);
        checksum.update(bytes);
    }

    /// Finishes both files; they are not on the disk yet.
    Written finish() throws IOException {
        for (Bytes32 contributor : contributors.keySet()) {
            append(contributor.bytes());
        }
        jsonOut.close();
        tableOut.close();
        Bytes32 datanet = digest.digest();
        ByteBuffer header = ByteBuffer.allocate(StoredRows.HEADER_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(StoredRows.MAGIC)
                .putLong(offset)
                .putInt(rows)
                .putInt(contributors.size())
                .putLong(0)
                .put(datanet.bytes())
                .put(checksum.digest())
                .flip();
        try (FileChannel channel = FileChannel.open(table, StandardOpenOption.WRITE)) {
            while (header.hasRemaining()) {
                channel.write(header, header.position());
            }
        }
        return new Written(datanet, tree.build().root(), rows, offset);
    }

    @Override
    public void close() throws IOException {
        jsonOut.close();
        tableOut.close();
    }
}
