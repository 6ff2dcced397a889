package org.openlora.meter.evidence;

/// A row that text came from.
///
/// @param datanet index of the datanet among the corpora searched
/// @param row index of the row within it
public record Source(int datanet, int row) implements Comparable<Source> {
    @Override
    public int compareTo(Source other) {
        int order = Integer.compare(datanet, other.datanet);
        return order != 0 ? order : Integer.compare(row, other.row);
    }
}
