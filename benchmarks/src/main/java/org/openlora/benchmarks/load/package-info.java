/// Load on any server with an OpenAI-style `/v1/completions`, and what it does to latency and throughput.
///
/// Starting points: [Workload] says what is sent, [LoadGenerator] sends it, [LoadSummary] says how it went.
@NullMarked
package org.openlora.benchmarks.load;

import org.jspecify.annotations.NullMarked;
