package org.openlora.benchmarks.report;

import java.util.List;
import java.util.SortedMap;

/// What a ledger took in, as committed.
///
/// @param atOnce rows under way at any moment
public record LedgerReport(Provenance provenance, int atOnce, List<Run> runs) {
    public LedgerReport {
        runs = List.copyOf(runs);
    }

    /// One ledger, filled from empty.
    ///
    /// @param database `sqlite` or `postgresql`
    /// @param receipts usage rows that were committed, acknowledged, scored, priced, signed and stored
    /// @param ingestSeconds from the first commit to the last receipt on the disk
    /// @param commitSeconds from the first commit to the last acknowledgement
    /// @param commits group commits of usage rows
    /// @param processorSeconds of the whole process while it took them in
    /// @param threadSeconds processor time by thread, of those that had any
    /// @param sealSeconds of one batch of all of them, file, Merkle tree and record
    /// @param verifySeconds of numbers, links and signatures of all of them
    /// @param databaseBytes on the disk afterwards, log included; 0 where another machine has it
    /// @param othersShare of the machine that other processes used meanwhile, 0 to 1
    public record Run(
            String database,
            int promptTokens,
            int outputTokens,
            long receipts,
            double ingestSeconds,
            double commitSeconds,
            long commits,
            double processorSeconds,
            SortedMap<String, Double> threadSeconds,
            double sealSeconds,
            double verifySeconds,
            long databaseBytes,
            double othersShare) {
        public double receiptsPerSecond() {
            return receipts / ingestSeconds;
        }

        public double commitsPerSecond() {
            return receipts / commitSeconds;
        }
    }
}
