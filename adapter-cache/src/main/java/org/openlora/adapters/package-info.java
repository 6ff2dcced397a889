/// What an adapter is and how it is held: digests, manifests, errors, and the interfaces of registry and
/// residency.
///
/// Starting points:
/// - [org.openlora.adapters.Digest] and [org.openlora.adapters.ContentDigest]: identity by content, never by
///   name or path.
/// - [org.openlora.adapters.AdapterResidency]: how a sequence gets, and keeps, the weights it runs with.
/// - [org.openlora.adapters.AdapterSource] and [org.openlora.adapters.AdapterMemory]: who reads weights, and
///   into what.
/// - [org.openlora.adapters.SlotTable]: whose weights the device has where.
/// - [org.openlora.adapters.BaseWeights]: all that this module needs to know of the base model.
@NullMarked
package org.openlora.adapters;

import org.jspecify.annotations.NullMarked;
