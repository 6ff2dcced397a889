/// Speed of single kernels, against what the machine can do.
///
/// Starting point: [KernelBenchmark].
@NullMarked
package org.openlora.benchmarks.kernels;

import org.jspecify.annotations.NullMarked;
