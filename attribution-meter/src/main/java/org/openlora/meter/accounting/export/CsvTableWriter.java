package org.openlora.meter.accounting.export;

import com.fasterxml.jackson.databind.SequenceWriter;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// RFC 4180: a header line, an empty field for null.
final class CsvTableWriter<L> implements TableWriter<L> {
    private final List<Column<L>> columns;
    private final SequenceWriter out;

    CsvTableWriter(Path file, List<Column<L>> columns) throws IOException {
        this.columns = columns;
        CsvSchema.Builder schema = CsvSchema.builder();
        columns.forEach(column -> schema.addColumn(column.name()));
        out = new CsvMapper()
                .writer(schema.build().withHeader().withLineSeparator("\r\n"))
                .writeValues(Files.newBufferedWriter(file));
        if (columns.isEmpty()) {
            throw new IllegalArgumentException("a table needs a column");
        }
    }

    @Override
    public void write(L line) throws IOException {
        @Nullable String[] fields = new String[columns.size()];
        for (int i = 0; i < fields.length; i++) {
            fields[i] = text(columns.get(i), line);
        }
        out.write(fields);
    }

    private static <L> @Nullable String text(Column<L> column, L line) {
        Object value =
                switch (column) {
                    case Column.Text<L> text -> text.value().apply(line);
                    case Column.Whole<L> whole -> whole.value().apply(line);
                    case Column.Decimal<L> decimal -> plain(decimal.value().apply(line));
                    case Column.Time<L> time -> time.value().apply(line);
                };
        return value == null ? null : value.toString();
    }

    private static @Nullable String plain(@Nullable BigDecimal value) {
        return value == null ? null : value.toPlainString();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
