/// What attribution costs: one server, the same requests with scoring on and off in turn, and the processor time of its
/// threads.
///
/// Starting point: [AttributionBenchmark].
@NullMarked
package org.openlora.benchmarks.attribution;

import org.jspecify.annotations.NullMarked;
