/// What bytes and operations alone allow: the limit that every measured throughput is a fraction of.
///
/// Starting point: [Roofline].
@NullMarked
package org.openlora.benchmarks.roofline;

import org.jspecify.annotations.NullMarked;
