package org.openlora.benchmarks.report;

import org.openlora.benchmarks.anchoring.AnchorRun;

/// Receipts anchored and verified, as committed.
public record AnchorReport(Provenance provenance, AnchorRun.Result result) {}
