package org.openlora.meter.index;

import java.util.List;

/// Rows that are at hand.
record ListedRows(List<int[]> rows) implements RowTokens {
    @Override
    public int size() {
        return rows.size();
    }

    @Override
    public int[] tokens(int row) {
        return rows.get(row);
    }
}
