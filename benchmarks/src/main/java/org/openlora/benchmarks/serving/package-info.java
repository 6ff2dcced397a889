/// Runs workloads against a server, under disturbances too, and measures the machine before and after.
///
/// Starting points: [Target] is the server, [ServingBenchmark] the measurement, [Soak] the endurance run.
@NullMarked
package org.openlora.benchmarks.serving;

import org.jspecify.annotations.NullMarked;
