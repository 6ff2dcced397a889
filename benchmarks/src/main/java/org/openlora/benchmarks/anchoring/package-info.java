/// Receipts on their way to a chain: campaigns of faults against the flusher, and a hundred thousand receipts sealed,
/// anchored and verified.
///
/// Starting points: [FaultCampaign], [AnchorRun].
@NullMarked
package org.openlora.benchmarks.anchoring;

import org.jspecify.annotations.NullMarked;
