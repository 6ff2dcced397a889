package org.openlora.meter.accounting.export;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import org.openlora.meter.evm.Bytes32;

/// Writes one table: the file whole or not at all, its sums and its hashes.
final class TableSink<L> implements AutoCloseable {
    private final String name;
    private final Path file;
    private final Path unfinished;
    private final TableWriter<L> writer;
    private final JsonLines<L> json;
    private final MessageDigest content = sha256();
    private long lines;
    private long receipts;
    private BigInteger netPico = BigInteger.ZERO;

    TableSink(String name, Path file, TableFormat format, List<Column<L>> columns) throws IOException {
        this.name = name;
        this.file = file;
        this.unfinished = file.resolveSibling(file.getFileName() + ".unfinished");
        this.json = new JsonLines<>(columns);
        this.writer = format.open(unfinished, name, columns);
    }

    void write(L line, long linePico) throws IOException {
        writer.write(line);
        content.update(json.bytes(line));
        lines++;
        netPico = netPico.add(BigInteger.valueOf(linePico));
    }

    void countReceipt() {
        receipts++;
    }

    /// Puts the file in its place.
    ExportedTable finish() throws IOException {
        writer.close();
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        return new ExportedTable(name, file, lines, receipts, netPico, Bytes32.of(content.digest()), hash(file));
    }

    private static Bytes32 hash(Path file) throws IOException {
        MessageDigest digest = sha256();
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
            in.transferTo(OutputStream.nullOutputStream()); // the stream digests what is read
        }
        return Bytes32.of(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java runtime has no SHA-256", e);
        }
    }

    /// Removes what was not finished.
    @Override
    public void close() throws IOException {
        if (Files.exists(unfinished)) {
            writer.close();
            Files.delete(unfinished);
        }
    }
}
