package org.openlora.meter.accounting.export;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;

/// Lines of a table as JSON objects: members in the order of the columns, nulls left out, decimals and times as
/// strings, so that no reader rounds them.
final class JsonLines<L> {
    private static final JsonFactory JSON = new JsonFactory();
    private final List<Column<L>> columns;
    private final ByteArrayOutputStream buffer = new ByteArrayOutputStream();

    JsonLines(List<Column<L>> columns) {
        this.columns = columns;
    }

    /// The line with its line feed, in UTF-8.
    byte[] bytes(L line) throws IOException {
        buffer.reset();
        try (JsonGenerator out = JSON.createGenerator(buffer)) {
            out.writeStartObject();
            for (Column<L> column : columns) {
                write(out, column, line);
            }
            out.writeEndObject();
        }
        buffer.write('\n');
        return buffer.toByteArray();
    }

    private static <L> void write(JsonGenerator out, Column<L> column, L line) throws IOException {
        switch (column) {
            case Column.Text<L> text -> {
                String value = text.value().apply(line);
                if (value != null) {
                    out.writeStringField(text.name(), value);
                }
            }
            case Column.Whole<L> whole -> {
                Long value = whole.value().apply(line);
                if (value != null) {
                    out.writeNumberField(whole.name(), value);
                }
            }
            case Column.Decimal<L> decimal -> {
                BigDecimal value = decimal.value().apply(line);
                if (value != null) {
                    out.writeStringField(decimal.name(), value.toPlainString());
                }
            }
            case Column.Time<L> time -> {
                Instant value = time.value().apply(line);
                if (value != null) {
                    out.writeStringField(time.name(), value.toString());
                }
            }
        }
    }
}
