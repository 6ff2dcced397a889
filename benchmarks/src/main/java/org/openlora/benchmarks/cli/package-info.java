/// The command line of `openlora bench`.
///
/// Starting point: [Bench].
@NullMarked
package org.openlora.benchmarks.cli;

import org.jspecify.annotations.NullMarked;
