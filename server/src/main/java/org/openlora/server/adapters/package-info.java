/// The lives of adapters as tenants and administrators see and steer them: names, tiers, pins, events.
///
/// Starting points: [org.openlora.server.adapters.AdapterDesk], [org.openlora.server.adapters.CacheDesk].
@NullMarked
package org.openlora.server.adapters;

import org.jspecify.annotations.NullMarked;
