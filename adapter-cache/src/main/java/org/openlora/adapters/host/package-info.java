/// Residency in host memory, where the CPU's kernels read weights without another copy, and the slots over it.
///
/// Starting points:
/// - [org.openlora.adapters.host.HostAdapterResidency]: leases, loads, pins, drains.
/// - [org.openlora.adapters.host.HostTier]: who has a place in the arena and who must go; the places are
///   [org.openlora.adapters.host.UnitSpace]'s, what stands in one is [org.openlora.adapters.host.Placement]'s.
/// - [org.openlora.adapters.host.DeviceTier]: who stands in a slot.
/// - [org.openlora.adapters.host.Scrubber]: compares weights with their checksums.
@NullMarked
package org.openlora.adapters.host;

import org.jspecify.annotations.NullMarked;
