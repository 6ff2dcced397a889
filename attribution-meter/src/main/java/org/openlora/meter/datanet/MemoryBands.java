package org.openlora.meter.datanet;

import java.util.List;
import org.openlora.meter.duplicates.BandedRows;
import org.openlora.meter.duplicates.NearDuplicates;
import org.openlora.meter.evm.Bytes32;

/// The band keys of rows that are in memory.
final class MemoryBands implements BandedRows {
    private final Bytes32 datanet;
    private final List<DatanetRow> rows;
    private final int[][] keys; // [rows][bands]

    MemoryBands(Bytes32 datanet, List<DatanetRow> rows) {
        this.datanet = datanet;
        this.rows = rows;
        this.keys = rows.stream().map(row -> NearDuplicates.bandsOf(row.text())).toArray(int[][]::new);
    }

    @Override
    public Bytes32 datanet() {
        return datanet;
    }

    @Override
    public int size() {
        return rows.size();
    }

    @Override
    public String text(int row) {
        return rows.get(row).text();
    }

    @Override
    public int band(int row, int band) {
        return keys[row][band];
    }
}
