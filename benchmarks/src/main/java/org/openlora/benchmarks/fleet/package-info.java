/// Thousands of adapters on one server: whether every answer is the right one, and what hot-swapping costs.
///
/// Starting points: [FleetBenchmark] runs everything, [Fleet] is the adapters, [FleetWriter] makes them.
@NullMarked
package org.openlora.benchmarks.fleet;

import org.jspecify.annotations.NullMarked;
