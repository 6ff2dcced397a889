/// What this machine is and what it can do at most: its class, its ceilings, and who else uses it meanwhile.
///
/// Starting point: [CeilingProbe].
@NullMarked
package org.openlora.benchmarks.machine;

import org.jspecify.annotations.NullMarked;
