package org.openlora.meter.accounting.export;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// A file format of exported tables.
public enum TableFormat {
    /// RFC 4180 with a header line.
    CSV("csv"),
    /// Apache Parquet: decimals of 38 digits, timestamps in UTC.
    PARQUET("parquet"),
    /// One JSON object per line; decimals are strings.
    JSONL("jsonl");

    private final String extension;

    TableFormat(String extension) {
        this.extension = extension;
    }

    /// How names of such files end.
    public String extension() {
        return extension;
    }

    <L> TableWriter<L> open(Path file, String table, List<Column<L>> columns) throws IOException {
        return switch (this) {
            case CSV -> new CsvTableWriter<>(file, columns);
            case PARQUET -> new ParquetTableWriter<>(file, table, columns);
            case JSONL -> new JsonTableWriter<>(file, columns);
        };
    }
}
