package org.openlora.meter.accounting.export;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;
import org.jspecify.annotations.Nullable;

/// Turns lines of a table into Parquet records; every column is optional.
final class ParquetLines<L> extends WriteSupport<L> {
    /// Enough for 38 decimal digits in two's complement.
    private static final int DECIMAL_BYTES = 16;

    private final MessageType schema;
    private final List<Column<L>> columns;
    private @Nullable RecordConsumer out;

    private ParquetLines(String table, List<Column<L>> columns) {
        this.columns = columns;
        this.schema = new MessageType(
                table, columns.stream().map(column -> (Type) type(column)).toList());
    }

    private static PrimitiveType type(Column<?> column) {
        return switch (column) {
            case Column.Text<?> text ->
                Types.optional(PrimitiveTypeName.BINARY)
                        .as(LogicalTypeAnnotation.stringType())
                        .named(text.name());
            case Column.Whole<?> whole ->
                Types.optional(PrimitiveTypeName.INT64).named(whole.name());
            case Column.Decimal<?> decimal ->
                Types.optional(PrimitiveTypeName.FIXED_LEN_BYTE_ARRAY)
                        .length(DECIMAL_BYTES)
                        .as(LogicalTypeAnnotation.decimalType(decimal.scale(), Column.Decimal.PRECISION))
                        .named(decimal.name());
            case Column.Time<?> time ->
                Types.optional(PrimitiveTypeName.INT64)
                        .as(LogicalTypeAnnotation.timestampType(true, LogicalTypeAnnotation.TimeUnit.MILLIS))
                        .named(time.name());
        };
    }

    /// Asked for where a Hadoop configuration is given, which this package never does.
    @Override
    @SuppressWarnings("deprecation") // abstract in Parquet all the same
    public WriteContext init(Configuration configuration) {
        return new WriteContext(schema, Map.of());
    }

    @Override
    public WriteContext init(ParquetConfiguration configuration) {
        return new WriteContext(schema, Map.of());
    }

    @Override
    public void prepareForWrite(RecordConsumer consumer) {
        out = consumer;
    }

    @Override
    public void write(L line) {
        RecordConsumer consumer = out;
        if (consumer == null) {
            throw new IllegalStateException("a line was written before the file was begun");
        }
        consumer.startMessage();
        for (int i = 0; i < columns.size(); i++) {
            write(consumer, i, columns.get(i), line);
        }
        consumer.endMessage();
    }

    private void write(RecordConsumer consumer, int index, Column<L> column, L line) {
        switch (column) {
            case Column.Text<L> text -> {
                String value = text.value().apply(line);
                if (value != null) {
                    field(consumer, index, text.name(), () -> consumer.addBinary(Binary.fromString(value)));
                }
            }
            case Column.Whole<L> whole -> {
                Long value = whole.value().apply(line);
                if (value != null) {
                    field(consumer, index, whole.name(), () -> consumer.addLong(value));
                }
            }
            case Column.Decimal<L> decimal -> {
                BigDecimal value = decimal.value().apply(line);
                if (value != null) {
                    field(consumer, index, decimal.name(), () -> consumer.addBinary(unscaled(value, decimal.scale())));
                }
            }
            case Column.Time<L> time -> {
                Instant value = time.value().apply(line);
                if (value != null) {
                    field(consumer, index, time.name(), () -> consumer.addLong(value.toEpochMilli()));
                }
            }
        }
    }

    private static void field(RecordConsumer consumer, int index, String name, Runnable value) {
        consumer.startField(name, index);
        value.run();
        consumer.endField(name, index);
    }

    /// The unscaled integer, big-endian, sign-extended to 16 bytes.
    private static Binary unscaled(BigDecimal value, int scale) {
        BigInteger unscaled = value.setScale(scale).unscaledValue(); // throws rather than rounds
        byte[] digits = unscaled.toByteArray();
        byte[] bytes = new byte[DECIMAL_BYTES];
        Arrays.fill(bytes, 0, DECIMAL_BYTES - digits.length, (byte) (unscaled.signum() < 0 ? -1 : 0));
        System.arraycopy(digits, 0, bytes, DECIMAL_BYTES - digits.length, digits.length);
        return Binary.fromConstantByteArray(bytes);
    }

    /// Parquet's way of opening a writer.
    static final class Builder<L> extends ParquetWriter.Builder<L, Builder<L>> {
        private final String table;
        private final List<Column<L>> columns;

        Builder(OutputFile file, String table, List<Column<L>> columns) {
            super(file);
            this.table = table;
            this.columns = columns;
        }

        @Override
        protected Builder<L> self() {
            return this;
        }

        @Override
        @SuppressWarnings("deprecation") // abstract in Parquet all the same
        protected WriteSupport<L> getWriteSupport(Configuration configuration) {
            return new ParquetLines<>(table, columns);
        }

        @Override
        protected WriteSupport<L> getWriteSupport(ParquetConfiguration configuration) {
            return new ParquetLines<>(table, columns);
        }
    }
}
