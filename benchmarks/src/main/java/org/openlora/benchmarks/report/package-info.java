/// Committed results: where a figure comes from, the figures, and pictures of them.
///
/// Starting points: [ServingReport], [KernelReport], [ResultsFolder].
@NullMarked
package org.openlora.benchmarks.report;

import org.jspecify.annotations.NullMarked;
