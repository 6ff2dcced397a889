package org.openlora.benchmarks.attribution;

import java.util.List;
import org.openlora.benchmarks.report.Provenance;

/// What was measured.
///
/// @param model that was served
/// @param streams answers that grow at once
/// @param corpusTokens of all datanets together
/// @param provisional whether growing answers were attributed too
/// @param evidenceShare of the generated tokens, those that a span owns in the receipts
/// @param halves in the order in which they ran
/// @param loss of throughput, by pairs
/// @param cpuShare attribution's processor time over serving's, of all halves with scoring on together
/// @param scoringMicrosPerToken processor time of scoring and pricing for each generated token
public record AttributionReport(
        Provenance provenance,
        String model,
        int streams,
        int adapters,
        int requests,
        int maxTokens,
        long corpusTokens,
        boolean provisional,
        double evidenceShare,
        List<Half> halves,
        PairedLoss loss,
        double cpuShare,
        double scoringMicrosPerToken) {
    /// One run of the requests.
    ///
    /// @param on whether scoring went on
    /// @param othersShare of the whole machine that other processes used
    public record Half(
            int pair,
            boolean on,
            double tokensPerSecond,
            double attributionCpuSeconds,
            double servingCpuSeconds,
            double othersShare) {}
}
