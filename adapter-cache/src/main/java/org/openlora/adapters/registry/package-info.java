/// Which adapters there are: the folders under the adapter root, by name and by digest.
///
/// Starting points:
/// - [org.openlora.adapters.registry.AdapterRegistry]: scanning and look-up.
/// - [org.openlora.adapters.registry.AdapterVersion]: what a name stands for at a moment.
@NullMarked
package org.openlora.adapters.registry;

import org.jspecify.annotations.NullMarked;
