package org.openlora.benchmarks.attribution;

import java.util.List;
import org.openlora.benchmarks.report.Provenance;

/// What an index costs.
///
/// @param sizes one for each size of corpus
public record IndexReport(Provenance provenance, List<Size> sizes) {
    public IndexReport {
        sizes = List.copyOf(sizes);
    }

    /// One corpus.
    ///
    /// @param buildSeconds from rows of tokens to the published file
    /// @param openSeconds mapping and verifying all of it
    /// @param fileBytes size of the index
    /// @param searchMicrosPerToken CPU time of finding all maximal pieces of a response and the rows of each that
    ///     passes the threshold, per token of the response; the median of the repetitions
    /// @param evidenceMicrosPerToken CPU time of the response's whole evidence, its prompt's echoes included
    /// @param piecesPerResponse maximal pieces that pass the threshold
    /// @param heapMebibytes what is in use once the index is open and everything else collected
    public record Size(
            long tokens,
            int rows,
            double buildSeconds,
            double openSeconds,
            long fileBytes,
            double bytesPerToken,
            double searchMicrosPerToken,
            double evidenceMicrosPerToken,
            double piecesPerResponse,
            long heapMebibytes) {}
}
