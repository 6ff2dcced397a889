/// What a running server counts, as Prometheus text under the names that gateways and dashboards of vLLM read.
///
/// Starting points: [org.openlora.server.metrics.ServerMetrics], `docs/metrics.md`.
@NullMarked
package org.openlora.server.metrics;

import org.jspecify.annotations.NullMarked;
