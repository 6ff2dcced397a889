package org.openlora.benchmarks.report;

import java.util.List;
import org.openlora.benchmarks.anchoring.FaultCampaign;

/// Campaigns of faults against the flusher, as committed.
public record FlusherReport(Provenance provenance, long seed, List<FaultCampaign.Outcome> campaigns) {
    public FlusherReport {
        campaigns = List.copyOf(campaigns);
    }
}
