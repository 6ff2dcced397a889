/// JMH benchmarks of single kernels, each beside the machine's ceilings in the same process.
///
/// Starting points: [KernelState] is what all share, [KernelSuite] runs them.
@NullMarked
package org.openlora.benchmarks.kernels;

import org.jspecify.annotations.NullMarked;
