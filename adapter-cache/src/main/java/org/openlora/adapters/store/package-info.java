/// The disk tier: adapters fetched from elsewhere, in folders named by their digest, within a budget of bytes.
///
/// Starting points:
/// - [org.openlora.adapters.store.AdapterStore]: finding, putting, putting out.
@NullMarked
package org.openlora.adapters.store;

import org.jspecify.annotations.NullMarked;
