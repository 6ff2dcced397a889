package org.openlora.meter.accounting.export;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// One JSON object per line.
final class JsonTableWriter<L> implements TableWriter<L> {
    private final JsonLines<L> lines;
    private final OutputStream out;

    JsonTableWriter(Path file, List<Column<L>> columns) throws IOException {
        lines = new JsonLines<>(columns);
        out = new BufferedOutputStream(Files.newOutputStream(file));
    }

    @Override
    public void write(L line) throws IOException {
        out.write(lines.bytes(line));
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
