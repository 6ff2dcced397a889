package org.openlora.meter.accounting.export;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;

/// Apache Parquet through Parquet's own writer, which holds one row group at a time.
final class ParquetTableWriter<L> implements TableWriter<L> {
    private static final long ROW_GROUP_BYTES = 32L << 20;

    private final ParquetWriter<L> out;

    ParquetTableWriter(Path file, String table, List<Column<L>> columns) throws IOException {
        out = new ParquetLines.Builder<>(new LocalOutputFile(file), table, columns)
                .withConf(new PlainParquetConfiguration())
                .withCodecFactory(new GzipCodec())
                .withCompressionCodec(CompressionCodecName.GZIP)
                .withRowGroupSize(ROW_GROUP_BYTES)
                .withWriteMode(ParquetFileWriter.Mode.OVERWRITE)
                .build();
    }

    @Override
    public void write(L line) throws IOException {
        out.write(line);
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
