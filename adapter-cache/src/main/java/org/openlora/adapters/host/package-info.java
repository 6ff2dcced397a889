/// Residency in host memory, where the CPU's kernels read weights without another copy.
///
/// Starting points:
/// - [org.openlora.adapters.host.HostAdapterResidency]: leases, loads, eviction.
@NullMarked
package org.openlora.adapters.host;

import org.jspecify.annotations.NullMarked;
