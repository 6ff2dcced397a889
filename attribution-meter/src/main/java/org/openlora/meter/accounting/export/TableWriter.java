package org.openlora.meter.accounting.export;

import java.io.Closeable;
import java.io.IOException;

/// Writes the lines of one table to one file, without holding them.
interface TableWriter<L> extends Closeable {
    void write(L line) throws IOException;
}
